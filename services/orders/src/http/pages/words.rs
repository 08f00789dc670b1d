//! What the pages about orders say; none of it is markup but the notes.

use kit::http::{MissingWords, SignInWords};

use crate::domain::{OrderStatus, PartStatus};

/// The words of one language.
pub(super) struct Words {
    pub language: &'static str,
    pub order: &'static str,
    pub reason: &'static str,
    pub shipping: &'static str,
    pub discount: &'static str,
    pub tax: &'static str,
    pub total: &'static str,
    /// Where an order stands.
    pub order_status: fn(OrderStatus) -> &'static str,
    /// Where a part stands.
    pub part_status: fn(PartStatus) -> &'static str,
    /// Why it ended: a code in words, and what somebody wrote as it is.
    pub why: fn(&str) -> &str,
}

pub(super) const ENGLISH: Words = Words {
    language: "en",
    order: "Order",
    reason: "Reason",
    shipping: "Shipping",
    discount: "Discount",
    tax: "Tax",
    total: "Total",
    order_status: |status| of_order(status)[0],
    part_status: |status| of_part(status)[0],
    why: |reason| why(reason)[0],
};

pub(super) const BANGLA: Words = Words {
    language: "bn",
    order: "অর্ডার",
    reason: "কারণ",
    shipping: "ডেলিভারি খরচ",
    discount: "ছাড়",
    tax: "কর",
    total: "মোট",
    order_status: |status| of_order(status)[1],
    part_status: |status| of_part(status)[1],
    why: |reason| why(reason)[1],
};

/// In English and in Bangla.
type Both = [&'static str; 2];

const CREATED: Both = ["Created", "তৈরি হয়েছে"];
const AWAITING_PAYMENT: Both = ["Awaiting payment", "মূল্য পরিশোধের অপেক্ষায়"];
const CONFIRMED: Both = ["Confirmed", "নিশ্চিত হয়েছে"];
const PROCESSING: Both = ["Processing", "প্যাক করা হচ্ছে"];
const SHIPPED: Both = ["Shipped", "পাঠানো হয়েছে"];
const DELIVERED: Both = ["Delivered", "পৌঁছে দেওয়া হয়েছে"];
const FAILED: Both = ["Failed", "সম্পন্ন হয়নি"];
const CANCELLED: Both = ["Cancelled", "বাতিল হয়েছে"];
const RETURN_REQUESTED: Both = ["Return requested", "ফেরতের অনুরোধ করা হয়েছে"];
const PARTIALLY_RETURNED: Both = ["Partially returned", "আংশিক ফেরত এসেছে"];
const RETURNED: Both = ["Returned", "ফেরত এসেছে"];

fn of_order(status: OrderStatus) -> Both {
    match status {
        OrderStatus::Created => CREATED,
        OrderStatus::AwaitingPayment => AWAITING_PAYMENT,
        OrderStatus::Confirmed => CONFIRMED,
        OrderStatus::Processing => PROCESSING,
        OrderStatus::PartiallyShipped => ["Partially shipped", "আংশিক পাঠানো হয়েছে"],
        OrderStatus::Shipped => SHIPPED,
        OrderStatus::PartiallyDelivered => ["Partially delivered", "আংশিক পৌঁছে দেওয়া হয়েছে"],
        OrderStatus::Delivered => DELIVERED,
        OrderStatus::Completed => ["Completed", "সম্পন্ন হয়েছে"],
        OrderStatus::Failed => FAILED,
        OrderStatus::Cancelled => CANCELLED,
        OrderStatus::PartiallyCancelled => ["Partially cancelled", "আংশিক বাতিল হয়েছে"],
        OrderStatus::ReturnRequested => RETURN_REQUESTED,
        OrderStatus::PartiallyReturned => PARTIALLY_RETURNED,
        OrderStatus::Returned => RETURNED,
    }
}

fn of_part(status: PartStatus) -> Both {
    match status {
        PartStatus::Created => CREATED,
        PartStatus::AwaitingPayment => AWAITING_PAYMENT,
        PartStatus::Failed => FAILED,
        PartStatus::Cancelled => CANCELLED,
        PartStatus::Refused => ["Refused", "গ্রহণ করা হয়নি"],
        PartStatus::Confirmed => CONFIRMED,
        PartStatus::Processing => PROCESSING,
        PartStatus::Shipped => SHIPPED,
        PartStatus::Delivered => DELIVERED,
        PartStatus::ReturnRequested => RETURN_REQUESTED,
        PartStatus::PartiallyReturned => PARTIALLY_RETURNED,
        PartStatus::Returned => RETURNED,
    }
}

fn why(reason: &str) -> [&str; 2] {
    match reason {
        "payment_declined" => ["the payment was declined", "পেমেন্ট প্রত্যাখ্যাত হয়েছে"],
        "payment_timeout" => ["it was not paid in time", "নির্ধারিত সময়ের মধ্যে পেমেন্ট পাওয়া যায়নি"],
        "out_of_stock" => ["not enough was in stock", "পর্যাপ্ত মজুত ছিল না"],
        "no reason given" => ["none was given", "কোনো কারণ জানানো হয়নি"],
        written => [written, written],
    }
}

/// Above where to sign in to see an order.
pub(super) const SIGN_IN: SignInWords = SignInWords {
    title: "Sign in to see this order",
    private: "An order is shown to whom it belongs only.",
    ask: "Sign in and ask with the access token that you get:",
    note: None,
};

/// The same in Bangla.
pub(super) const SIGN_IN_BANGLA: SignInWords = SignInWords {
    title: "অর্ডারটি দেখতে সাইন ইন করুন",
    private: "অর্ডার শুধু তার মালিককেই দেখানো হয়।",
    ask: "সাইন ইন করুন, তারপর পাওয়া অ্যাক্সেস টোকেন দিয়ে অর্ডারটি চান:",
    note: None,
};

/// For shoppers, some of whom have no account.
pub(super) const SHOPPER_SIGN_IN: SignInWords = SignInWords {
    note: Some("Ordered without an account? Ask with the <code>X-Cart-Token</code> of your cart instead of the token."),
    ..SIGN_IN
};

/// The same in Bangla.
pub(super) const SHOPPER_SIGN_IN_BANGLA: SignInWords = SignInWords {
    note: Some("অ্যাকাউন্ট ছাড়া অর্ডার করেছেন? টোকেনের বদলে আপনার কার্টের <code>X-Cart-Token</code> দিন।"),
    ..SIGN_IN_BANGLA
};

/// In place of an order that is not there.
pub(super) const NO_ORDER: MissingWords = MissingWords {
    title: "There is no such order",
    why: "It may belong to another account, or the link is not whole.",
    go_on: "All of your orders:",
};

/// The same in Bangla.
pub(super) const NO_ORDER_BANGLA: MissingWords =
    MissingWords {
        title: "এমন কোনো অর্ডার নেই", why: "অর্ডারটি হয়তো অন্য অ্যাকাউন্টের, অথবা লিংকটি সম্পূর্ণ নয়।", go_on: "আপনার সব অর্ডার:"
    };
