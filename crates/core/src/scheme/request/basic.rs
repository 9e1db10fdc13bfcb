//! A name and a secret in a header, as Jocloud's `token` carries them.

use alloc::string::String;
use core::fmt;

use base64ct::{Base64, Encoding as _};

use super::RequestError;
use crate::scheme::limits;

const NAME: &str = "token";

/// What such a header says. Its `Debug` shows nothing of the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Basic {
    /// Who it says that it is.
    pub id: String,
    /// What proves it, for the shell to compare in constant time.
    pub secret: String,
}

/// Reads `Basic base64(id:secret)` (RFC 7617 §2). One of the vendor's pages writes the first word
/// as `Base`, so that is taken, too.
///
/// # Errors
/// [`RequestError::Unsigned`] if it begins otherwise, [`RequestError::Malformed`] if what follows
/// is not an id and a secret.
pub fn read(header: &str) -> Result<Basic, RequestError> {
    let (word, rest) = header.trim().split_once(' ').ok_or(RequestError::Unsigned)?;
    if !["basic", "base"].iter().any(|known| word.eq_ignore_ascii_case(known)) {
        return Err(RequestError::Unsigned);
    }
    let read = || {
        let rest = Some(rest.trim()).filter(|rest| rest.len() <= limits::VALUE)?;
        let text = String::from_utf8(Base64::decode_vec(rest).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        let fine = !id.is_empty() && !secret.is_empty();
        fine.then(|| Basic { id: id.into(), secret: secret.into() })
    };
    read().ok_or(RequestError::Malformed(NAME))
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Basic").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::scheme::request::RequestError;
    use std::format;

    #[test]
    fn id_and_secret_are_read() {
        // printf '%s' 'app-1:s3:cret' | base64
        for header in [
            "Basic YXBwLTE6czM6Y3JldA==",
            "Base YXBwLTE6czM6Y3JldA==",
            " basic  YXBwLTE6czM6Y3JldA== ",
        ] {
            let basic = read(header).unwrap();
            assert_eq!(
                (basic.id.as_str(), basic.secret.as_str()),
                ("app-1", "s3:cret"),
                "{header}"
            );
            assert!(!format!("{basic:?}").contains("s3"));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for other in ["", "Basic", "Bearer YXBwLTE6czM6Y3JldA==", "YXBwLTE6czM6Y3JldA=="] {
            assert_eq!(read(other), Err(RequestError::Unsigned), "{other}");
        }
        // "app", ":secret", "app:", the bytes ff 3a 61, bad padding, not base64.
        for bad in ["YXBw", "OnNlY3JldA==", "YXBwOg==", "/zph", "YXBwLTE6czM6Y3JldA", "a:b"] {
            let error = read(&format!("Basic {bad}")).unwrap_err();
            assert_eq!(error, RequestError::Malformed("token"), "{bad}");
        }
    }
}
