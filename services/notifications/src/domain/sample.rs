//! Made-up fields, to see what a template looks like.

use contracts::{Currency, Money};
use serde_json::{Map, Value as Json, json};

use super::{Kind, Locale};

/// The fields of a kind, filled in.
pub(crate) fn sample(kind: Kind, locale: Locale, public_url: &str) -> Json {
    let money = |amount| locale.money(Money::new(amount, Currency::BDT));
    let said = |english: &str, bangla: &str| match locale {
        Locale::English => json!(english),
        Locale::Bangla => json!(bangla),
    };
    let value = |field: &str| match field {
        "name" => said("Ayesha", "আয়েশা"),
        "shopUrl" => json!(public_url),
        "orderNumber" => json!("HT-2026-000123"),
        "orderUrl" => json!(format!("{public_url}/orders/01a1fe21-3662-7593-838d-e0b49db6e839")),
        "linkUrl" => json!(format!("{public_url}/verify-email?token=0123456789abcdef")),
        "total" => json!(money(271_800)),
        "amount" => json!(money(129_900)),
        "storeName" => said("Dhaka Looms", "ঢাকা লুমস"),
        "carrier" => json!("Pathao"),
        "trackingNumber" => json!("P-17"),
        "subject" => said("The looms are open again", "তাঁত আবার চালু"),
        "text" => said("New cloth from Tangail has come in.", "টাঙ্গাইল থেকে নতুন কাপড় এসেছে।"),
        "url" => json!(format!("{public_url}/products")),
        "productTitle" => said("Handloom gamcha (red)", "তাঁতের গামছা (লাল)"),
        "productUrl" => json!(format!("{public_url}/products/handloom-gamcha")),
        "available" => json!(locale.number(3)),
        "invitationsUrl" => json!(format!("{public_url}/vendor/invitations")),
        "webhookUrl" => json!("https://example.com/webhooks"),
        "reason" => said("changed my mind", "মত বদলেছি"),
        "items" => json!([
            {"quantity": locale.number(2), "title": said("Handloom <gamcha>", "তাঁতের <গামছা>"), "total": money(259_800)},
            {"quantity": locale.number(1), "title": said("Sylhet tea", "সিলেটের চা"), "total": money(6_000)},
        ]),
        _ => json!(""),
    };
    kind.fields().map(|field| (field.to_owned(), value(field))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_sample() {
        for kind in Kind::ALL {
            let fields = sample(kind, Locale::Bangla, "http://haat.test");
            assert!(fields.as_object().unwrap().values().all(|v| *v != ""), "{kind:?}: {fields}");
        }
    }
}
