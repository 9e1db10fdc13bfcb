//! The log: lines on stderr, written by a thread of their own. Whoever reads them slowly keeps nobody
//! waiting: lines that have no room are counted and left out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use livegate_core::time::UnixMillis;
use tracing_subscriber::fmt::MakeWriter;

use crate::clock;

/// Lines that may wait.
const WAITING: usize = 4_096;

/// Lines of one code that anybody can cause, in so many milliseconds.
const MOST: u32 = 50;
const SPAN_MS: u64 = 10_000;

/// How long the last lines may take.
const LAST: Duration = Duration::from_secs(1);

/// What is logged, until it is dropped: then what waits is written, if it is read within a second.
pub(crate) struct Log(Arc<Count>);

/// Begins to log.
///
/// # Errors
/// There is no thread for it.
pub(crate) fn begin() -> io::Result<Log> {
    let (lines, waiting) = sync_channel(WAITING);
    let lines = Lines { lines, count: Arc::default() };
    let count = Arc::clone(&lines.count);
    let write = move || write(&waiting, &count, io::stderr());
    thread::Builder::new().name("log".to_owned()).spawn(write)?;
    let log = Log(Arc::clone(&lines.count));
    tracing_subscriber::fmt().with_writer(lines).with_ansi(false).init();
    Ok(log)
}

impl Drop for Log {
    fn drop(&mut self) {
        let Count { sent, written, turned, .. } = &*self.0;
        let sent = sent.load(Ordering::Relaxed);
        let written = written.lock().unwrap_or_else(PoisonError::into_inner);
        drop(turned.wait_timeout_while(written, LAST, |written| *written < sent));
    }
}

/// How many lines went which way.
#[derive(Debug, Default)]
struct Count {
    sent: AtomicU64,
    lost: AtomicU64,
    written: Mutex<u64>,
    turned: Condvar,
}

fn write(lines: &Receiver<Vec<u8>>, count: &Count, mut out: impl Write) {
    while let Ok(line) = lines.recv() {
        // Nobody reads: there is nobody to tell either.
        let _ = out.write_all(&line);
        let lost = count.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(out, "{lost} lines of the log had no room");
        }
        *count.written.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        count.turned.notify_all();
    }
}

/// Where lines go.
struct Lines {
    lines: SyncSender<Vec<u8>>,
    count: Arc<Count>,
}

/// One line.
struct Line<'l>(&'l Lines);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Lines { lines, count } = self.0;
        let counted = match lines.try_send(bytes.to_vec()) {
            Ok(()) => &count.sent,
            Err(_) => &count.lost,
        };
        counted.fetch_add(1, Ordering::Relaxed);
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
    use super::{LAST, Line, Lines, Log, MOST, SPAN_MS, Sampled, write};
    use livegate_core::time::UnixMillis;
    use std::io::{self, Write};
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
    use std::thread;
    use std::time::Instant;

    #[test]
    fn a_log_that_nobody_reads_keeps_nobody_waiting() {
        let (lines, waiting) = sync_channel(2);
        let log = Lines { lines, count: Arc::default() };
        for line in [&b"one"[..], b"two", b"three"] {
            Line(&log).write_all(line).unwrap();
        }
        assert_eq!(
            (waiting.recv().unwrap(), waiting.recv().unwrap()),
            (b"one".into(), b"two".into())
        );
        assert_eq!(log.count.lost.load(Ordering::Relaxed), 1);
    }

    /// Takes a line when it is told to, and says what it took.
    struct Slow(Receiver<()>, Sender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            self.1.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_last_lines_are_waited_for_but_not_for_ever() {
        let (lines, waiting) = sync_channel(8);
        let log = Lines { lines, count: Arc::default() };
        let (may, told) = channel();
        let (took, taken) = channel();
        let count = Arc::clone(&log.count);
        thread::spawn(move || write(&waiting, &count, Slow(told, took)));
        let say = |line: &[u8]| Line(&log).write_all(line).unwrap();
        say(b"one");
        say(b"two");
        let other = thread::spawn(move || {
            may.send(()).unwrap();
            may.send(()).unwrap();
            may
        });
        drop(Log(Arc::clone(&log.count)));
        assert_eq!(taken.try_iter().collect::<Vec<_>>(), [b"one", b"two"]);
        let _may = other.join().unwrap();
        // One that nobody reads.
        say(b"three");
        let began = Instant::now();
        drop(Log(Arc::clone(&log.count)));
        assert!((LAST..LAST * 5).contains(&began.elapsed()));
        assert_eq!(taken.try_iter().count(), 0);
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
