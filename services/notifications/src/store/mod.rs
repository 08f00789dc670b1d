//! Every SQL statement about messages.

mod mailbox;
mod messages;

pub(crate) use mailbox::{Mail, mails, post};
pub(crate) use messages::{Message, find, insert, list, mark_all_read, mark_read, prune};
