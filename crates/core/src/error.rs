//! What every error of this crate can say about itself.

/// A stable dotted name such as `sign.timestamp_stale`: the metrics label, the `code` of a JSON
/// error, the row in `docs/errors.md`. Never part of a message for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

impl Code {
    /// Names a code. Grammar: lower-case words of `[a-z0-9_]`, joined by dots, at least two.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The code as it is written.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether the name follows the grammar of [`Code::new`].
    pub fn is_well_formed(self) -> bool {
        let mut words = 0;
        for word in self.0.split('.') {
            let fine = !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !fine {
                return false;
            }
            words += 1;
        }
        words >= 2
    }
}

/// Who has to act when an error occurs; shells derive log level and HTTP status from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Whoever called us sent something wrong.
    Caller,
    /// Whoever we called behaved wrongly.
    Peer,
    /// The operator's or tenant's settings are incomplete or contradictory.
    Config,
    /// A limit was reached.
    Limit,
    /// A defect of livegate itself.
    Internal,
}

/// An error that carries a [`Code`] and a [`Fault`].
pub trait Coded: core::error::Error {
    /// The stable name of this error.
    fn code(&self) -> Code;
    /// Who has to act.
    fn fault(&self) -> Fault;
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn a_code_is_lower_case_words_joined_by_dots() {
        assert!(Code::new("sign.timestamp_stale").is_well_formed());
        assert!(Code::new("config.live_exit.max_live_duration").is_well_formed());
        for bad in ["", "sign", "sign.", ".sign", "Sign.stale", "sign.time stale", "sign..x"] {
            assert!(!Code::new(bad).is_well_formed(), "{bad}");
        }
    }
}
