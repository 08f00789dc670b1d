//! What owners say of their endpoints.

use contracts::proto::vendors as vendors_api;
use contracts::{Time, VendorId, WebhookId};
use kit::auth::{open, seal};
use kit::http::PageRequest;
use kit::service::Sealed;
use kit::webhook::Secret;
use kit::{Caller, Role};

use super::super::people::unreachable;
use super::deliver::deliver_later;
use crate::app::App;
use crate::domain::webhook::{Filter, Owner};
use crate::error::Error;
use crate::store::{self, Endpoint, Wanted, Webhook};

/// What the sealed secrets are sealed for.
const PURPOSE: &str = "notifications/webhooks";
/// How long a secret signs after another one took its place, in seconds.
const OLD_SECRET_SECONDS: i64 = 24 * 3_600;
/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 200;

/// The secrets of endpoints; the oldest one stands for all.
pub const SEALED: Sealed = Sealed {
    what: "the secrets of webhooks",
    opens: |q, master_key| {
        let oldest = store::oldest_secret(q)?;
        Ok(oldest.is_none_or(|(id, sealed)| open(master_key, PURPOSE, &sealed, id.0.as_bytes()).is_ok()))
    },
};

/// What is to be another with an endpoint; what is left out stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebhookChange {
    pub url: Option<String>,
    pub description: Option<String>,
    pub event_types: Option<Vec<String>>,
    pub enabled: Option<bool>,
}

/// An endpoint with its new secret, which is shown this once.
pub(crate) struct Made {
    pub webhook: Webhook,
    pub secret: String,
}

impl App {
    /// For whom a caller may act: an administrator for the marketplace, a seller for each of their stores.
    pub async fn owners(&self, caller: &Caller) -> Result<Vec<Owner>, Error> {
        let mut owners = Vec::new();
        let Some(user) = &caller.user else { return Ok(owners) };
        if caller.has(&[Role::Admin]) {
            owners.push(Owner::Marketplace);
        }
        if caller.has(&[Role::Vendor]) {
            let request = vendors_api::StoresOfUserRequest { user_id: user.id.to_string() };
            let answer = self.vendors.clone().stores_of_user(request).await.map_err(unreachable("vendors"))?;
            owners.extend(answer.into_inner().stores.iter().filter_map(|s| s.vendor_id.parse().ok()).map(Owner::Store));
        }
        Ok(owners)
    }

    /// Registers an endpoint: of `store`, or of the only one for whom the caller may act.
    pub async fn make_webhook(&self, caller: &Caller, store: Option<VendorId>, change: WebhookChange) -> Result<Made, Error> {
        let Some(user) = caller.user.as_ref().map(|u| u.id) else { return Err(Error::NoWebhook) };
        let owner = whose(&self.owners(caller).await?, store)?;
        let Some(url) = change.url else { return Err(Error::Wrong("/url", "required", "expected an address".into())) };
        let wanted = Wanted {
            url,
            description: change.description.unwrap_or_default(),
            filter: change.event_types.map_or(Ok(Filter::all()), |entries| filter(entries, owner))?,
            enabled: change.enabled.unwrap_or(true),
        };
        check_description(&wanted)?;
        self.check_url(&wanted).await?;
        let (id, secret) = (WebhookId(self.ids.uuid(self.clock.now())), Secret::new(self.ids.bytes::<32>()));
        let sealed = self.sealed(id, &secret);
        let made = self.db.write(move |tx| {
            if !store::insert_webhook(tx, id, owner, &wanted, sealed.clone(), user)? {
                return Err(Error::TooManyWebhooks);
            }
            store::webhook(tx, id, &[owner])?.ok_or(Error::NoWebhook)
        });
        Ok(Made { webhook: made.await?, secret: secret.to_text() })
    }

    /// The caller's endpoints, newest first.
    pub async fn webhooks(&self, owners: Vec<Owner>, page: PageRequest) -> Result<Vec<Webhook>, Error> {
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        self.db.read(move |q| Ok(store::webhooks(q, &owners, page.after, page.limit)?)).await
    }

    /// One of the caller's endpoints.
    pub async fn webhook(&self, caller: &Caller, id: WebhookId) -> Result<Webhook, Error> {
        let owners = self.some_owners(caller).await?;
        self.db.read(move |q| store::webhook(q, id, &owners)?.ok_or(Error::NoWebhook)).await
    }

