//! Answers of a batch, given by a task of the runtime and not by the writer, which begins the next batch meanwhile.
//!
//! Whoever is answered goes on at once, and under load a flush answers sixty. Were they woken together, whoever comes
//! meanwhile would wait behind all that they do next. So a few are answered, then what has arrived gets its turn, and
//! then the next few are.

use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::Answer;

/// So many are answered before others get a turn.
const TOGETHER: usize = 8;

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
        for answer in answers {
            if given == TOGETHER {
                given = 0;
                // Behind all that is ready, and what has arrived is looked for before.
                tokio::task::yield_now().await;
            }
            answer.give();
            given += 1;
        }
    }
}
