//! Which store a vendor of a file means: one for each name, and no two names in one.

use std::collections::BTreeMap;

use contracts::proto::vendors::Store;
use sha2::{Digest, Sha256};

use super::Report;
use crate::exchange::Target;

/// How long a slug is at most.
const SLUG_MAX: usize = 60;
/// Where products go that name no vendor.
const UNNAMED: &str = "unnamed-vendor";
/// How many characters of a name's hash tell stores apart.
const MARK: usize = 12;

/// The stores of one run.
#[derive(Default)]
pub struct Stores {
    /// Slugs by names, and names by slugs.
    slugs: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
    found: BTreeMap<String, Store>,
}

impl Stores {
    /// The slug of a vendor's store: the name's Latin letters and digits where that is nobody else's, otherwise with a mark that follows
    /// from the name.
    pub async fn slug_for(&mut self, target: &Target, vendor: &str) -> anyhow::Result<String> {
        let name = alike(vendor);
        if let Some(slug) = self.slugs.get(&name) {
            return Ok(slug.clone());
        }
        let plain = if name.is_empty() { UNNAMED.to_owned() } else { latin(&name, SLUG_MAX) };
        let is_free = !plain.is_empty() && !self.is_anothers(target, &plain, &name).await?;
        let slug = if is_free { plain } else { marked(&name) };
        self.slugs.insert(name.clone(), slug.clone());
        self.names.insert(slug.clone(), name);
        Ok(slug)
    }

    /// Whether a slug is that of another name: in this run, or of a store that is called so.
    async fn is_anothers(&self, target: &Target, slug: &str, name: &str) -> anyhow::Result<bool> {
        if let Some(whose) = self.names.get(slug) {
            return Ok(whose != name);
        }
        if slug == name || name.is_empty() {
            return Ok(false);
        }
        let there = target.store_there(slug).await?.map(|store| alike(&store.name));
        Ok(there.is_some_and(|there| there != name && there != slug && latin(&there, SLUG_MAX) == slug))
    }

    /// The store with a slug, opened where it is missing; the report says which were.
    pub async fn open(&mut self, target: &Target, slug: &str, name: &str, (is_dry, report): (bool, &mut Report)) -> anyhow::Result<Store> {
        if let Some(store) = self.found.get(slug) {
            return Ok(store.clone());
        }
        let (store, is_new) = target.store(slug, name, is_dry).await?;
        if is_new {
            report.opened.push(if name.is_empty() || name == slug { slug.to_owned() } else { format!("{slug} ({name})") });
        }
        self.found.insert(slug.to_owned(), store.clone());
        Ok(store)
    }
}

/// Whether a store can have this slug.
pub fn is_slug(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=SLUG_MAX).contains(&text.len()) && text.chars().all(fits) && !text.starts_with('-') && !text.ends_with('-')
}

/// A name without what does not tell names apart: capitals and further spaces.
fn alike(name: &str) -> String {
    name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The Latin letters and digits of a name as a slug; empty where there are none.
fn latin(name: &str, longest: usize) -> String {
    let words: Vec<_> = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let slug: String = words.join("-").chars().take(longest).collect();
    slug.trim_end_matches('-').to_owned()
}

fn marked(name: &str) -> String {
    let mark: String = Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect::<String>().chars().take(MARK).collect();
    let words = latin(name, SLUG_MAX - MARK - 1);
    format!("{}-{mark}", if words.is_empty() { "vendor" } else { &words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_becomes_follows_from_it() {
        assert_eq!(latin(&alike(" Clay  & Co "), SLUG_MAX), "clay-co");
        assert_eq!(latin(&alike("রহিম স্টোর"), SLUG_MAX), "");
        assert_eq!(latin(&"ab ".repeat(30), 60).len(), 59);
        assert!(marked("রহিম স্টোর").starts_with("vendor-"));
        assert_ne!(marked("রহিম স্টোর"), marked("করিম স্টোর"));
        assert!(is_slug(&marked("রহিম স্টোর")) && is_slug("a-1") && ["", "-a", "a-", "a b", "A"].iter().all(|text| !is_slug(text)));
        assert_ne!(marked("a&b"), marked("a b"));
        assert_eq!(marked(&"long ".repeat(30)).len(), SLUG_MAX);
    }
}
