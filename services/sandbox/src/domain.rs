//! How the sandbox behaves: what a payer's answer means, and which bad habits of real providers a charge shows.

use contracts::{Currency, Money, PaymentId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::Error;

/// A payer's answer on the hosted page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Pays.
    Approve,
    /// Does not.
    Decline,
    /// Pays, but the page never says so: only a late webhook does.
    Timeout,
}

impl Answer {
    /// As in paths and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Answer::Approve => "approve",
            Answer::Decline => "decline",
            Answer::Timeout => "timeout",
        }
    }

    /// By its name.
    pub fn parse(name: &str) -> Option<Answer> {
        [Answer::Approve, Answer::Decline, Answer::Timeout].into_iter().find(|a| a.as_str() == name)
    }

    /// What the browser is told.
    pub fn told(self) -> &'static str {
        match self {
            Answer::Approve => "approved",
            Answer::Decline => "declined",
            Answer::Timeout => "pending",
        }
    }

    /// The status of the session afterwards.
    pub fn status(self) -> Status {
        match self {
            Answer::Approve | Answer::Timeout => Status::Charged,
            Answer::Decline => Status::Declined,
        }
    }
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The payer has not answered.
    Open,
    /// The money was taken.
    Charged,
    /// The payer declined.
    Declined,
    /// The merchant gave it up.
    Cancelled,
}

impl Status {
    /// As stored and told.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Charged => "charged",
            Status::Declined => "declined",
            Status::Cancelled => "cancelled",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Status> {
        [Status::Open, Status::Charged, Status::Declined, Status::Cancelled].into_iter().find(|s| s.as_str() == text)
    }
}

/// A payment as the sandbox keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Session {
    pub payment_id: PaymentId,
    /// Names the hosted page; none for one that was given up before it was opened.
    pub token: Option<String>,
    pub status: Status,
    pub answer: Option<Answer>,
    pub amount: i64,
    /// Three letters; empty for one that was given up before it was opened.
    pub currency: String,
    /// What the payer is shown.
    pub reference: String,
    pub webhook_url: String,
    pub return_url: String,
}

impl Session {
    /// Whether the payer's answer takes effect now, or did before. Any other one comes too late.
    pub fn answered(&self, answer: Answer) -> Result<Effect, Error> {
        match (self.status, self.answer) {
            (Status::Open, _) => Ok(Effect::Now),
            (_, Some(before)) if before == answer => Ok(Effect::Before),
            (Status::Cancelled, _) => Err(Error::Cancelled),
            (_, before) => Err(Error::Answered(before.unwrap_or(answer))),
        }
    }

    /// The amount as money.
    pub fn money(&self) -> Result<Money, Error> {
        let currency: Currency = self.currency.parse().map_err(|_| Error::Cancelled)?;
        Ok(Money::new(self.amount, currency))
    }
}

/// When an answer took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Now,
    Before,
}

/// Which bad habits are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Chaos {
    /// Whether some webhooks are delivered again after they were taken.
    pub twice: bool,
    /// Whether some webhooks are delivered before the browser gets its answer.
    pub early: bool,
    /// Whether some older messages are delivered after newer ones.
    pub out_of_order: bool,
}

impl Default for Chaos {
    fn default() -> Chaos {
        Chaos { twice: true, early: true, out_of_order: true }
    }
}

impl Chaos {
    /// The habits that this charge shows: the same in every run, each for about a third of all charges.
    pub fn of(self, charge: Uuid) -> Chaos {
        let dice = Sha256::digest(charge.as_bytes());
        let third = |byte: usize| dice.get(byte).is_some_and(|b| b.is_multiple_of(3));
        Chaos { twice: self.twice && third(0), early: self.early && third(1), out_of_order: self.out_of_order && third(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(status: Status, answer: Option<Answer>) -> Session {
        Session {
            payment_id: PaymentId::default(),
            token: Some("t".into()),
            status,
            answer,
            amount: 100,
            currency: "BDT".into(),
            reference: "HT-1".into(),
            webhook_url: String::new(),
            return_url: String::new(),
        }
    }

    #[test]
    fn an_answer_counts_once_and_no_other_one_after_it() {
        use Answer::{Approve, Decline, Timeout};
        for (status, before, answer, expected) in [
            (Status::Open, None, Approve, Ok(Effect::Now)),
            (Status::Open, None, Timeout, Ok(Effect::Now)),
            (Status::Charged, Some(Approve), Approve, Ok(Effect::Before)),
            (Status::Charged, Some(Timeout), Timeout, Ok(Effect::Before)),
            (Status::Declined, Some(Decline), Decline, Ok(Effect::Before)),
            (Status::Charged, Some(Approve), Decline, Err(Error::Answered(Approve))),
            (Status::Charged, Some(Timeout), Approve, Err(Error::Answered(Timeout))),
            (Status::Declined, Some(Decline), Approve, Err(Error::Answered(Decline))),
            (Status::Cancelled, None, Approve, Err(Error::Cancelled)),
            (Status::Cancelled, None, Decline, Err(Error::Cancelled)),
        ] {
            assert_eq!(session(status, before).answered(answer), expected, "{status:?} {answer:?}");
        }
    }

    #[test]
    fn habits_are_chosen_by_the_charge_and_switched_off_singly() {
        let charges: Vec<Uuid> = (0..300).map(Uuid::from_u128).collect();
        let all = Chaos::default();
        for (name, has) in
            [("twice", (|c: Chaos| c.twice) as fn(Chaos) -> bool), ("early", |c| c.early), ("out_of_order", |c| c.out_of_order)]
        {
            let shown = charges.iter().filter(|c| has(all.of(**c))).count();
            assert!((50..150).contains(&shown), "{name}: {shown} of 300");
        }
        let quiet = Chaos { twice: false, ..all };
        assert!(charges.iter().all(|c| !quiet.of(*c).twice && quiet.of(*c).early == all.of(*c).early));
        assert_eq!(all.of(charges[7]), all.of(charges[7]));
    }
}
