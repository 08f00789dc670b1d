use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, both_engines};

use crate::shop::{Good, Shop, order_cart, text};

both_engines!(
    an_invoice_is_there_from_the_confirmation_on_and_stays,
    a_store_gets_the_invoice_of_its_own_part,
    letters_without_a_font_are_on_the_page_and_refused_as_pdf,
);

async fn invoice(shop: &Shop, who: &Caller, order: &Json, query: &str, accept: &str) -> Response {
    let path = format!("/api/v1/orders/{}/invoice{query}", text(&order["id"]));
    shop.p.send("GET", &path, who, None, &[("accept", accept)]).await
}

fn shown(answer: &Response) -> String {
    String::from_utf8_lossy(&answer.bytes).into_owned()
}

async fn an_invoice_is_there_from_the_confirmation_on_and_stays(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(1_299_900, 10).await);
    let order = shop.order(&shopper, &good, 2).await;
    assert_eq!(invoice(&shop, &shopper, &order, "", "*/*").await.expect(409).code(), "not_invoiced");
    shop.pay(&order, "approve").await.expect(200);
    shop.p.settle().await;

    let page = invoice(&shop, &shopper, &order, "", "text/html,*/*;q=0.8").await.expect(200);
    assert_eq!((page.header("content-type"), page.header("content-security-policy").is_empty()), ("text/html; charset=utf-8", false));
    let html = shown(&page);
    let total = order["totals"]["total"]["amount"].as_i64().unwrap();
    let number = format!("INV-{}", text(&order["number"]));
    for part in [
        number.as_str(),
        "A physical good",
        "BDT 12,999.00",
        "BDT 25,998.00",
        "of which tax",
        "Paid by sandbox",
        "Ayesha Rahman",
        "dhaka-looms",
    ] {
        assert!(html.contains(part), "{part:?} is not in {html}");
    }
    assert_eq!(total, 2_599_800 + 6_000);
    assert!(!html.to_lowercase().contains("commission"), "that is between the store and the marketplace");

    let pdf = invoice(&shop, &shopper, &order, "", "application/pdf").await.expect(200);
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert_eq!(pdf.header("content-disposition"), format!("inline; filename=\"{number}.pdf\""));
    assert!(pdf.bytes.starts_with(b"%PDF-") && shown(&pdf).contains("(BDT 25,998.00) Tj"), "{}", shown(&pdf));
    assert_eq!(invoice(&shop, &shopper, &order, "?format=pdf", "text/html").await.bytes, pdf.bytes, "the same invoice is the same file");

    for (who, query, accept, status) in [
        (&testing::user(), "", "*/*", 404),
        (&testing::user_with(&[Role::Vendor]), "", "*/*", 404),
        (&testing::user_with(&[Role::Support]), "", "*/*", 200),
        (&testing::user_with(&[Role::Admin]), "?format=html", "application/json", 200),
        (&shopper, "", "application/json", 406),
        (&shopper, "?format=doc", "*/*", 400),
        (&shopper, "?vendorOrderId=01890000-0000-7000-8000-000000000000", "*/*", 404),
    ] {
        assert_eq!(invoice(&shop, who, &order, query, accept).await.status, status, "{query} {accept}");
    }

    shop.cancel(&shopper, &order).await.expect(200);
    shop.p.settle().await;
    let after = shown(&invoice(&shop, &shopper, &order, "", "*/*").await.expect(200));
    for part in [number.as_str(), "BDT 25,998.00", "<em>cancelled</em>", "Refunded"] {
        assert!(after.contains(part), "{part:?} is not in {after}");
    }
}

async fn a_store_gets_the_invoice_of_its_own_part(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (other_seller, _) = shop.another_store().await;
    let shopper = testing::user();
    shop.put_into_cart(&shopper, &shop.good(10_000, 5).await, 1).await;
    shop.put_into_cart(&shopper, &shop.good_of(&other_seller, "digital", 70_000, 0).await, 1).await;
    let order = shop.post(&shopper, "k", order_cart()).await.expect(201).body;
    shop.pay(&order, "approve").await.expect(200);
    shop.p.settle().await;
    let number = format!("INV-{}", text(&order["number"]));

    let whole = shown(&invoice(&shop, &shopper, &order, "", "*/*").await.expect(200));
    assert!(whole.contains("dhaka-looms") && whole.contains("sylhet-teas") && !whole.contains(&format!("{number}-")), "{whole}");
    let mine = shown(&invoice(&shop, &shop.seller, &order, "", "*/*").await.expect(200));
    assert!(mine.contains(&format!("{number}-1")) && mine.contains("Ayesha Rahman") && !mine.contains("sylhet-teas"), "{mine}");
    assert!(!mine.contains("Paid by"), "the payment is of the whole order");
    let theirs = shown(&invoice(&shop, &other_seller, &order, "", "*/*").await.expect(200));
    assert!(
        theirs.contains(&format!("{number}-2")) && !theirs.contains("Ayesha Rahman"),
        "what is not shipped has nowhere to go: {theirs}"
    );
    let part = format!("?vendorOrderId={}", text(&order["vendorOrders"][1]["id"]));
    assert_eq!(invoice(&shop, &shop.seller, &order, &part, "*/*").await.status, 404);
    let named = shown(&invoice(&shop, &shopper, &order, &part, "*/*").await.expect(200));
    assert!(named.contains(&format!("{number}-2")) && !named.contains("dhaka-looms"), "{named}");
    assert_eq!(invoice(&shop, &shopper, &order, &part, "application/pdf").await.status, 200);
}

async fn letters_without_a_font_are_on_the_page_and_refused_as_pdf(engine: Engine) {
    let shop = Shop::open_with(engine, json!({"orders": {"invoice_fonts": []}})).await;
    let shopper = testing::user();
    let body = json!({"title": "জামদানি <শাড়ি>", "handle": "jamdani", "kind": "physical",
        "variants": [{"sku": "J1", "price": {"amount": 100, "currency": "BDT"}, "stock": [{"onHand": 5}]}]});
    let made = shop.p.send("POST", "/api/v1/products", &shop.seller, Some(body), &[]).await.expect(201).body;
    let good = Good { product: text(&made["id"]), variant: text(&made["variants"][0]["id"]) };
    let order = shop.sale(&shopper, &good, 1).await;
    let page = shown(&invoice(&shop, &shopper, &order, "", "*/*").await.expect(200));
    assert!(page.contains("জামদানি &lt;শাড়ি&gt;"), "{page}");
    let refused = invoice(&shop, &shopper, &order, "?format=pdf", "*/*").await.expect(406);
    assert_eq!(refused.code(), "pdf_needs_font");
    assert!(text(&refused.body["detail"]).contains("জামদানি"), "{}", refused.body);
}
