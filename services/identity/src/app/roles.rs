//! Roles that a marketplace makes itself. Only who has the built-in role of an administrator makes, changes and deletes
//! them: it is looked up here once more, since whatever lets somebody in as an administrator must not make one of them.

use contracts::UserId;
use contracts::events::identity::RoleChanged;
use kit::Role;
use kit::db::{Query, Tx};
use kit::http::grants;
use kit::idempotency::{self, Answer, Given, Key};

use super::App;
use crate::domain::{CustomRole, Grantable, RoleForm, Status, User};
use crate::error::Error;
use crate::store;

/// Roles of one marketplace.
const ROLES_MAX: i64 = 200;

impl App {
    /// Every route, and why a role does not open it, where it does not.
    pub fn grantable(&self) -> Grantable {
        self.routes().iter().map(|route| (route.name(), grants::let_in_as(route).err())).collect()
    }

    /// All roles of the marketplace's own making.
    pub async fn roles(&self) -> Result<Vec<CustomRole>, Error> {
        self.db.read(|q| Ok(store::roles::list(q)?)).await
    }

    /// One of them.
    pub async fn role(&self, name: String) -> Result<CustomRole, Error> {
        self.db.read(move |q| store::roles::find(q, &name)?.ok_or(Error::NotFound("role"))).await
    }

    /// Makes a role. `answer` makes the answer, which a repeat with the same key gets again.
    pub async fn make_role(
        &self,
        admin: UserId,
        (name, form): (String, RoleForm),
        key: Option<Key>,
        answer: fn(&CustomRole) -> Answer,
    ) -> Result<Given, Error> {
        self.db
            .write(move |tx| {
                only_an_administrator(tx, admin)?;
                idempotency::once(tx, key.as_ref(), |tx| {
                    if store::roles::count(tx)? >= ROLES_MAX {
                        return Err(Error::TooManyRoles);
                    }
                    let made = store::roles::insert(tx, &name, &form)?.ok_or(Error::RoleTaken)?;
                    tell(tx, &made)?;
                    Ok(answer(&made))
                })
            })
            .await
    }

    /// Changes what a role is for and opens, if its version is still among those that the caller expects.
    pub async fn change_role(
        &self,
        admin: UserId,
        name: String,
        form: RoleForm,
        expects: impl Fn(i64) -> bool + Send + 'static,
    ) -> Result<CustomRole, Error> {
        self.db
            .write(move |tx| {
                let before = expected(tx, admin, &name, &expects)?;
                if before.form == form {
                    return Ok(before);
                }
                let after = store::roles::save(tx, &before, form.clone())?;
                if after.form.permissions != before.form.permissions {
                    tell(tx, &after)?;
                }
                Ok(after)
            })
            .await
    }

    /// Deletes a role that nobody has.
    pub async fn delete_role(&self, admin: UserId, name: String, expects: impl Fn(i64) -> bool + Send + 'static) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                let before = expected(tx, admin, &name, &expects)?;
                if store::roles::is_held(tx, before.id)? {
                    return Err(Error::RoleInUse);
                }
                tx.publish(RoleChanged { role_id: before.id, name: before.name, permissions: Vec::new() })?;
                Ok(store::roles::delete(tx, before.id)?)
            })
            .await
    }
}

/// Whether somebody is an administrator by what is stored, and not only by what a request says of them.
pub fn only_an_administrator(q: &mut Query, id: UserId) -> Result<(), Error> {
    let user = store::users::find(q, id)?;
    let is_one = user.is_some_and(|u| u.status == Status::Active && u.roles.contains(&Role::Admin));
    if is_one { Ok(()) } else { Err(Error::NotAnAdministrator) }
}

/// As [`only_an_administrator`] for what is done to the account of `id`, and that account, if it is there. Both are locked first, in one order
/// for everybody: of two who close or demote each other at once, one is not an administrator any more.
pub fn administrator_over(tx: &mut Tx, admin: UserId, id: UserId) -> Result<Option<User>, Error> {
    let mut over = None;
    for account in [admin.min(id), admin.max(id)] {
        over = store::users::lock(tx, account)?.filter(|u| u.id == id).or(over);
    }
    only_an_administrator(tx, admin)?;
    Ok(over)
}

/// The role that an administrator changes or deletes, locked, if its version is still among those that they expect.
fn expected(tx: &mut Tx, admin: UserId, name: &str, expects: &impl Fn(i64) -> bool) -> Result<CustomRole, Error> {
    only_an_administrator(tx, admin)?;
    let before = store::roles::lock(tx, name)?.ok_or(Error::NotFound("role"))?;
    if expects(before.version) { Ok(before) } else { Err(Error::Stale) }
}

fn tell(tx: &mut Tx, role: &CustomRole) -> Result<(), Error> {
    let permissions = role.form.permissions.iter().cloned().collect();
    Ok(tx.publish(RoleChanged { role_id: role.id, name: role.name.clone(), permissions })?)
}
