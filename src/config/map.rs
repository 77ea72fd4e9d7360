//! Holds a connector's or worker's settings as they were sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Settings by name. A null value is kept, because REST clients can send and see it; to `get` it is absent.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigMap(pub BTreeMap<String, Option<String>>);

impl ConfigMap {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.as_deref())
    }

    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), Some(value.into()));
    }

    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// All settings that have a value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(key, value)| value.as_deref().map(|value| (key.as_str(), value)))
    }

    /// The settings below `prefix`, without it.
    pub fn with_prefix(&self, prefix: &str) -> Self {
        self.iter().filter_map(|(key, value)| key.strip_prefix(prefix).map(|rest| (rest, value))).collect()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for ConfigMap {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(entries: T) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key.into(), Some(value.into()))).collect())
    }
}

/// Values may be secrets, so only the names are shown.
impl std::fmt::Debug for ConfigMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
