//! The frame rate of a byte stream, which carries no times.

use crate::args::Args;
use crate::failure::Failure;

/// Frames a second, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    frames: u64,
    seconds: u64,
}

impl Rate {
    /// `--fps`, if it was given.
    pub(crate) fn of(args: &Args) -> Result<Option<Self>, Failure> {
        let Some(text) = args.text("fps") else { return Ok(None) };
        Self::parse(text).map(Some).ok_or_else(|| {
            args.usage(format!(
                "--fps is a number to 1000 such as 30, 29.97 or 30000/1001, not `{text}`"
            ))
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let whole = |text: &str| {
            let fine =
                (1..=7).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            if fine { text.parse::<u64>().ok() } else { None }
        };
        let (frames, seconds) = if let Some((frames, seconds)) = text.split_once('/') {
            (whole(frames)?, whole(seconds)?)
        } else if let Some((frames, part)) = text.split_once('.') {
            let scale = 10_u64.pow(u32::try_from(part.len()).ok().filter(|len| *len <= 3)?);
            (whole(frames)? * scale + whole(part)?, scale)
        } else {
            (whole(text)?, 1)
        };
        let fine = frames > 0 && seconds > 0 && frames <= 1000 * seconds;
        fine.then_some(Self { frames, seconds })
    }

    /// When a frame is due, in milliseconds, rounded down.
    pub(crate) const fn time(self, frame: u64) -> u64 {
        // A stream of 2^32 frames is years long.
        frame.saturating_mul(1000 * self.seconds) / self.frames
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_rate_is_a_number_or_a_fraction() {
        // 30000 frames at 30000/1001 a second are 1001 s; 2997 at 29.97 are 100 s.
        assert_eq!(Rate::parse("30000/1001").unwrap().time(30_000), 1_001_000);
        assert_eq!(Rate::parse("29.97").unwrap().time(2997), 100_000);
        assert_eq!(Rate::parse("25").unwrap().time(3), 120);
        assert_eq!(Rate::parse("30").unwrap().time(1), 33);
        for text in
            ["", "0", "-1", "1001", "30/0", "0/1", "a", "29.", ".5", "1e3", "29.9999", "1/2/3"]
        {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }
}