    /// Changes an endpoint.
    pub async fn change_webhook(&self, caller: &Caller, id: WebhookId, change: WebhookChange) -> Result<Webhook, Error> {
        let owners = self.some_owners(caller).await?;
        let before = self.webhook(caller, id).await?;
        let filter = change.event_types.map(|entries| filter(entries, before.owner)).transpose()?;
        let (url, description, enabled) = (change.url, change.description, change.enabled);
        let changed = move |now: Wanted| Wanted {
            url: url.clone().unwrap_or(now.url),
            description: description.clone().unwrap_or(now.description),
            filter: filter.clone().unwrap_or(now.filter),
            enabled: enabled.unwrap_or(now.enabled),
        };
        let wanted = changed(before.wanted.clone());
        check_description(&wanted)?;
        // One that is told nothing may be where it is; so one whose address is refused by now can be switched off.
        if wanted.url != before.wanted.url || (wanted.enabled && !before.wanted.enabled) {
            self.check_url(&wanted).await?;
        }
        self.db
            .write(move |tx| {
                let now = store::webhook_to_change(tx, id, &owners)?.ok_or(Error::NoWebhook)?;
                store::update_webhook(tx, id, &changed(now.wanted))?;
                // What waits may go now, or nowhere.
                deliver_later(tx, id, None)?;
                store::webhook(tx, id, &owners)?.ok_or(Error::NoWebhook)
            })
            .await
    }

    /// Forgets an endpoint.
    pub async fn delete_webhook(&self, caller: &Caller, id: WebhookId) -> Result<(), Error> {
        let owners = self.some_owners(caller).await?;
        let deleted = self.db.write(move |tx| Ok::<_, Error>(store::delete_webhook(tx, id, &owners)?)).await?;
        if deleted { Ok(()) } else { Err(Error::NoWebhook) }
    }

    /// Gives an endpoint a new secret; the one before signs too for a day.
    pub async fn rotate_secret(&self, caller: &Caller, id: WebhookId) -> Result<Made, Error> {
        let owners = self.some_owners(caller).await?;
        let secret = Secret::new(self.ids.bytes::<32>());
        let sealed = self.sealed(id, &secret);
        let rotated = self.db.write(move |tx| {
            store::webhook_to_change(tx, id, &owners)?.ok_or(Error::NoWebhook)?;
            let until = tx.now().plus_seconds(OLD_SECRET_SECONDS);
            store::rotate_secret(tx, id, sealed.clone(), until)?;
            store::webhook(tx, id, &owners)?.ok_or(Error::NoWebhook)
        });
        Ok(Made { webhook: rotated.await?, secret: secret.to_text() })
    }

    /// As [`App::owners`]; who may act for nobody has no endpoint.
    pub(super) async fn some_owners(&self, caller: &Caller) -> Result<Vec<Owner>, Error> {
        let owners = self.owners(caller).await?;
        if owners.is_empty() { Err(Error::NoWebhook) } else { Ok(owners) }
    }

    /// The secrets that sign at `now`.
    pub(super) fn secrets(&self, of: &Endpoint, now: Time) -> Result<Vec<Secret>, Error> {
        let id = of.id;
        let old = of.old_secret.as_ref().filter(|(_, until)| now < *until).map(|(sealed, _)| sealed.as_slice());
        let opened = [Some(of.secret.as_slice()), old].into_iter().flatten().map(|sealed| {
            let opened = open(&self.webhooks.master_key, PURPOSE, sealed, id.0.as_bytes());
            opened.map(Secret::new).map_err(|e| Error::Internal(format!("secret of webhook {id}: {e}")))
        });
        opened.collect()
    }

    fn sealed(&self, id: WebhookId, secret: &Secret) -> Vec<u8> {
        seal(&self.webhooks.master_key, PURPOSE, self.ids.bytes(), secret.bytes(), id.0.as_bytes())
    }

    async fn check_url(&self, wanted: &Wanted) -> Result<(), Error> {
        self.webhooks.courier.check(&wanted.url).await.map_err(|e| Error::Wrong("/url", "invalid_url", e.to_string()))
    }
}

fn check_description(wanted: &Wanted) -> Result<(), Error> {
    let length = wanted.description.chars().count();
    if length > DESCRIPTION_MAX {
        return Err(Error::Wrong("/description", "too_long", format!("expected at most {DESCRIPTION_MAX} characters, found {length}")));
    }
    if wanted.description.contains('\0') {
        return Err(Error::Wrong("/description", "invalid", "expected text without null characters".into()));
    }
    Ok(())
}

fn filter(entries: Vec<String>, owner: Owner) -> Result<Filter, Error> {
    Filter::new(entries, owner).map_err(|detail| Error::Wrong("/eventTypes", "unknown_event_type", detail))
}

fn whose(owners: &[Owner], store: Option<VendorId>) -> Result<Owner, Error> {
    match (store, owners) {
        (Some(store), _) => {
            let found = owners.iter().find(|owner| owner.store() == Some(store));
            found.copied().ok_or_else(|| Error::Wrong("/vendorId", "unknown_store", "expected a store of yours".into()))
        }
        (None, [only]) => Ok(*only),
        (None, owners) if owners.contains(&Owner::Marketplace) => Ok(Owner::Marketplace),
        (None, []) => Err(Error::Wrong("/vendorId", "no_store", "you have no store yet".into())),
        (None, _) => Err(Error::Wrong("/vendorId", "required", "you have several stores: say which".into())),
    }
}
