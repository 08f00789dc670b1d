use contracts::Time;
use kit::db::{DbError, constraint_names, migrate};
use kit::params;
use notifications::SERVICE;
use testing::{Data, Engine, both_engines};
use uuid::Uuid;

both_engines!(messages_survive_that_their_table_is_laid_out_anew);

/// The steps before messages were laid out anew.
const BEFORE: usize = 8;

async fn messages_survive_that_their_table_is_laid_out_anew(engine: Engine) {
    let data = Data::fresh(engine);
    let db = data.database.view("notifications");
    migrate(&data.database, "notifications", &SERVICE.migrations[..BEFORE]).await.unwrap();
    let recipient = Uuid::from_u128(1);
    let insert = move |tx: &mut kit::Tx, n: u128, channel: &'static str, place: Option<i64>| {
        let sql = "INSERT INTO notifications.messages (id, recipient, kind, about, channel, place, title, body, html, created_at) \
                   VALUES ($1, $2, 'order.confirmed', $1, $3, $4, 'title', $5, $6, $7)";
        let html = place.is_none().then(|| "<p>".repeat(2_000));
        tx.execute(sql, params![Uuid::from_u128(n), recipient, channel, place, "long ".repeat(500), html, Time(5)]).map(drop)
    };
    let written = db.write(move |tx| {
        insert(tx, 1, "in_app", Some(1))?;
        insert(tx, 2, "email", None)?;
        insert(tx, 3, "email", None)
    });
    written.await.unwrap();
    let all = || db.read(|q| q.rows("SELECT * FROM notifications.messages ORDER BY id", &[]).map(|rows| format!("{rows:?}")));
    let before = all().await.unwrap();

    migrate(&data.database, "notifications", SERVICE.migrations).await.unwrap();
    assert_eq!(all().await.unwrap(), before);
    if engine == Engine::Sqlite {
        let by_row = db.read(|q| q.rows("SELECT rowid FROM notifications.messages", &[])).await;
        assert_eq!(by_row.unwrap().len(), 3, "long rows lie in rows of their own, and not in the tree of their key");
    }
    let again = db.write(move |tx| insert(tx, 4, "in_app", Some(1))).await;
    assert_eq!(again, Err(DbError::Unique("messages_place".into())));
    assert!(constraint_names(&db).await.unwrap().contains(&"messages_recipient_kind_about_channel_key".into()));
}
