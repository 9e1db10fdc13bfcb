//! Where a stream is written: a file that is there only when it is whole, or a pipe.

use std::fs::{self, File};
use std::io::{self, IoSlice, Write as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::failure::Failure;

/// An output. A file is written beside its name and gets it in [`Sink::finish`]; what fails before
/// leaves nothing behind.
pub(crate) struct Sink {
    shown: String,
    out: Out,
}

enum Out {
    Stdout(io::Stdout),
    /// What is no regular file, such as a named pipe or `/dev/null`, is written in place.
    Place(File),
    File {
        file: File,
        /// Removes the file if it is not finished.
        _part: Part,
    },
}

/// What becomes of a file when the process is told to stop (SIGINT, SIGTERM).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnStop {
    /// It goes.
    Remove,
    /// It gets its name: of a live stream, what came until then is what there is.
    Keep,
}

/// The unfinished file, for whoever ends it: the sink, or a signal. A process has one.
static UNFINISHED: Mutex<Option<Unfinished>> = Mutex::new(None);

struct Unfinished {
    part: PathBuf,
    whole: PathBuf,
    on_stop: OnStop,
}

fn unfinished() -> MutexGuard<'static, Option<Unfinished>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the unfinished file removed when it is dropped.
struct Part;

impl Part {
    fn new(file: Unfinished) -> io::Result<Self> {
        *unfinished() = Some(file);
        on_signals()?;
        Ok(Self)
    }

    /// Gives the file its name.
    fn finish() -> io::Result<()> {
        unfinished().take().map_or(Ok(()), |file| fs::rename(&file.part, &file.whole))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(file) = unfinished().take() {
            let _ = fs::remove_file(&file.part);
        }
    }
}

/// Ends the unfinished file and the process when it is told to stop.
#[cfg(unix)]
fn on_signals() -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        if let Some(file) = unfinished().take() {
            if file.on_stop == OnStop::Keep && fs::rename(&file.part, &file.whole).is_ok() {
                let whole = file.whole.display();
                crate::output::note(&format!(
                    "livegate: stopped; {whole} has what came until then"
                ));
            } else {
                let _ = fs::remove_file(&file.part);
            }
        }
        process::exit(128 + signal);
    });
    Ok(())
}

#[cfg(not(unix))]
fn on_signals() -> io::Result<()> {
    Ok(())
}

impl Sink {
    /// Opens the output; `-` is standard output.
    pub(crate) fn open(path: &str, on_stop: OnStop) -> Result<Self, Failure> {
        let cannot = |error| Failure::failed(format!("cannot write {path}: {error}"));
        let out = if path == "-" {
            Out::Stdout(io::stdout())
        } else {
            Self::file(Path::new(path), on_stop).map_err(cannot)?
        };
        let shown = if path == "-" { "standard output" } else { path };
        Ok(Self { shown: shown.to_owned(), out })
    }

    fn file(path: &Path, on_stop: OnStop) -> io::Result<Out> {
        let old = fs::metadata(path).ok();
        if let Some(old) = &old
            && !old.is_file()
        {
            return File::options().write(true).open(path).map(Out::Place);
        }
        // A link stays one; the file behind it is replaced.
        let whole = if old.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
        let mut name = whole.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", process::id()));
        let part = whole.with_file_name(name);
        let file = File::options().write(true).create_new(true).open(&part)?;
        let part = Part::new(Unfinished { part, whole, on_stop })?;
        if let Some(old) = old {
            file.set_permissions(old.permissions())?;
        }
        Ok(Out::File { file, _part: part })
    }

    /// Whether what is written is there only when it is finished.
    pub(crate) const fn is_file(&self) -> bool {
        matches!(self.out, Out::File { .. })
    }

    /// Whether it is standard output.
    pub(crate) const fn is_stdout(&self) -> bool {
        matches!(self.out, Out::Stdout(_))
    }

    /// Writes the pieces one after the other.
    pub(crate) fn write(&mut self, mut pieces: &mut [IoSlice<'_>]) -> Result<(), Failure> {
        // Empty pieces at the front would make a write of nothing look like a full disk.
        IoSlice::advance_slices(&mut pieces, 0);
        while !pieces.is_empty() {
            let written = match &mut self.out {
                Out::Stdout(out) => out.lock().write_vectored(pieces),
                Out::Place(file) | Out::File { file, .. } => file.write_vectored(pieces),
            };
            match written {
                Ok(0) => return Err(self.failed(&io::ErrorKind::WriteZero.into())),
                Ok(count) => IoSlice::advance_slices(&mut pieces, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Ok(())
    }

    /// Ends the output: the file is there now.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let done = match &mut self.out {
            Out::Stdout(out) => out.flush(),
            Out::Place(_) => Ok(()),
            Out::File { .. } => Part::finish(),
        };
        done.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        // A reader that went away (`| head`) is no failure, and there is nobody to tell.
        if error.kind() == io::ErrorKind::BrokenPipe && self.is_stdout() {
            process::exit(0);
        }
        Failure::failed(format!("cannot write {}: {error}", self.shown))
    }
}

/// Writes bytes that are all there.
pub(crate) fn write_whole(path: &str, bytes: &[u8]) -> Result<(), Failure> {
    let mut sink = Sink::open(path, OnStop::Remove)?;
    sink.write(&mut [IoSlice::new(bytes)])?;
    sink.finish()
}

#[cfg(test)]
mod tests {
    use super::{OnStop, Sink, unfinished};
    use std::fs;
    use std::io::IoSlice;
    use std::path::Path;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// A process writes one file at a time, and so do these tests.
    fn alone() -> MutexGuard<'static, ()> {
        static ONE: Mutex<()> = Mutex::new(());
        ONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(path: &Path) -> Result<Sink, crate::failure::Failure> {
        Sink::open(path.to_str().unwrap(), OnStop::Remove)
    }

    /// A folder of this test's own.
    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("livegate-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        folder
    }

    #[test]
    fn a_file_is_there_only_when_it_is_whole() {
        let _alone = alone();
        let folder = folder("sink");
        let path = folder.join("out.flv");
        let mut sink = open(&path).unwrap();
        let mut pieces =
            [IoSlice::new(b""), IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"c")];
        sink.write(&mut pieces).unwrap();
        assert!(!path.exists());
        sink.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abc");

        let mut sink = open(&path).unwrap();
        sink.write(&mut [IoSlice::new(b"other")]).unwrap();
        drop(sink);
        assert!(unfinished().is_none());
        assert_eq!(fs::read(&path).unwrap(), b"abc");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one_and_a_file_keeps_its_mode() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let _alone = alone();
        let folder = folder("sink-link");
        let (target, link) = (folder.join("target"), folder.join("link"));
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&target, &link).unwrap();
        let mut sink = open(&link).unwrap();
        sink.write(&mut [IoSlice::new(b"new")]).unwrap();
        sink.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_written_in_place() {
        let mut sink = Sink::open("/dev/null", OnStop::Remove).unwrap();
        sink.write(&mut [IoSlice::new(b"x")]).unwrap();
        sink.finish().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
