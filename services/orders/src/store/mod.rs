//! Every SQL statement of orders.

mod carrier_inbox;
mod contacts;
mod lists;
mod numbers;
mod parcels;
mod quotes;
mod returns;

pub(crate) use carrier_inbox::{
    Arrived, ArrivedFilter, ArrivedRow, all_arrived, arrived, forget_arrived, keep_arrived, thin_out_refused, unapplied, was_applied,
};
pub(crate) use contacts::{contact, contacts, insert_contact, update_contact};
pub(crate) use lists::{Filter, READ_MODEL, all_orders, order_of_part, orders_of, parts_of, placed_at, project, show_as_sold};
pub(crate) use numbers::next_number;
pub(crate) use parcels::{CarrierStep, carrier_of, carrier_steps, insert_step, other_steps, parcel};
pub(crate) use quotes::{insert_quote, prune_quotes, quote, use_quote};
pub(crate) use returns::{return_place, returns_of};
