//! Answers of a batch, given by a task of the runtime and not by the writer, which begins the next batch meanwhile.
//!
//! Whoever is answered goes on at once, and under load a flush answers sixty. Were they woken together, whoever comes
//! meanwhile would wait behind all that they do next. So of many a pair is answered, then what has arrived gets its turn,
//! and then the next pair is. A few are answered together: what they ask for next then shares a flush again.

use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::Answer;

/// Batches up to this size are few.
const FEW: usize = 16;
/// So many of a larger batch are answered before others get a turn.
const OF_MANY: usize = 2;

/// Where the writer leaves its answers.
pub(super) struct Answers(Option<UnboundedSender<Vec<Answer>>>);

impl Answers {
    /// Given on the runtime that this is called on; where there is none, the writer gives them itself.
    pub(super) fn start() -> Answers {
        let Ok(runtime) = Handle::try_current() else { return Answers(None) };
        let (sender, receiver) = mpsc::unbounded_channel();
        runtime.spawn(give(receiver));
        Answers(Some(sender))
    }

    /// Leaves `answers` to the runtime, or gives them where it has ended. Those of a batch come in its order.
    pub(super) fn give(&self, answers: Vec<Answer>) {
        let left = match &self.0 {
            Some(sender) => sender.send(answers).map_or_else(|unsent| unsent.0, |()| Vec::new()),
            None => answers,
        };
        left.into_iter().for_each(Answer::give);
    }
}

/// Ends when the writer has ended and everybody is answered.
async fn give(mut batches: UnboundedReceiver<Vec<Answer>>) {
    let mut given = 0;
    while let Some(answers) = batches.recv().await {
        let together = if answers.len() > FEW { OF_MANY } else { FEW };
        for answer in answers {
            if given >= together {
                given = 0;
                // Behind all that is ready, and what has arrived is looked for before.
                tokio::task::yield_now().await;
            }
            answer.give();
            given += 1;
        }
    }
}
