use std::fmt;

/// What is wrong with the configuration; nothing was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<Mistake>);

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key, as in the file.
    pub key: String,
    /// Where it was found.
    pub source: String,
    /// What was found; never a secret.
    pub found: String,
    /// What is allowed.
    pub expected: String,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is wrong:")?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mistake { key, source, found, expected } = self;
        write!(f, "{key} ({source}): found {found}, expected {expected}")
    }
}
