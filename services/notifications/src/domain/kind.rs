//! The kinds of messages: on which channels they go, and which fields their templates may name.

use serde::{Deserialize, Serialize};

use super::{Locale, Medium};

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// To who registered.
    #[serde(rename = "user.registered")]
    UserRegistered,
    /// To who must prove an address.
    #[serde(rename = "user.verify_email")]
    UserVerifyEmail,
    /// To who forgot a password.
    #[serde(rename = "user.reset_password")]
    UserResetPassword,
    /// To the shopper.
    #[serde(rename = "order.created")]
    OrderCreated,
    /// To the shopper.
    #[serde(rename = "order.confirmed")]
    OrderConfirmed,
    /// To the shopper.
    #[serde(rename = "order.failed")]
    OrderFailed,
    /// To the shopper.
    #[serde(rename = "order.cancelled")]
    OrderCancelled,
    /// To the shopper, for each store's part.
    #[serde(rename = "order.shipped")]
    OrderShipped,
    /// To the shopper, for each store's part.
    #[serde(rename = "order.delivered")]
    OrderDelivered,
    /// To the shopper, for each refund.
    #[serde(rename = "payment.refunded")]
    PaymentRefunded,
    /// To the owner of each store of a confirmed order.
    #[serde(rename = "vendor_order.confirmed")]
    VendorOrderConfirmed,
    /// To whom an administrator chooses.
    #[serde(rename = "announcement")]
    Announcement,
    /// To the owner of each store that was to pack a cancelled order.
    #[serde(rename = "vendor_order.cancelled")]
    VendorOrderCancelled,
    /// To who registered a webhook that is told nothing any more.
    #[serde(rename = "webhook.disabled")]
    WebhookDisabled,
    /// To the owner of the store to which something shall come back.
    #[serde(rename = "vendor_order.return_requested")]
    VendorOrderReturnRequested,
    /// To the shopper, for each return.
    #[serde(rename = "order.return_approved")]
    OrderReturnApproved,
    /// To the shopper, for each return.
    #[serde(rename = "order.return_rejected")]
    OrderReturnRejected,
    /// To who waited for it.
    #[serde(rename = "product.back_in_stock")]
    ProductBackInStock,
    /// To the owner of the store that has few left.
    #[serde(rename = "inventory.low")]
    InventoryLow,
    /// To who is asked to work in a store.
    #[serde(rename = "vendor.staff_invited")]
    StaffInvited,
}

/// The list of goods, and what a template may name within it.
pub(super) const ITEMS: (&str, &[&str]) = ("items", &["quantity", "title", "total"]);

