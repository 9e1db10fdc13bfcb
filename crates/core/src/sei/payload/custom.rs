//! A payload of the caller's own: any JSON (`SetLiveMpuTaskSei`, `CustomSei`).

use serde::de::IgnoredAny;

use super::MAX_CONTENT;
use super::error::PayloadError;

/// Whether a text can be written as it is.
///
/// # Errors
/// [`PayloadError::TooLarge`], [`PayloadError::NotJson`].
pub fn check(text: &str) -> Result<(), PayloadError> {
    if text.len() > MAX_CONTENT {
        return Err(PayloadError::TooLarge { limit: MAX_CONTENT });
    }
    serde_json::from_str::<IgnoredAny>(text).map(|_| ()).map_err(|_| PayloadError::NotJson)
}
