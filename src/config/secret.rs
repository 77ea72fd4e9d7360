//! Keeps text that must never be shown.

use std::fmt;

/// What stands in for a secret wherever a person may look.
pub const HIDDEN: &str = "[hidden]";

/// Text that neither `Debug` nor `Display` reveals.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formatting_hides_the_text() {
        let secret = Secret::new("pw");
        assert_eq!(format!("{secret} {secret:?}"), "[hidden] [hidden]");
        assert_eq!(secret.reveal(), "pw");
    }
}
