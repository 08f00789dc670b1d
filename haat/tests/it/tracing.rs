//! An order is one trace, from the request to the mail.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use testing::Engine;

use crate::binary::{Server, folder, haat};
use crate::collector::{COLLECTOR, Seen, missing, says};
use crate::market::{Market, order_cart};
use crate::nodes::Layout;
use crate::outside::{Outside, Visitor};

/// The span that the shopper's own program would have sent.
const ABOVE: u64 = 0x00f0_67aa_0ba9_02b7;

#[test]
fn an_order_is_one_trace() {
    testing::run(async {
        let spans = spans_of_a_sale(Layout::Together(Engine::Sqlite), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4731).await;
        assert_eq!(of_kind(&spans, SpanKind::Server), 1, "{}", told(&spans));
    });
}

#[test]
fn an_order_is_one_trace_on_postgres() {
    testing::run(async {
        let spans = spans_of_a_sale(Layout::Together(Engine::Postgres), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4732).await;
        assert!(spans.iter().any(|(_, span)| says(span, "db.system.name") == "postgresql"), "{}", told(&spans));
    });
}

#[test]
fn an_order_is_one_trace_over_processes() {
    testing::run(async {
        let spans = spans_of_a_sale(Layout::Apart, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4733).await;
        let served = |service: &str, name: &str| {
            spans.iter().any(|(scope, span)| scope == service && span.kind() == SpanKind::Server && span.name.contains(name))
        };
        assert!(served("orders", "POST") && served("cart", "/GetCart") && served("catalog", "/Reserve"), "{}", told(&spans));
    });
}

/// Buys, pays, and waits for the mail; checks what holds wherever the services run.
async fn spans_of_a_sale(layout: Layout, trace: u128) -> Vec<Seen> {
    let smtp = format!("host = '127.0.0.1'\nport = {}\nsecurity = 'none'\nfrom = 'orders@haat.test'\n", COLLECTOR.smtp_port);
    let market = Market::open_with(layout, &format!("[services.notifications.smtp]\n{smtp}")).await;
    let cloth = market.good(&market.sellers[0], 129_900, 10).await;
    let shopper = market.register("ayesha@journey.test").await;
    market.put_into_cart(&shopper, &cloth, 2).await;

    let headers = [("idempotency-key", "traced"), ("traceparent", &*format!("00-{trace:032x}-{ABOVE:016x}-01"))];
    let answer = market.outside.send(&shopper, "POST", "/orders", Some(order_cart()), &headers).await.expect(201);
    assert!(answer.header("traceresponse").starts_with(&format!("00-{trace:032x}-")), "{answer:?}");
    market.pay(&answer.body, "approve").await;
    market.order_comes_to(&shopper, &answer.body, "confirmed").await;
    let is_whole = || async {
        let spans = COLLECTOR.spans(trace);
        let has = |name: &str| spans.iter().any(|(_, span)| span.name == name);
        has("send mail") && has("step order_fulfilment/schedule_fulfilment") && missing(&spans, ABOVE).is_empty()
    };
    testing::eventually("the trace is whole", is_whole).await;
    let spans = COLLECTOR.spans(trace);
    market.close().await;
    it_is_the_story_of_the_order(&spans);
    spans
}

fn it_is_the_story_of_the_order(spans: &[Seen]) {
    let story = told(spans);
    let services: BTreeSet<&str> = spans.iter().map(|(service, _)| service.as_str()).collect();
    for service in ["gateway", "orders", "cart", "catalog", "payments", "sandbox", "notifications"] {
        assert!(services.contains(service), "nothing of {service}:\n{story}");
    }
    let roots: Vec<_> = spans.iter().filter(|(_, span)| span.parent_span_id == ABOVE.to_be_bytes()).collect();
    let [(root_service, root)] = roots.as_slice() else { panic!("{} roots:\n{story}", roots.len()) };
    assert_eq!((root_service.as_str(), root.name.as_str(), root.kind()), ("gateway", "POST /api/v1/orders", SpanKind::Server));
    let said = ["http.request.method", "http.route", "http.response.status_code"].map(|key| says(root, key));
    assert_eq!(said, ["POST", "/api/v1/orders", "201"]);
    let ids: BTreeSet<_> = spans.iter().map(|(_, span)| &span.span_id).collect();
    assert_eq!(ids.len(), spans.len(), "an id stands for one span:\n{story}");
    assert!(spans.iter().all(|(_, span)| span.start_time_unix_nano <= span.end_time_unix_nano), "{story}");

    let one = |name: &str| spans.iter().find(|(_, span)| span.name == name).map_or_else(|| panic!("no {name}:\n{story}"), |(_, span)| span);
    assert_eq!(says(one("haat.catalog.v1.Catalog/Reserve"), "rpc.response.status_code"), "OK");
    for step in ["take_payment", "commit_stock", "confirm", "notify_vendors"] {
        assert_eq!(says(one(&format!("step order_fulfilment/{step}")), "haat.saga.step.status"), "done");
    }
    // The payer's own request, and the provider's message, are traces of their own.
    assert_eq!(one("step order_fulfilment/await_payment").links.len(), 1, "{story}");
    let told_of = spans.iter().any(|(service, span)| service == "notifications" && span.name == "process order.confirmed");
    assert!(told_of && spans.iter().any(|(_, span)| span.name.starts_with("write orders/")), "{story}");
    // The shopper and the store are told; which of the mails leaves first is nobody's business.
    let named = |name: &'static str| spans.iter().map(|(_, span)| span).filter(move |span| span.name == name);
    let of_job = |mail: &Span| named("job deliver").any(|job| job.span_id == mail.parent_span_id);
    assert!(named("send mail").all(|mail| of_job(mail) && mail.status.is_none()), "{story}");
}

fn of_kind(spans: &[Seen], kind: SpanKind) -> usize {
    spans.iter().filter(|(_, span)| span.kind() == kind).count()
}

/// The tree as text.
fn told(spans: &[Seen]) -> String {
    fn below(spans: &[Seen], parent: &[u8], depth: usize, text: &mut String) {
        let mut children: Vec<_> = spans.iter().filter(|(_, span)| span.parent_span_id == parent).collect();
        children.sort_by_key(|(_, span)| span.start_time_unix_nano);
        for (service, span) in children {
            let took_us = (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000;
            text.push_str(&format!("{}{service}: {} ({took_us} us)\n", "  ".repeat(depth), span.name));
            below(spans, &span.span_id, depth + 1, text);
        }
    }
    let mut text = String::new();
    below(spans, &ABOVE.to_be_bytes(), 0, &mut text);
    text
}

#[test]
fn a_collector_that_is_down_hurts_nothing() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = taken.local_addr().unwrap();
    drop(taken);
    let mut command = haat(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let server = Server::start(command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{nobody}")).env("OTEL_SERVICE_NAME", "shop"));
    testing::run(async {
        let outside = Outside::of(&server.url);
        let answer = outside.send(&Visitor::default(), "GET", "/products/nothing", None, &[]).await.expect(404);
        assert!(answer.header("traceresponse").ends_with("-01"), "{answer:?}");
        assert_eq!(answer.body["traceId"].as_str(), answer.header("traceresponse").get(3..35), "{answer:?}");
    });
    assert_eq!(server.stop(), Some(0), "it ends although spans are left");
}
