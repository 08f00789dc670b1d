//! Every SQL statement about messages and webhooks.

mod bulk;
mod deliveries;
mod mailbox;
mod messages;
mod preferences;
mod push;
mod templates;
mod webhook_deliveries;
mod webhook_queue;
mod webhooks;

pub(crate) use bulk::{
    Audience, Bulk, BulkFailure, BulkRecipient, Step, advance, bulk, bulk_failures, count_bulk, insert_bulk, insert_bulk_failure,
    insert_recipients, prune_bulk, recipients,
};
pub(crate) use deliveries::{
    Attempt, Delivery, NewMail, Outgoing, Progress, deliveries, delivery, insert_deliveries, insert_sent, note_attempt, outgoing, postpone,
    revive,
};
pub(crate) use mailbox::{Mail, mails, post, post_all};
pub(crate) use messages::{Message, Placed, find, insert_messages, last_place, list, mark_all_read, mark_read, placed_after, prune};
pub(crate) use preferences::{opt_outs, quiet_hours, quiet_hours_of, set_quiet_hours, switch, turned_off};
pub(crate) use push::{delete_push_token, end_push_tokens, push_tokens, put_push_token, trim_push_tokens};
pub(crate) use templates::{Custom, TemplateKey, delete_template, save_template, template, templates};
pub(crate) use webhook_deliveries::{
    NewDelivery, Span, WebhookAttempt, WebhookDelivery, begin_series, begin_series_of_dead, insert_webhook_delivery, note_webhook_attempt,
    prune_webhook_deliveries, settle_webhook_delivery, webhook_deliveries, webhook_delivery,
};
pub(crate) use webhook_queue::{Endpoint, FIGURES, WebhookOutgoing, due_at, endpoint, give_up_due, next_due, note_silences, one_outgoing};
pub(crate) use webhooks::{
    PER_OWNER_MAX, Wanted, Webhook, a_store_listens, anybody_listens, delete_webhook, disable, insert_webhook, listening, note_failure,
    note_success, oldest_secret, rotate_secret, update_webhook, webhook, webhook_to_change, webhooks,
};
