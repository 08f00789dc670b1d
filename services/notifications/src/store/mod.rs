//! Every SQL statement about messages.

mod deliveries;
mod mailbox;
mod messages;
mod preferences;
mod templates;

pub(crate) use deliveries::{
    Attempt, Delivery, Outgoing, Progress, deliveries, delivery, insert_delivery, note_attempt, outgoing, postpone, revive,
};
pub(crate) use mailbox::{Mail, mails, post};
pub(crate) use messages::{Message, Placed, find, insert, last_place, list, mark_all_read, mark_read, placed_after, prune};
pub(crate) use preferences::{opt_outs, quiet_hours, set_quiet_hours, switch};
pub(crate) use templates::{Custom, TemplateKey, delete_template, save_template, template, templates};
