//! Every SQL statement about messages.

mod deliveries;
mod mailbox;
mod messages;
mod templates;

pub(crate) use deliveries::{Attempt, Delivery, Outgoing, Progress, deliveries, delivery, insert_delivery, note_attempt, outgoing, revive};
pub(crate) use mailbox::{Mail, mails, post};
pub(crate) use messages::{Message, find, insert, list, mark_all_read, mark_read, prune};
pub(crate) use templates::{Custom, TemplateKey, delete_template, save_template, template, templates};
