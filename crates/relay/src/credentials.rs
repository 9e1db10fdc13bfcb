//! The file of credentials of a host that runs alone: read at the start, and again when it is asked
//! for.

use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;

use livegate_core::config::Violations;
use livegate_core::error::{Code, Coded, Fault};
use livegate_core::relay::credentials::{Credentials, MAX_FILE};

/// What others may do with a file that should not be: read it, or write to it.
const OTHERS: u32 = 0o026;

/// What its group may do that is worth a word: there are service managers that hand secrets over so.
const GROUP_READS: u32 = 0o040;

/// Why there are no credentials.
#[derive(Debug)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// Others can read it, or write to it: its permissions.
    Exposed(u32),
    /// Its content is wrong.
    Invalid(Violations),
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "the credentials cannot be read: {error}"),
            Self::Exposed(mode) => write!(
                f,
                "the credentials are open to others (mode {mode:04o}): let their owner alone read them, with `chmod 600`"
            ),
            Self::Invalid(violations) => {
                f.write_str("the credentials are not as they should be:")?;
                for one in violations {
                    let path = if one.path.is_empty() { "the file" } else { &one.path };
                    write!(f, "\n  {path} {}", one.detail())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for CredentialsError {}

impl Coded for CredentialsError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Unreadable(_) => "host.credentials_unreadable",
            Self::Exposed(_) => "host.credentials_exposed",
            Self::Invalid(_) => "host.credentials_invalid",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

/// The credentials that count at this moment. Cloning it gives another handle.
#[derive(Clone, Debug)]
pub struct Present(Rc<RefCell<Rc<Credentials>>>);

impl Present {
    /// These count.
    pub fn new(credentials: Credentials) -> Self {
        Self(Rc::new(RefCell::new(Rc::new(credentials))))
    }

    /// What counts now. Whoever keeps it keeps what counted then.
    pub fn now(&self) -> Rc<Credentials> {
        Rc::clone(&self.0.borrow())
    }

    /// Others count from now on. Who is let in already stays.
    pub fn replace(&self, credentials: Credentials) {
        *self.0.borrow_mut() = Rc::new(credentials);
    }
}

/// Reads a file.
///
/// # Errors
/// [`CredentialsError`].
pub fn read(path: &Path) -> Result<Credentials, CredentialsError> {
    let file = File::open(path).map_err(CredentialsError::Unreadable)?;
    // Of what was opened, not of what has its name by now.
    let mode = file.metadata().map_err(CredentialsError::Unreadable)?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(CredentialsError::Exposed(mode));
    }
    if mode & GROUP_READS != 0 {
        tracing::warn!(mode = format!("{mode:04o}"), "the group of the credentials can read them");
    }
    let mut text = Vec::new();
    let most = u64::try_from(MAX_FILE).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut text).map_err(CredentialsError::Unreadable)?;
    Credentials::from_json(&text).map_err(CredentialsError::Invalid)
}

/// Reads the file again whenever the process is sent SIGHUP, and tells `changed` what counts then. One
/// that is not as it should be is logged, and changes nothing.
///
/// # Errors
/// The signal cannot be listened for.
pub async fn reload_on_hangup(
    path: &Path,
    present: &Present,
    changed: impl Fn(&Credentials),
) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup())?;
    while hangups.recv().await.is_some() {
        match read(path) {
            Ok(credentials) => {
                present.replace(credentials);
                changed(&present.now());
                tracing::info!("the credentials were read again");
            }
            Err(error) => {
                let code = error.code().as_str();
                tracing::error!(code, "those that counted go on to count: {error}");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CredentialsError, read};
    use livegate_core::error::Coded;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    const FILE: &str =
        r#"{"applications":[{"app":"live","publish_keys":["0123456789abcdef0123456789abcdef"]}]}"#;

    fn file(name: &str, text: &str, mode: u32) -> PathBuf {
        let path = std::env::temp_dir().join(format!("livegate-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        for mode in [0o604, 0o644, 0o660, 0o602] {
            let path = file("exposed", FILE, mode);
            assert!(matches!(read(&path), Err(CredentialsError::Exposed(found)) if found == mode));
            fs::remove_file(path).unwrap();
        }
        for mode in [0o600, 0o400, 0o640] {
            let path = file("kept", FILE, mode);
            assert!(read(&path).unwrap().application("live").is_some());
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let path = file("wrong", &FILE.replace("0123456789abcdef", ""), 0o600);
        let error = read(&path).unwrap_err();
        fs::remove_file(path).unwrap();
        assert_eq!(error.code().as_str(), "host.credentials_invalid");
        let told = error.to_string();
        assert!(told.contains("\n  applications[0].publish_keys[0] "), "{told}");
    }
}
