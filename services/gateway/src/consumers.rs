use std::sync::Arc;

use contracts::events::identity::{RoleChanged, SessionEnded, UserRoleChanged};
use kit::Consumer;

use crate::sessions::Sessions;

/// What identity says takes effect here at once.
pub fn consumers(sessions: &Arc<Sessions>) -> Vec<Consumer> {
    let (ended, changed, redefined) = (sessions.clone(), sessions.clone(), sessions.clone());
    vec![
        Consumer::on(move |tx, event: &SessionEnded, _| {
            let (sessions, session) = (ended.clone(), event.session_id);
            tx.after_commit(move || sessions.session_ended(session));
            Ok(())
        }),
        Consumer::on(move |tx, event: &UserRoleChanged, _| {
            let (sessions, user) = (changed.clone(), event.user_id);
            tx.after_commit(move || sessions.user_changed(user));
            Ok(())
        }),
        Consumer::on(move |tx, event: &RoleChanged, _| {
            let (sessions, role) = (redefined.clone(), event.name.clone());
            tx.after_commit(move || sessions.role_changed(&role));
            Ok(())
        }),
    ]
}
