//! Where players that fill MSE have their zero.

/// Where a stream's times begin.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Base {
    first_audio: Option<i64>,
    pub(super) first_video: Option<i64>,
    /// The greatest time of either.
    latest: i64,
    has_no_audio: bool,
    has_no_video: bool,
}

impl Base {
    /// How long one of sound and video is waited for.
    const PATIENCE: i64 = 2_000_000;

    /// What the stream says of itself.
    pub(super) const fn says(&mut self, audio: bool, video: bool) {
        (self.has_no_audio, self.has_no_video) = (!audio, !video);
    }

    pub(super) fn audio(&mut self, time: i64) {
        self.first_audio.get_or_insert(time);
        self.latest = self.latest.max(time);
    }

    pub(super) fn video(&mut self, time: i64) {
        self.first_video.get_or_insert(time);
        self.latest = self.latest.max(time);
    }

    pub(super) fn time(&self) -> Option<i64> {
        let is_late = |first: i64| self.latest.saturating_sub(first) >= Self::PATIENCE;
        match (self.first_audio, self.first_video) {
            (Some(audio), Some(video)) => Some(audio.min(video)),
            (Some(audio), None) => Some(audio).filter(|_| self.has_no_video || is_late(audio)),
            (None, Some(video)) => Some(video).filter(|_| self.has_no_audio || is_late(video)),
            (None, None) => None,
        }
    }
}
