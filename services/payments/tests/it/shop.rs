//! A shop to pay in: two stores, payments that are begun, payers that answer.

use contracts::proto::payments as api;
use contracts::proto::payments::payments_client::PaymentsClient;
use contracts::proto::vendors::EnsureStoreRequest;
use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::{OrderId, PaymentId, VendorId};
use kit::webhook::Secret;
use kit::{Caller, Clock, Ids, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, TestPlatform};
use tonic::Status;
use uuid::Uuid;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub struct Shop {
    pub p: TestPlatform,
    pub payer: Caller,
    pub admin: Caller,
    /// The owners of the two stores.
    pub sellers: [Caller; 2],
    pub stores: [VendorId; 2],
}

/// A payment that was begun.
#[derive(Clone)]
pub struct Begun {
    pub id: PaymentId,
    pub order: OrderId,
    pub url: String,
}

pub fn id() -> Uuid {
    Ids::random().uuid(Clock::system().now())
}

impl Shop {
    /// A provider that behaves.
    pub async fn open(engine: Engine) -> Shop {
        Shop::open_with(engine, json!({"twice": false, "early": false, "out_of_order": false})).await
    }

    /// A provider with bad habits.
    pub async fn open_with(engine: Engine, chaos: Json) -> Shop {
        let config = json!({
            "payments": {"sandbox_webhook_secret": SECRET},
            "sandbox": {"webhook_secret": SECRET, "late_webhook": 60, "chaos": chaos},
        });
        let p = TestPlatform::start_with(engine, &[payments::SERVICE, sandbox::SERVICE, vendors::SERVICE], config).await;
        let sellers = [testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor])];
        let mut stores = [VendorId::default(); 2];
        for (store, seller) in stores.iter_mut().zip(&sellers) {
            let owner_id = seller.user().unwrap().id.to_string();
            let request = EnsureStoreRequest { slug: format!("store-{owner_id}"), name: "Store".into(), owner_id };
            let made = VendorsClient::new(p.channel("vendors")).ensure_store(request).await.unwrap().into_inner();
            *store = made.vendor_id.parse().unwrap();
        }
        Shop { p, payer: testing::user(), admin: testing::user_with(&[Role::Admin]), sellers, stores }
    }

    pub fn grpc(&self) -> PaymentsClient<kit::channel::Channel> {
        PaymentsClient::new(self.p.channel("payments"))
    }

    /// 700 from the first store, 300 from the second, for every 1,000.
    pub fn wanted(&self, amount: i64) -> api::InitiateRequest {
        let share = |account: &str, store: usize, amount| {
            let vendor_id = self.stores[store].to_string();
            let account = if account == "commission" { account.to_owned() } else { format!("{account}:{vendor_id}") };
            api::Share { account, amount, vendor_id }
        };
        let part = |thousandths: i64| amount * thousandths / 1_000;
        let first = [share("vendor_payable", 0, part(600)), share("commission", 0, part(60)), share("shipping_payable", 0, part(40))];
        let second = part(255);
        let rest = amount - first.iter().map(|s| s.amount).sum::<i64>() - second;
        api::InitiateRequest {
            payment_id: id().to_string(),
            order_id: id().to_string(),
            user_id: self.payer.user().unwrap().id.to_string(),
            guest: String::new(),
            method: "sandbox".into(),
            amount: Some(api::Money { amount, currency: "BDT".into() }),
            shares: first.into_iter().chain([share("vendor_payable", 1, second), share("commission", 1, rest)]).collect(),
            reference: "HT-2026-000001".into(),
            lines: vec![],
        }
    }

    pub async fn initiate(&self, request: api::InitiateRequest) -> Result<api::Payment, Status> {
        Ok(self.grpc().initiate(request).await?.into_inner())
    }

    pub async fn begin(&self, amount: i64) -> Begun {
        self.begin_for(self.wanted(amount)).await
    }

    async fn begin_for(&self, request: api::InitiateRequest) -> Begun {
        let begun = self.initiate(request).await.unwrap();
        assert_eq!(begun.status, "requires_action");
        Begun { id: begun.payment_id.parse().unwrap(), order: begun.order_id.parse().unwrap(), url: begun.action_url }
    }

    /// A payment that was captured.
    pub async fn paid(&self, amount: i64) -> Begun {
        self.paid_for(self.wanted(amount)).await
    }

    /// As [`Shop::paid`], as it is asked for.
    pub async fn paid_for(&self, request: api::InitiateRequest) -> Begun {
        let begun = self.begin_for(request).await;
        self.answer(&begun, "approve").await.expect(200);
        self.p.settle().await;
        assert_eq!(self.payment(&begun).await["status"], "completed");
        begun
    }

    pub async fn void(&self, begun: &Begun) -> Result<api::Payment, Status> {
        let request = api::VoidRequest { payment_id: begun.id.to_string(), order_id: begun.order.to_string(), reason: "cancelled".into() };
        Ok(self.grpc().void(request).await?.into_inner())
    }

    /// What the payer does on the hosted page: `approve`, `decline` or `timeout`.
    pub async fn answer(&self, begun: &Begun, answer: &str) -> Response {
        let path = begun.url.strip_prefix("http://haat.test").expect("the page is ours");
        self.p.send("POST", &format!("{path}/{answer}"), &Caller::default(), None, &[]).await
    }

    pub async fn confirm(&self, begun: &Begun) -> Response {
        self.p.send("POST", "/api/v1/payments/confirm", &self.payer, Some(json!({"paymentId": begun.id})), &[]).await
    }

    pub async fn get(&self, path: &str, caller: &Caller) -> Response {
        self.p.send("GET", path, caller, None, &[]).await
    }

    pub async fn payment(&self, begun: &Begun) -> Json {
        self.get(&format!("/api/v1/payments/{}", begun.id), &self.payer).await.expect(200).body
    }

    pub async fn refund(&self, caller: &Caller, begun: &Begun, amount: i64, key: &str) -> Response {
        let body = json!({"amount": {"amount": amount, "currency": "BDT"}, "reason": "broken"});
        let path = format!("/api/v1/payments/{}/refund", begun.id);
        self.p.send("POST", &path, caller, Some(body), &[("idempotency-key", key)]).await
    }

    /// A webhook as the provider would send it, now.
    pub async fn webhook(&self, id: &str, body: &Json) -> Response {
        self.signed_webhook(&Secret::from_text(SECRET), id, Clock::system().now().plus_seconds(0), body).await
    }

    pub async fn signed_webhook(&self, secret: &Secret, id: &str, at: contracts::Time, body: &Json) -> Response {
        let text = body.to_string();
        let signed = secret.sign(id, at, text.as_bytes());
        let headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        self.p.send_bytes("POST", "/api/v1/payments/webhooks/sandbox", &Caller::default(), text.into_bytes(), &headers).await
    }

    /// The provider's record of a payment.
    pub async fn charge(&self, begun: &Begun) -> Option<Json> {
        let charges = self.get("/sandbox/charges", &Caller::default()).await.expect(200).body;
        let found = charges["data"].as_array().unwrap().iter().find(|c| c["paymentId"] == json!(begun.id));
        found.cloned()
    }

    /// The journals of an order by kind, after checking that each of them sums to zero.
    pub async fn journals(&self, begun: &Begun) -> Vec<String> {
        self.assert_balanced().await;
        let order = begun.order;
        let rows = self.p.db("payments").read(move |q| {
            let sql = "SELECT kind FROM payments.journals WHERE order_id = $1 ORDER BY created_at, id";
            q.rows(sql, kit::params![order.0])?.iter().map(|r| r.get::<String>(0)).collect::<Result<Vec<_>, kit::DbError>>()
        });
        rows.await.unwrap()
    }

    /// Every journal in the database sums to zero, and holds as much as it says.
    pub async fn assert_balanced(&self) {
        let unbalanced = self.p.db("payments").read(|q| {
            q.rows(
                "SELECT j.id, j.amount, CAST(SUM(e.debit) AS BIGINT), CAST(SUM(e.credit) AS BIGINT) FROM payments.journals j \
                 LEFT JOIN payments.entries e ON e.journal_id = j.id AND e.currency = j.currency GROUP BY j.id, j.amount \
                 HAVING COALESCE(SUM(e.debit), 0) <> j.amount OR COALESCE(SUM(e.credit), 0) <> j.amount ORDER BY j.id",
                &[],
            )
        });
        assert_eq!(unbalanced.await.unwrap(), []);
        let balance = self.get("/api/v1/ledger/trial-balance", &self.admin).await.expect(200).body;
        for difference in balance["difference"].as_array().unwrap() {
            assert_eq!(difference["amount"], 0, "{balance}");
        }
    }
}

/// A webhook's body.
pub fn message(kind: &str, begun: &Begun, amount: i64) -> Json {
    json!({"id": "m", "type": kind, "data": {"paymentId": begun.id, "chargeId": "ch_1", "amount": amount, "currency": "BDT", "more": [1]}})
}
