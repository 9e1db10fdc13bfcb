//! Collects what is wrong with a filter while it is read.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::value::Member;
use super::violation::{FilterError, Violation};

/// Bytes of a [`Violation::path`] at most.
pub const MAX_PATH: usize = 256;

/// Violations that one reading reports at most.
pub const MAX_VIOLATIONS: usize = 100;

/// Where the reading is, and what it found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Checker {
    path: String,
    violations: Vec<Violation>,
}

impl Checker {
    /// Notes a violation at the present place.
    pub(super) fn report(&mut self, error: FilterError) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(Violation { path: cut(&self.path, MAX_PATH).to_owned(), error });
        }
    }

    /// Goes into a member, a step of a JSON Pointer, for as long as `read` runs.
    pub(super) fn member<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.path.len();
        // Once past what a report shows, there is no use in building it up.
        if before <= MAX_PATH {
            self.path.push('/');
            for c in cut(name, MAX_PATH).chars() {
                match c {
                    '~' => self.path.push_str("~0"),
                    '/' => self.path.push_str("~1"),
                    c => self.path.push(c),
                }
            }
        }
        let result = read(self);
        self.path.truncate(before);
        result
    }

    /// Goes into an element of a list for as long as `read` runs.
    pub(super) fn element<T>(&mut self, index: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut digits = String::new();
        let _ = core::fmt::Write::write_fmt(&mut digits, format_args!("{index}"));
        self.member(&digits, read)
    }

    /// Reports every name that comes a second time.
    pub(super) fn unique(&mut self, members: &[Member<'_>]) {
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        let mut reported = None;
        for (a, b) in names.iter().zip(names.iter().skip(1)) {
            if a == b && reported != Some(*a) {
                reported = Some(*a);
                self.member(a, |at| at.report(FilterError::DuplicateKey));
            }
        }
    }

    /// Everything that was reported, in the order of the report.
    pub(super) fn finish(self) -> Vec<Violation> {
        self.violations
    }
}

/// The longest beginning of a text that has at most `limit` bytes.
fn cut(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Checker, FilterError, MAX_PATH, MAX_VIOLATIONS, cut};

    #[test]
    fn paths_are_json_pointers() {
        let mut checker = Checker::default();
        checker.member("where", |at| {
            at.member("a/b~c", |at| {
                at.element(3, |at| at.report(FilterError::NotAList));
            });
            at.report(FilterError::NotAnObject);
        });
        let found = checker.finish();
        assert_eq!(found[0].path, "/where/a~1b~0c/3");
        assert_eq!(found[1].path, "/where");
    }

    #[test]
    fn long_keys_and_long_lists_of_faults_are_cut() {
        let mut checker = Checker::default();
        for _ in 0..=MAX_VIOLATIONS {
            checker.member(&"ü".repeat(MAX_PATH), |at| {
                at.member("more", |at| at.report(FilterError::NotAList));
            });
        }
        let found = checker.finish();
        assert_eq!(found.len(), MAX_VIOLATIONS);
        // A slash, and as many letters of two bytes as fit into the 255 left.
        assert_eq!(found[0].path.len(), 1 + 254);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("aü", 2), "a");
        assert_eq!(cut("aü", 3), "aü");
        assert_eq!(cut("", 0), "");
    }
}
