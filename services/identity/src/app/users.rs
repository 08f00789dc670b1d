//! Profiles, roles, and what administrators do.

use std::collections::BTreeSet;

use contracts::events::identity::{UserActivated, UserDeactivated, UserProfileUpdated, UserRoleChanged};
use contracts::{Time, UserId};
use kit::Role;
use kit::db::Tx;
use kit::http::After;

use super::App;
use super::roles::administrator_over;
use super::sessions::end_all;
use crate::domain::{Email, ProfileChange, Status, User, WantedRoles, grantable};
use crate::error::Error;
use crate::store;

impl App {
    /// One account.
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        self.db.read(move |q| store::users::find(q, id)?.ok_or(Error::NotFound("user"))).await
    }

    /// A page of the accounts whose address or name contains `search`.
    pub async fn users(&self, search: String, after: After, limit: i64) -> Result<Vec<User>, Error> {
        self.db.read(move |q| Ok(store::users::list(q, &search, after, limit)?)).await
    }

    /// Accounts that may be used, by id, and on the first page how many there are in all.
    pub async fn users_by_id(
        &self,
        after: UserId,
        role: Option<Role>,
        created_before: Time,
        limit: i64,
    ) -> Result<(Vec<User>, i64), Error> {
        self.db.read(move |q| Ok(store::users::by_id(q, after, role, created_before, limit)?)).await
    }

    /// Those accounts that may be used and have proved to own one of these addresses, each with the address as it was given.
    pub async fn users_of(&self, emails: Vec<String>) -> Result<Vec<(String, UserId)>, Error> {
        let emails: Vec<Email> = emails.iter().filter_map(|text| Email::parse(text).ok()).collect();
        self.db.read(move |q| Ok(store::users::proved(q, &emails)?)).await
    }

    /// Changes a profile, if its version is still among those that the caller expects.
    pub async fn change_profile(
        &self,
        id: UserId,
        change: ProfileChange,
        expects: impl Fn(i64) -> bool + Send + 'static,
    ) -> Result<User, Error> {
        self.db
            .write(move |tx| {
                let before = store::users::lock(tx, id)?.ok_or(Error::NotFound("user"))?;
                if !expects(before.version) {
                    return Err(Error::Stale);
                }
                let profile = change.apply(&before.profile);
                if profile == before.profile {
                    return Ok(before);
                }
                tx.publish(UserProfileUpdated { user_id: id })?;
                Ok(store::users::save_profile(tx, &before, profile)?)
            })
            .await
    }

    /// Gives a user exactly these roles. Administrators keep theirs, so that there is always one.
    pub async fn set_roles(&self, admin: UserId, id: UserId, wanted: WantedRoles) -> Result<User, Error> {
        self.db
            .write(move |tx| {
                administrator_over(tx, admin, id)?;
                if admin == id && !wanted.roles.contains(&Role::Admin) {
                    return Err(Error::NotYourself);
                }
                let others: Vec<&str> = wanted.others.iter().map(|(_, name)| name.as_str()).collect();
                let custom = wanted.custom(&store::roles::lock_all(tx, &others)?)?;
                change_roles(tx, id, |_| Held { roles: wanted.roles.clone(), custom: custom.clone() })
            })
            .await
    }

    /// Gives a user one more role, for a service that may.
    pub async fn grant_role(&self, id: UserId, role: Role) -> Result<(), Error> {
        if !grantable(role) {
            return Err(Error::RoleNotGrantable);
        }
        self.db.write(move |tx| change_roles(tx, id, |now| now.and(&BTreeSet::from([role])))).await?;
        Ok(())
    }

    /// Closes an account and ends its sessions.
    pub async fn deactivate(&self, admin: UserId, id: UserId) -> Result<User, Error> {
        if admin == id {
            return Err(Error::NotYourself);
        }
        self.db
            .write(move |tx| {
                let before = administrator_over(tx, admin, id)?.ok_or(Error::NotFound("user"))?;
                if before.status == Status::Deactivated {
                    return Ok(before);
                }
                let after = store::users::save_status(tx, &before, Status::Deactivated)?;
                tx.publish(UserDeactivated { user_id: id })?;
                end_all(tx, id, "deactivated")?;
                Ok(after)
            })
            .await
    }

    /// Opens a closed account again; its owner signs in anew.
    pub async fn activate(&self, admin: UserId, id: UserId) -> Result<User, Error> {
        self.db
            .write(move |tx| {
                let before = administrator_over(tx, admin, id)?.ok_or(Error::NotFound("user"))?;
                if before.status == Status::Active {
                    return Ok(before);
                }
                tx.publish(UserActivated { user_id: id })?;
                Ok(store::users::save_status(tx, &before, Status::Active)?)
            })
            .await
    }
}

/// The roles that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The built-in ones.
    roles: BTreeSet<Role>,
    /// Those of the marketplace's own making.
    custom: BTreeSet<String>,
}

impl Held {
    /// With these besides.
    pub fn and(&self, more: &BTreeSet<Role>) -> Held {
        Held { roles: &self.roles | more, custom: self.custom.clone() }
    }
}

/// Changes the roles of a user and tells the others, if that changes anything.
pub fn change_roles(tx: &mut Tx, id: UserId, change: impl Fn(&Held) -> Held) -> Result<User, Error> {
    let before = store::users::lock(tx, id)?.ok_or(Error::NotFound("user"))?;
    let had = Held { roles: before.roles.clone(), custom: before.custom_roles.clone() };
    let has = change(&had);
    if has == had {
        return Ok(before);
    }
    let names = has.roles.iter().map(|r| r.as_str().to_owned()).chain(has.custom.iter().cloned()).collect();
    tx.publish(UserRoleChanged { user_id: id, roles: names })?;
    Ok(store::users::save_roles(tx, &before, has.roles, has.custom)?)
}
