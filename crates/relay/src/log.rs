//! The log: lines on stderr, written by a thread of their own. Whoever reads them slowly keeps nobody
//! waiting: lines that have no room are counted and left out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use livegate_core::time::UnixMillis;
use tracing_subscriber::fmt::MakeWriter;

use crate::clock;

/// Lines that may wait.
const WAITING: usize = 4_096;

/// Lines of one code that anybody can cause, in so many milliseconds.
const MOST: u32 = 50;
const SPAN_MS: u64 = 10_000;

/// Begins to log.
///
/// # Errors
/// There is no thread for it.
pub(crate) fn begin() -> io::Result<()> {
    let (lines, waiting) = sync_channel(WAITING);
    let lost = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&lost);
    thread::Builder::new().name("log".to_owned()).spawn(move || write(&waiting, &counted))?;
    tracing_subscriber::fmt().with_writer(Lines { lines, lost }).with_ansi(false).init();
    Ok(())
}

fn write(lines: &Receiver<Vec<u8>>, lost: &AtomicU64) {
    while let Ok(line) = lines.recv() {
        // Nobody reads: there is nobody to tell either.
        let _ = io::stderr().write_all(&line);
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(io::stderr(), "{lost} lines of the log had no room");
        }
    }
}

/// Where lines go.
struct Lines {
    lines: SyncSender<Vec<u8>>,
    lost: Arc<AtomicU64>,
}

/// One line.
struct Line<'l>(&'l Lines);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Lines { lines, lost } = self.0;
        if let Err(TrySendError::Full(_)) = lines.try_send(bytes.to_vec()) {
            lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line(self)
    }
}

/// Of what anybody can cause as often as they like, so many lines of each code are written.
#[derive(Debug, Default)]
struct Sampled {
    codes: BTreeMap<&'static str, (UnixMillis, u32)>,
}

impl Sampled {
    /// Whether one more is written, and how many were left out before it.
    fn admit(&mut self, code: &'static str, now: UnixMillis) -> (bool, u32) {
        let (since, count) = self.codes.entry(code).or_insert((now, 0));
        let mut left_out = 0;
        if now.since(*since).0 >= SPAN_MS {
            left_out = count.saturating_sub(MOST);
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        (*count <= MOST, left_out)
    }
}

/// Whether a line of something that anybody can cause is to be written.
pub(crate) fn admits(code: &'static str) -> bool {
    thread_local! {
        static SAMPLED: RefCell<Sampled> = RefCell::default();
    }
    let (admits, left_out) = SAMPLED.with_borrow_mut(|sampled| sampled.admit(code, clock::now()));
    if left_out > 0 {
        tracing::info!(code, left_out, "lines like the next one were left out");
    }
    admits
}

#[cfg(test)]
mod tests {
    use super::{Line, Lines, MOST, SPAN_MS, Sampled};
    use livegate_core::time::UnixMillis;
    use std::io::Write as _;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn a_log_that_nobody_reads_keeps_nobody_waiting() {
        let (lines, waiting) = sync_channel(2);
        let log = Lines { lines, lost: Arc::default() };
        for line in [&b"one"[..], b"two", b"three"] {
            Line(&log).write_all(line).unwrap();
        }
        assert_eq!(
            (waiting.recv().unwrap(), waiting.recv().unwrap()),
            (b"one".into(), b"two".into())
        );
        assert_eq!(log.lost.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn so_many_lines_of_a_code_are_written() {
        let mut sampled = Sampled::default();
        let at = |ms| UnixMillis(1_000 + ms);
        let count = (0..200).filter(|_| sampled.admit("a", at(0)).0).count();
        assert_eq!(u32::try_from(count).unwrap(), MOST);
        assert_eq!(sampled.admit("b", at(1)), (true, 0));
        assert_eq!(sampled.admit("a", at(SPAN_MS - 1)), (false, 0));
        assert_eq!(sampled.admit("a", at(SPAN_MS)), (true, 201 - MOST));
        assert_eq!(sampled.admit("a", at(2 * SPAN_MS)), (true, 0));
    }
}