/// What everybody's templates may name.
pub(super) const COMMON: &[&str] = &["name", "shopUrl"];

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 20] = [
        Kind::UserRegistered,
        Kind::UserVerifyEmail,
        Kind::UserResetPassword,
        Kind::OrderCreated,
        Kind::OrderConfirmed,
        Kind::OrderFailed,
        Kind::OrderCancelled,
        Kind::OrderShipped,
        Kind::OrderDelivered,
        Kind::PaymentRefunded,
        Kind::VendorOrderConfirmed,
        Kind::Announcement,
        Kind::VendorOrderCancelled,
        Kind::WebhookDisabled,
        Kind::VendorOrderReturnRequested,
        Kind::OrderReturnApproved,
        Kind::OrderReturnRejected,
        Kind::ProductBackInStock,
        Kind::InventoryLow,
        Kind::StaffInvited,
    ];

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::UserRegistered => "user.registered",
            Kind::UserVerifyEmail => "user.verify_email",
            Kind::UserResetPassword => "user.reset_password",
            Kind::OrderCreated => "order.created",
            Kind::OrderConfirmed => "order.confirmed",
            Kind::OrderFailed => "order.failed",
            Kind::OrderCancelled => "order.cancelled",
            Kind::OrderShipped => "order.shipped",
            Kind::OrderDelivered => "order.delivered",
            Kind::PaymentRefunded => "payment.refunded",
            Kind::VendorOrderConfirmed => "vendor_order.confirmed",
            Kind::Announcement => "announcement",
            Kind::VendorOrderCancelled => "vendor_order.cancelled",
            Kind::WebhookDisabled => "webhook.disabled",
            Kind::VendorOrderReturnRequested => "vendor_order.return_requested",
            Kind::OrderReturnApproved => "order.return_approved",
            Kind::OrderReturnRejected => "order.return_rejected",
            Kind::ProductBackInStock => "product.back_in_stock",
            Kind::InventoryLow => "inventory.low",
            Kind::StaffInvited => "vendor.staff_invited",
        }
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether it goes to a store: of its part of an order, or of its goods.
    pub fn is_to_store(self) -> bool {
        let of_part = matches!(self, Kind::VendorOrderConfirmed | Kind::VendorOrderCancelled | Kind::VendorOrderReturnRequested);
        of_part || self == Kind::InventoryLow
    }

    /// What the stores are told when shoppers are told this.
    pub fn to_stores(self) -> Option<Kind> {
        match self {
            Kind::OrderConfirmed => Some(Kind::VendorOrderConfirmed),
            Kind::OrderCancelled => Some(Kind::VendorOrderCancelled),
            _ => None,
        }
    }

    /// Whether its mail holds a secret, drawn when the mail leaves and kept nowhere: what it is about is a link.
    pub fn has_link(self) -> bool {
        matches!(self, Kind::UserVerifyEmail | Kind::UserResetPassword)
    }

    /// Whether it comes whatever somebody prefers: what proves a sale or moves money, and what was asked for.
    pub fn is_required(self) -> bool {
        self.has_link() || matches!(self, Kind::OrderConfirmed | Kind::PaymentRefunded)
    }

    /// Whether it comes in quiet hours too: the answer to what somebody just did.
    pub fn is_urgent(self) -> bool {
        self.has_link() || matches!(self, Kind::OrderConfirmed | Kind::OrderFailed)
    }

    /// What it is about, for people; its name where nobody is asked about it.
    pub fn label(self, locale: Locale) -> &'static str {
        let (english, bangla) = match self {
            Kind::OrderFailed => ("orders that were not paid", "যেসব অর্ডারের দাম পরিশোধ হয়নি"),
            Kind::OrderCancelled => ("cancelled orders", "বাতিল হওয়া অর্ডার"),
            Kind::OrderShipped => ("orders on their way", "পাঠানো অর্ডার"),
            Kind::OrderDelivered => ("delivered orders", "পৌঁছে যাওয়া অর্ডার"),
            Kind::VendorOrderConfirmed => ("new orders for your store", "আপনার দোকানের নতুন অর্ডার"),
            Kind::Announcement => ("news and offers", "খবর ও অফার"),
            Kind::VendorOrderCancelled => ("cancelled orders of your store", "আপনার দোকানের বাতিল হওয়া অর্ডার"),
            Kind::VendorOrderReturnRequested => ("returns to your store", "আপনার দোকানে পণ্য ফেরত"),
            Kind::OrderReturnApproved | Kind::OrderReturnRejected => ("answers to your returns", "আপনার পণ্য ফেরতের উত্তর"),
            Kind::ProductBackInStock => ("goods that are back in stock", "আবার স্টকে আসা পণ্য"),
            Kind::InventoryLow => ("goods of your store that run out", "আপনার দোকানের ফুরিয়ে আসা পণ্য"),
            Kind::StaffInvited => ("invitations to work in stores", "দোকানে কাজ করার আমন্ত্রণ"),
            other => (other.as_str(), other.as_str()),
        };
        match locale {
            Locale::English => english,
            Locale::Bangla => bangla,
        }
    }

    /// On which channels it goes.
    pub fn channels(self) -> &'static [Medium] {
        match self {
            Kind::UserRegistered | Kind::OrderCreated | Kind::WebhookDisabled => &[Medium::InApp],
            Kind::UserVerifyEmail | Kind::UserResetPassword => &[Medium::Email],
            _ => &[Medium::InApp, Medium::Email],
        }
    }

    /// What its templates may name.
    pub fn fields(self) -> impl Iterator<Item = &'static str> {
        let own: &[&str] = match self {
            Kind::UserRegistered => &[],
            Kind::UserVerifyEmail | Kind::UserResetPassword => &["linkUrl"],
            Kind::OrderCreated | Kind::OrderConfirmed => &["orderNumber", "orderUrl", "total", "items"],
            Kind::OrderFailed | Kind::OrderCancelled => &["orderNumber", "orderUrl", "total", "items", "reason"],
            Kind::OrderShipped => &["orderNumber", "orderUrl", "total", "items", "storeName", "carrier", "trackingNumber"],
            Kind::OrderDelivered | Kind::VendorOrderConfirmed => &["orderNumber", "orderUrl", "total", "items", "storeName"],
            Kind::VendorOrderCancelled => &["orderNumber", "orderUrl", "total", "items", "storeName", "reason"],
            Kind::PaymentRefunded => &["orderNumber", "orderUrl", "total", "items", "amount"],
            Kind::WebhookDisabled => &["webhookUrl", "reason"],
            Kind::Announcement => &["subject", "text", "url"],
            Kind::VendorOrderReturnRequested => &["orderNumber", "orderUrl", "items", "storeName", "reason"],
            Kind::OrderReturnApproved => &["orderNumber", "orderUrl", "storeName"],
            Kind::OrderReturnRejected => &["orderNumber", "orderUrl", "storeName", "reason"],
            Kind::ProductBackInStock => &["productTitle", "productUrl"],
            Kind::StaffInvited => &["storeName", "invitationsUrl"],
            Kind::InventoryLow => &["productTitle", "productUrl", "storeName", "available"],
        };
        COMMON.iter().chain(own).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_turned_off_by_a_link_has_a_label() {
        for kind in Kind::ALL.into_iter().filter(|k| !k.is_required() && k.channels().contains(&Medium::Email)) {
            for locale in Locale::ALL {
                assert_ne!(kind.label(locale), kind.as_str());
            }
        }
    }

    #[test]
    fn names_are_the_ones_that_are_stored() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
    }
}
