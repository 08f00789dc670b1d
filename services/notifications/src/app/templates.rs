//! Templates: the built-in ones, and those that an administrator wrote in their place.

use contracts::{Time, UserId};
use serde_json::Value as Json;

use super::App;
use crate::domain::{Kind, Locale, Medium, Source, Text, UNSUBSCRIBE, check, fill, sample};
use crate::error::Error;
use crate::store::{self, TemplateKey};

/// A template as it is used now.
pub(crate) struct InUse {
    pub key: TemplateKey,
    pub source: Source,
    /// When it was written; none for the built-in one.
    pub written_at: Option<Time>,
}

/// The templates that were written, at hand while messages are made.
pub(super) struct Written(Vec<(TemplateKey, Source)>);

impl App {
    /// Every template there is.
    pub async fn templates(&self) -> Result<Vec<InUse>, Error> {
        let written = self.db.read(store::templates).await?;
        let keys = Kind::ALL.into_iter().flat_map(|kind| {
            let of_kind = move |channel: &Medium| Locale::ALL.map(|locale| TemplateKey { kind, channel: *channel, locale });
            kind.channels().iter().flat_map(of_kind)
        });
        Ok(keys.map(|key| in_use(key, written.iter().find(|(k, _)| *k == key).map(|(_, custom)| custom.clone()))).collect())
    }

    /// One template.
    pub async fn template(&self, key: TemplateKey) -> Result<InUse, Error> {
        let found = self.db.read(move |q| store::template(q, key)).await?;
        Ok(in_use(key, found))
    }

    /// Writes a template in place of the built-in one, if it can be filled in.
    pub async fn write_template(&self, key: TemplateKey, source: Source, by: UserId) -> Result<InUse, Error> {
        checked(key.kind, &source)?;
        self.db
            .write(move |tx| {
                store::save_template(tx, key, &source, by)?;
                Ok(in_use(key, store::template(tx, key)?))
            })
            .await
    }

    /// Takes the built-in template again.
    pub async fn reset_template(&self, key: TemplateKey) -> Result<(), Error> {
        self.db.write(move |tx| Ok(store::delete_template(tx, key)?)).await
    }

    /// What a template gives, with made-up fields.
    pub fn preview(&self, key: TemplateKey, source: &Source) -> Result<Text, Error> {
        checked(key.kind, source)?;
        Ok(fill(source, key.channel, key.locale, &sample(key.kind, key.locale, &self.public_url))?)
    }

    /// What was written in place of built-in templates.
    pub(super) async fn written(&self) -> Result<Written, Error> {
        let written = self.db.read(store::templates).await?;
        Ok(Written(written.into_iter().map(|(key, custom)| (key, custom.source)).collect()))
    }

    /// A message in words. A written template that does not fit any more, as after a change of its fields, gives way to
    /// the built-in one: people are told in any case.
    pub(super) fn words(&self, written: &Written, key: TemplateKey, fields: &Json) -> Result<Text, Error> {
        let text = self.words_of_template(written, key, fields)?;
        match fields[UNSUBSCRIBE].as_str().filter(|_| key.channel == Medium::Email) {
            Some(url) => Ok(text.with_unsubscribe(url, key.locale)),
            None => Ok(text),
        }
    }

    fn words_of_template(&self, written: &Written, key: TemplateKey, fields: &Json) -> Result<Text, Error> {
        let own = written.0.iter().find(|(k, _)| *k == key).map(|(_, source)| fill(source, key.channel, key.locale, fields));
        match own {
            Some(Ok(text)) => return Ok(text),
            Some(Err(e)) => {
                tracing::warn!(kind = key.kind.as_str(), error = %e, "a written template does not fit; the built-in one is used")
            }
            None => {}
        }
        Ok(self.texts.write(key.kind, key.channel, key.locale, fields)?)
    }
}

fn checked(kind: Kind, source: &Source) -> Result<(), Error> {
    let mistakes = check(kind, source);
    if mistakes.is_empty() { Ok(()) } else { Err(Error::Mistakes(mistakes)) }
}

fn in_use(key: TemplateKey, custom: Option<store::Custom>) -> InUse {
    match custom {
        Some(custom) => InUse { key, source: custom.source, written_at: Some(custom.updated_at) },
        None => InUse { key, source: Source::built_in(key.kind, key.channel, key.locale), written_at: None },
    }
}
