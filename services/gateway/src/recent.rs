use std::collections::BTreeMap;

/// A map that keeps what was used lately, in two generations: when the young one is full it becomes the old one, and
/// what was old and not asked for since is forgotten. At most `max` entries, nothing to sort or to sweep.
pub struct Recent<K, V> {
    young: BTreeMap<K, V>,
    old: BTreeMap<K, V>,
    generation_max: usize,
}

impl<K: Ord + Clone, V: Clone> Recent<K, V> {
    /// Keeps at least half of `max` and at most `max` entries.
    pub fn new(max: usize) -> Recent<K, V> {
        Recent { young: BTreeMap::new(), old: BTreeMap::new(), generation_max: (max / 2).max(1) }
    }

    /// The value of `key`.
    pub fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.put(key.clone(), value.clone());
        Some(value)
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.generation_max && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    /// Forgets every entry for which `keep` says no.
    pub fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.young.retain(|_, v| keep(v));
        self.old.retain(|_, v| keep(v));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_its_maximum_and_keeps_what_is_used() {
        let mut recent = Recent::new(10);
        for n in 0..1_000 {
            recent.put(n, n);
            assert_eq!(recent.get(&0), Some(0), "used all the time, still there after {n}");
            assert!(recent.young.len() + recent.old.len() <= 10);
        }
        assert_eq!(recent.get(&500), None);
        assert_eq!(recent.get(&999), Some(999));
    }

    #[test]
    fn what_is_not_retained_is_gone_from_both_generations() {
        let mut recent = Recent::new(4);
        (0..4).for_each(|n| recent.put(n, n));
        recent.retain(|n| n % 2 == 1);
        assert_eq!((0..4).filter_map(|n| recent.get(&n)).collect::<Vec<_>>(), [1, 3]);
    }
}
