//! Every SQL statement about messages.

mod bulk;
mod deliveries;
mod mailbox;
mod messages;
mod preferences;
mod templates;

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
pub(crate) use templates::{Custom, TemplateKey, delete_template, save_template, template, templates};
