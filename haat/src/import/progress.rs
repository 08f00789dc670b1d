//! How far an import or an export is: a bar where somebody watches, a line now and then where it goes to a file.

use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use tokio::time::Instant;

/// How often there is a line.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// How often the bar moves.
const MOVE_EVERY: Duration = Duration::from_millis(100);

/// How far it is.
pub struct Progress {
    bar: ProgressBar,
    what: &'static str,
    length: Option<u64>,
    began: Instant,
    told: Instant,
}

impl Progress {
    /// Of so many bytes, or whatever is counted; of `what` it says how many there are.
    pub fn new(length: Option<u64>, what: &'static str) -> Progress {
        let (bar, template) = match length {
            Some(length) => (ProgressBar::new(length), "{bar:30} {percent:>3} %  {msg}  {eta} left"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Progress { bar, what, length, began: Instant::now(), told: Instant::now() }
    }

    /// So far, and so many.
    pub fn tell(&mut self, position: u64, count: u64) {
        let pause = if self.bar.is_hidden() { LINE_EVERY } else { MOVE_EVERY };
        if self.told.elapsed() < pause {
            return;
        }
        self.told = Instant::now();
        let seconds = self.seconds();
        let text = format!("{count} {}, {:.0} per second", self.what, count as f64 / seconds.max(0.001));
        if self.bar.is_hidden() {
            let left = self.length.filter(|_| position > 0).map(|all| seconds * all.saturating_sub(position) as f64 / position as f64);
            let left = left.map_or_else(String::new, |left| format!(", {} left", HumanDuration(Duration::from_secs_f64(left))));
            crate::print::aside(format_args!("{text}{left}"));
        }
        self.bar.set_position(position);
        self.bar.set_message(text);
    }

    /// How long it has taken.
    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// It is done.
    pub fn end(self) {
        self.bar.finish_and_clear();
    }
}
