//! What a stream is read from, in large steps through one buffer.

use std::fs::File;
use std::io::{self, Read};

use crate::failure::Failure;

/// How much is read at once: enough that calls cost nothing beside the copying, and little enough
/// that what was read is still in the processor's cache when it is written.
const STEP: usize = 128 * 1024;

/// An input, and the part of it that is in memory.
pub(crate) struct Source {
    shown: String,
    from: From,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where `start` is in the input.
    offset: u64,
    size: Option<u64>,
    at_end: bool,
}

enum From {
    Stdin(io::Stdin),
    File(File),
}

impl Source {
    /// Opens the input; `-` is standard input.
    pub(crate) fn open(path: &str) -> Result<Self, Failure> {
        let cannot = |error| Failure::failed(format!("cannot read {path}: {error}"));
        let (shown, from, size) = if path == "-" {
            ("standard input", From::Stdin(io::stdin()), None)
        } else {
            let file = File::open(path).map_err(cannot)?;
            let about = file.metadata().map_err(cannot)?;
            if about.is_dir() {
                return Err(Failure::failed(format!("cannot read {path}: it is a folder")));
            }
            let size = about.is_file().then_some(about.len());
            (path, From::File(file), size)
        };
        Ok(Self {
            shown: shown.to_owned(),
            from,
            buffer: vec![0; STEP],
            start: 0,
            end: 0,
            offset: 0,
            size,
            at_end: false,
        })
    }

    /// Its name for people.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Its size in bytes, where that is known.
    pub(crate) const fn size(&self) -> Option<u64> {
        self.size
    }

    /// Where [`Self::bytes`] begin in the input.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether everything is read: what follows [`Self::bytes`] is nothing.
    pub(crate) const fn at_end(&self) -> bool {
        self.at_end
    }

    /// What is read and not yet [taken](Self::take).
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The first `count` of the [bytes](Self::bytes) are done with.
    pub(crate) fn take(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        self.offset += count as u64;
    }

    /// Reads on until there are `count` [bytes](Self::bytes); says whether there are.
    pub(crate) fn fill_to(&mut self, count: usize) -> Result<bool, Failure> {
        while self.bytes().len() < count {
            if self.at_end {
                return Ok(false);
            }
            self.fill()?;
        }
        Ok(true)
    }

    /// Reads on. If the buffer is nearly full, what is not taken moves to its front; if that fills
    /// it, it grows.
    pub(crate) fn fill(&mut self) -> Result<(), Failure> {
        if self.start == self.end || self.buffer.len() - self.end < STEP / 8 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end * 2, 0);
        }
        let free = &mut self.buffer[self.end..];
        loop {
            let read = match &mut self.from {
                From::Stdin(stdin) => stdin.lock().read(free),
                From::File(file) => file.read(free),
            };
            match read {
                Ok(count) => {
                    self.at_end = count == 0;
                    self.end += count;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Failure::failed(format!("cannot read {}: {error}", self.shown)));
                }
            }
        }
    }
}
