//! Answers of a batch, given by a task of the runtime and not by the writer, which begins the next batch meanwhile.
//!
//! Whoever is answered goes on at once, and under load a flush answers sixty. Were they woken together, whoever comes
//! meanwhile would wait behind all that they do next. So of many a pair is answered, then what has arrived gets its turn,
//! and then the next pair is. A few are answered together: what they ask for next then shares a flush again.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{Answer, Shared};

/// Batches up to this size are few.
const FEW: usize = 16;
/// So many of a larger batch are answered before others get a turn.
const OF_MANY: usize = 2;

/// Where the writer leaves its answers.
pub(super) struct Answers {
    sender: Option<UnboundedSender<Batch>>,
    shared: Arc<Shared>,
}

/// Counted as not answered until it is dropped.
struct Batch {
    answers: Vec<Answer>,
    shared: Arc<Shared>,
}

impl Answers {
    /// Given on the runtime that this is called on; where there is none, the writer gives them itself.
    pub(super) fn start(shared: Arc<Shared>) -> Answers {
        let sender = Handle::try_current().ok().map(|runtime| {
            let (sender, receiver) = mpsc::unbounded_channel();
            runtime.spawn(give(receiver));
            sender
        });
        Answers { sender, shared }
    }

    /// Leaves `answers` to the runtime, or gives them where it has ended. Those of a batch come in its order.
    pub(super) fn give(&self, answers: Vec<Answer>) {
        self.shared.queue.settled(answers.len());
        let batch = Batch { answers, shared: self.shared.clone() };
        let left = match &self.sender {
            Some(sender) => sender.send(batch).err().map(|unsent| unsent.0),
            None => Some(batch),
        };
        if let Some(mut batch) = left {
            batch.take().into_iter().for_each(Answer::give);
        }
    }
}

impl Batch {
    fn take(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.answers)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.shared.queue.answered();
    }
}

/// Ends when the writer has ended and everybody is answered.
async fn give(mut batches: UnboundedReceiver<Batch>) {
    let mut given = 0;
    while let Some(mut batch) = batches.recv().await {
        let answers = batch.take();
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
