//! The fuzz target's body: what must hold for any configuration at all.

use super::{UserConfig, UserConfigUpdate};

/// Reads `data`, applies it, and reads back what is shown of it.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn fuzz(data: &[u8]) {
    match UserConfigUpdate::from_json(data) {
        Ok(update) => {
            let after = update.apply(&UserConfig::default());
            assert!(update.apply(&after) == after, "the same change twice is one change");
            let shown = serde_json::to_vec(&after).unwrap_or_default();
            assert!(UserConfig::from_json(&shown).as_ref() == Ok(&after), "it reads back");
        }
        Err(violations) => {
            let mut seen = alloc::collections::BTreeSet::new();
            for violation in &violations {
                assert!(violation.code().is_well_formed());
                let new = seen.insert((violation.path.clone(), violation.code()));
                assert!(new, "every violation is listed once");
            }
            assert!(!seen.is_empty(), "a refusal has a reason");
        }
    }
}
