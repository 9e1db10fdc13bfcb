//! Who publishes and who watches, and what is told of it.
//!
//! A host tells this of each stream that begins, brings sound or pictures, and ends. Out come the
//! events of channels and users, and the streams that are to be closed. Whether somebody may publish
//! at all, the [`token`](super::token) has said before.
//!
//! What holds for what is raised: a channel starts before anything in it and ends after everything;
//! a user joins before, and leaves after, anything of that user's; a start is followed by its stop.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::settings::settings;
use super::token::is_name;
use crate::config::named;
use crate::error::{Code, Coded, Fault};
use crate::event::Kind;
use crate::layout::Picture;
use crate::time::{Millis, UnixMillis};

settings! {
    /// The times of what is published.
    pub struct IngestSettings {
        /// How long a publisher may bring nothing at all before the connection is closed.
        idle_ms = 10_000 in 2_000..=120_000,
        /// How long one may bring nothing any more.
        publisher_stall_ms = 30_000 in 3_000..=600_000,
        /// How long there may be no sound, or no picture, before it counts as stopped.
        mute_ms = 5_000 in 1_000..=60_000,
        /// How long a user whose last connection ended still counts as there.
        rejoin_ms = 5_000 in 0..=120_000,
        /// After how long of silence a publisher is replaced even where a second one is refused: it
        /// has most likely lost its connection, and its host has not noticed.
        stale_ms = 3_000 in 500..=60_000,
    }
}

named! {
    /// What becomes of a second publisher of one user's picture.
    pub enum Duplicate {
        /// The second is refused. The default.
        Refuse = "refuse",
        /// The first is closed.
        Replace = "replace",
    }
}

named! {
    /// What a user is in a channel.
    pub enum Role {
        /// Somebody who publishes.
        Streamer = "streamer",
        /// Somebody who watches.
        Viewer = "viewer",
    }
}

/// One stream of one connection, by the host's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub u64);

/// Where somebody publishes or watches, and who: the parts of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'p> {
    /// The application.
    pub app: &'p str,
    /// The channel.
    pub channel: &'p str,
    /// The user.
    pub user: &'p str,
    /// `role=` of the address; without it, who publishes is a streamer and who watches a viewer.
    pub role: Option<Role>,
}

/// What a message of a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// Sound.
    Audio,
    /// A picture.
    Video,
}

/// Why somebody may not publish, or no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IngestError {
    /// A part of the address is empty, too long, or has a control character.
    Name,
    /// The user's picture is published already.
    PublisherExists,
    /// Another one publishes it now.
    Replaced,
    /// It brought nothing at all.
    Idle,
    /// It brought nothing any more.
    Stalled,
    /// The host stops.
    HostStops,
}

impl fmt::Display for IngestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a name has 1 to 255 bytes and no control characters",
            Self::PublisherExists => "this user's stream is published already",
            Self::Replaced => "another connection publishes this stream now",
            Self::Idle => "the publisher sent no sound and no picture",
            Self::Stalled => "the publisher stopped sending",
            Self::HostStops => "the host stops",
        })
    }
}

impl core::error::Error for IngestError {}

impl Coded for IngestError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Name => "ingest.name",
            Self::PublisherExists => "ingest.publisher_exists",
            Self::Replaced => "ingest.replaced",
            Self::Idle => "ingest.idle",
            Self::Stalled => "ingest.stalled",
            Self::HostStops => "ingest.host_stops",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::HostStops => Fault::Internal,
            _ => Fault::Caller,
        }
    }
}

/// An event of a channel or user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Raised {
    /// What happened.
    pub kind: Kind,
    /// The application.
    pub app: String,
    /// The channel.
    pub channel: String,
    /// The user, if it is about one.
    pub user: Option<String>,
    /// Of `user.join` and `user.role`: what the user is from now on.
    pub role: Option<Role>,
    /// When.
    pub at: UnixMillis,
}

/// Starts, and what ends them: what is in something else comes first.
const PAIRS: [(Kind, Kind); 5] = [
    (Kind::AudioStart, Kind::AudioStop),
    (Kind::VideoStart, Kind::VideoStop),
    (Kind::ScreenStart, Kind::ScreenStop),
    (Kind::UserJoin, Kind::UserLeave),
    (Kind::ChannelStart, Kind::ChannelEnd),
];

/// A start whose stop is to come: a host keeps these, so that what was on when it crashed is told to
/// have stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Open {
    /// The start's kind.
    pub kind: Kind,
    /// The application.
    pub app: String,
    /// The channel.
    pub channel: String,
    /// The user, if it is about one.
    pub user: Option<String>,
}

impl Open {
    /// That start.
    pub const fn new(kind: Kind, app: String, channel: String, user: Option<String>) -> Self {
        Self { kind, app, channel, user }
    }

    /// What ends these, in the order in which it has to be told.
    pub fn stops(open: Vec<Self>, at: UnixMillis) -> Vec<Raised> {
        let place = |kind: Kind| PAIRS.iter().position(|(start, _)| *start == kind);
        let mut all: Vec<_> = open
            .into_iter()
            .filter_map(|one| {
                let place = place(one.kind)?;
                let (_, kind) = *PAIRS.get(place)?;
                let Self { app, channel, user, .. } = one;
                Some((place, Raised { kind, app, channel, user, role: None, at }))
            })
            .collect();
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, raised)| raised).collect()
    }
}

impl Raised {
    /// The start that this is, or that it ends, and which of the two; `None` for what is neither.
    pub fn opens(&self) -> Option<(Open, bool)> {
        let (start, _) =
            PAIRS.iter().find(|(start, stop)| *start == self.kind || *stop == self.kind)?;
        let (app, channel) = (self.app.clone(), self.channel.clone());
        let open = Open { kind: *start, app, channel, user: self.user.clone() };
        Some((open, self.kind == *start))
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum IngestOutput {
    /// Tell whoever asked.
    Raise(Raised),
    /// Close this stream; it does not count any more.
    Close(Session, IngestError),
}

/// Sound, or pictures, of a stream.
#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    last: Option<UnixMillis>,
    /// Whether its start was raised.
    is_on: bool,
}

/// Application, channel and user.
type Key = (String, String, String);

#[derive(Clone, Debug)]
struct Stream {
    place: Key,
    role: Role,
    /// `None` for one that watches.
    published: Option<Published>,
}

#[derive(Clone, Copy, Debug)]
struct Published {
    picture: Picture,
    began_at: UnixMillis,
    audio: Lane,
    video: Lane,
}

impl Published {
    fn last(&self) -> UnixMillis {
        self.began_at.max(self.audio.last.max(self.video.last).unwrap_or_default())
    }

    const fn has_media(&self) -> bool {
        self.audio.last.is_some() || self.video.last.is_some()
    }

    /// When it has brought nothing for too long, and what that is.
    fn closes(&self, settings: &IngestSettings) -> (UnixMillis, IngestError) {
        if self.has_media() {
            (self.last().plus(Millis(settings.publisher_stall_ms)), IngestError::Stalled)
        } else {
            (self.began_at.plus(Millis(settings.idle_ms)), IngestError::Idle)
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct User {
    role: Role,
    streams: u32,
    leaves_at: Option<UnixMillis>,
}

/// All channels of a host. See the [module](self).
#[derive(Clone, Debug)]
pub struct Ingest {
    settings: IngestSettings,
    streams: BTreeMap<Session, Stream>,
    users: BTreeMap<Key, User>,
    outputs: VecDeque<IngestOutput>,
}

impl Ingest {
    /// A host that nobody uses yet.
    pub const fn new(settings: IngestSettings) -> Self {
        Self {
            settings,
            streams: BTreeMap::new(),
            users: BTreeMap::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Somebody begins to publish; `duplicate` says what becomes of it if somebody does already.
    ///
    /// # Errors
    /// [`IngestError::Name`] or [`IngestError::PublisherExists`]; then nothing has changed.
    pub fn publish(
        &mut self,
        session: Session,
        place: Place<'_>,
        picture: Picture,
        duplicate: Duplicate,
        now: UnixMillis,
    ) -> Result<(), IngestError> {
        let key = key(place)?;
        let mut published =
            Published { picture, began_at: now, audio: Lane::default(), video: Lane::default() };
        let mut same = self.streams.iter().filter(|(_, stream)| stream.place == key);
        let twin = same.find_map(|(session, stream)| {
            let twin = stream.published.filter(|twin| twin.picture == picture)?;
            Some((*session, twin))
        });
        if let Some((old, twin)) = twin {
            let is_stale = now.since(twin.last()).0 >= self.settings.stale_ms;
            if duplicate == Duplicate::Refuse && !is_stale {
                return Err(IngestError::PublisherExists);
            }
            // What was on stays on, unless the new one does not bring it in time.
            let heard = |lane: Lane| Lane { last: lane.last.filter(|_| lane.is_on), ..lane };
            published.audio = heard(twin.audio);
            published.video = heard(twin.video);
            self.streams.remove(&old);
            self.outputs.push_back(IngestOutput::Close(old, IngestError::Replaced));
            self.leave(&key, now);
        }
        let role = place.role.unwrap_or(Role::Streamer);
        self.begin(session, Stream { place: key, role, published: Some(published) }, now);
        Ok(())
    }

    /// Somebody begins to watch.
    ///
    /// # Errors
    /// [`IngestError::Name`]; then nothing has changed.
    pub fn play(
        &mut self,
        session: Session,
        place: Place<'_>,
        now: UnixMillis,
    ) -> Result<(), IngestError> {
        let role = place.role.unwrap_or(Role::Viewer);
        self.begin(session, Stream { place: key(place)?, role, published: None }, now);
        Ok(())
    }

    /// A stream brought sound or a picture.
    pub fn media(&mut self, session: Session, track: Track, now: UnixMillis) {
        let Some(stream) = self.streams.get_mut(&session) else { return };
        let Some(published) = &mut stream.published else { return };
        let lane = match track {
            Track::Audio => &mut published.audio,
            Track::Video => &mut published.video,
        };
        lane.last = lane.last.max(Some(now));
        if !lane.is_on
            && let Some((start, _)) = kinds(published.picture, track)
        {
            lane.is_on = true;
            let place = stream.place.clone();
            self.raise(start, &place, None, now);
        }
    }

    /// A stream ended.
    pub fn closed(&mut self, session: Session, now: UnixMillis) {
        let Some(stream) = self.streams.remove(&session) else { return };
        if let Some(published) = stream.published {
            for (track, lane) in lanes(&published) {
                if lane.is_on
                    && let Some((_, stop)) = kinds(published.picture, track)
                {
                    self.raise(stop, &stream.place, None, now);
                }
            }
        }
        self.leave(&stream.place, now);
        self.settle(&stream.place, now);
    }

    /// The host stops: every stream ends, and nobody is waited for.
    pub fn end(&mut self, now: UnixMillis) {
        let sessions: Vec<_> = self.streams.keys().copied().collect();
        for session in sessions {
            self.closed(session, now);
        }
        let users: Vec<_> = self.users.keys().cloned().collect();
        for place in users {
            self.gone(&place, now);
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, now: UnixMillis) {
        let due: Vec<_> = self
            .streams
            .iter()
            .filter_map(|(session, stream)| {
                let (at, error) = stream.published?.closes(&self.settings);
                (now >= at).then_some((*session, error))
            })
            .collect();
        for (session, error) in due {
            self.outputs.push_back(IngestOutput::Close(session, error));
            self.closed(session, now);
        }
        self.mute(now);
        let leaving =
            self.users.iter().filter(|(_, user)| user.leaves_at.is_some_and(|at| now >= at));
        let leaving: Vec<_> = leaving.map(|(place, _)| place.clone()).collect();
        for place in leaving {
            self.gone(&place, now);
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<IngestOutput> {
        self.outputs.pop_front()
    }

    /// When to [`tick`](Self::tick) at the latest.
    pub fn wake_at(&self) -> Option<UnixMillis> {
        let mute = Millis(self.settings.mute_ms);
        let published = self.streams.values().filter_map(|stream| stream.published);
        let streams = published.filter_map(|published| {
            let lanes = lanes(&published).into_iter().filter(|(_, lane)| lane.is_on);
            let mutes = lanes.filter_map(move |(_, lane)| lane.last.map(|last| last.plus(mute)));
            mutes.chain([published.closes(&self.settings).0]).min()
        });
        streams.chain(self.users.values().filter_map(|user| user.leaves_at)).min()
    }

    /// Whether a channel has started and not ended: somebody publishes or watches there, or did just now.
    pub fn is_there(&self, app: &str, channel: &str) -> bool {
        let first = (app.to_owned(), channel.to_owned(), String::new());
        let next = self.users.range(first..).next();
        next.is_some_and(|((own, of, _), _)| own == app && of == channel)
    }

    /// Raises the stop of sound and pictures that do not come any more.
    fn mute(&mut self, now: UnixMillis) {
        let mute = self.settings.mute_ms;
        let mut stopped = Vec::new();
        for stream in self.streams.values_mut() {
            let Some(published) = &mut stream.published else { continue };
            let picture = published.picture;
            let lanes =
                [(Track::Audio, &mut published.audio), (Track::Video, &mut published.video)];
            for (track, lane) in lanes {
                let is_silent = lane.last.is_none_or(|last| now.since(last).0 >= mute);
                if lane.is_on
                    && is_silent
                    && let Some((_, stop)) = kinds(picture, track)
                {
                    lane.is_on = false;
                    stopped.push((stop, stream.place.clone()));
                }
            }
        }
        for (stop, place) in stopped {
            self.raise(stop, &place, None, now);
        }
    }

    fn begin(&mut self, session: Session, stream: Stream, now: UnixMillis) {
        // The host's number of another stream: that one is no more.
        self.closed(session, now);
        let place = stream.place.clone();
        let role = stream.role;
        self.streams.insert(session, stream);
        if self.users.contains_key(&place) {
            self.enter(&place);
            self.settle(&place, now);
            return;
        }
        if !self.is_there(&place.0, &place.1) {
            self.raise(Kind::ChannelStart, &place, None, now);
        }
        self.users.insert(place.clone(), User { role, streams: 1, leaves_at: None });
        self.raise(Kind::UserJoin, &place, Some(role), now);
    }

    /// One stream more of a user who is there.
    fn enter(&mut self, place: &Key) {
        if let Some(user) = self.users.get_mut(place) {
            user.streams = user.streams.saturating_add(1);
            user.leaves_at = None;
        }
    }

    /// One stream less.
    fn leave(&mut self, place: &Key, now: UnixMillis) {
        let rejoin = Millis(self.settings.rejoin_ms);
        if let Some(user) = self.users.get_mut(place) {
            user.streams = user.streams.saturating_sub(1);
            user.leaves_at = (user.streams == 0).then_some(now.plus(rejoin));
        }
    }

    /// What a user's streams have become: another role, or no more of them and no time to wait.
    fn settle(&mut self, place: &Key, now: UnixMillis) {
        let streams = self.streams.values().filter(|stream| stream.place == *place);
        let is_streamer = streams.clone().any(|stream| stream.role == Role::Streamer);
        let is_there = streams.count() > 0;
        let role = if is_streamer { Role::Streamer } else { Role::Viewer };
        let Some(user) = self.users.get_mut(place) else { return };
        if is_there && user.role != role {
            user.role = role;
            self.raise(Kind::UserRole, place, Some(role), now);
        } else if user.leaves_at.is_some_and(|at| now >= at) {
            self.gone(place, now);
        }
    }

    fn gone(&mut self, place: &Key, now: UnixMillis) {
        if self.users.remove(place).is_some() {
            self.raise(Kind::UserLeave, place, None, now);
            if !self.is_there(&place.0, &place.1) {
                self.raise(Kind::ChannelEnd, place, None, now);
            }
        }
    }

    fn raise(
        &mut self,
        kind: Kind,
        (app, channel, user): &Key,
        role: Option<Role>,
        at: UnixMillis,
    ) {
        let user = match kind {
            Kind::ChannelStart | Kind::ChannelEnd => None,
            _ => Some(user.clone()),
        };
        let (app, channel) = (app.clone(), channel.clone());
        self.outputs.push_back(IngestOutput::Raise(Raised { kind, app, channel, user, role, at }));
    }
}

fn key(place: Place<'_>) -> Result<Key, IngestError> {
    let names = [place.app, place.channel, place.user];
    if names.into_iter().all(is_name) {
        Ok((place.app.to_owned(), place.channel.to_owned(), place.user.to_owned()))
    } else {
        Err(IngestError::Name)
    }
}

const fn lanes(published: &Published) -> [(Track, Lane); 2] {
    [(Track::Audio, published.audio), (Track::Video, published.video)]
}

/// What is raised when something begins, and when it ends. The sound of a screen is part of it, and
/// nobody's microphone.
const fn kinds(picture: Picture, track: Track) -> Option<(Kind, Kind)> {
    match (picture, track) {
        (Picture::Camera, Track::Audio) => Some((Kind::AudioStart, Kind::AudioStop)),
        (Picture::Camera, Track::Video) => Some((Kind::VideoStart, Kind::VideoStop)),
        (Picture::Screen, Track::Video) => Some((Kind::ScreenStart, Kind::ScreenStop)),
        (Picture::Screen, Track::Audio) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Duplicate, Ingest, IngestError, IngestOutput, IngestSettings, Open, Place, Raised, Role,
        Session, Track,
    };
    use crate::error::Coded;
    use crate::event::Kind;
    use crate::layout::Picture;
    use crate::time::UnixMillis;
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    const ONE: Session = Session(1);
    const TWO: Session = Session(2);

    fn at(ms: u64) -> UnixMillis {
        UnixMillis(1_000_000 + ms)
    }

    fn ann() -> Place<'static> {
        Place { app: "live", channel: "room", user: "ann", role: None }
    }

    fn new() -> Ingest {
        Ingest::new(IngestSettings::default())
    }

    /// What was raised, as `kind user role`, and what is closed.
    fn told(ingest: &mut Ingest) -> Vec<String> {
        let all = core::iter::from_fn(|| ingest.poll()).map(|output| match output {
            IngestOutput::Raise(raised) => {
                let user = raised.user.map(|user| format!(" {user}")).unwrap_or_default();
                let role = raised.role.map(|role| format!(" {role}")).unwrap_or_default();
                format!("{}{user}{role}", raised.kind)
            }
            IngestOutput::Close(session, error) => {
                format!("close {} {}", session.0, error.code().as_str())
            }
        });
        all.collect()
    }

    #[test]
    fn a_publishers_coming_and_going_is_told_in_order() {
        let mut ingest = new();
        assert_eq!(ingest.publish(ONE, ann(), Picture::Camera, Duplicate::Refuse, at(0)), Ok(()));
        assert_eq!(told(&mut ingest), ["channel.start", "user.join ann streamer"]);
        ingest.media(ONE, Track::Video, at(10));
        ingest.media(ONE, Track::Audio, at(20));
        ingest.media(ONE, Track::Video, at(30));
        assert_eq!(told(&mut ingest), ["video.start ann", "audio.start ann"]);
        assert_eq!(ingest.publish(TWO, ann(), Picture::Screen, Duplicate::Refuse, at(40)), Ok(()));
        ingest.media(TWO, Track::Audio, at(50));
        ingest.media(TWO, Track::Video, at(60));
        assert_eq!(told(&mut ingest), ["screen.start ann"]);
        ingest.closed(TWO, at(70));
        assert_eq!(told(&mut ingest), ["screen.stop ann"]);
        ingest.closed(ONE, at(100));
        assert_eq!(told(&mut ingest), ["audio.stop ann", "video.stop ann"]);
        assert_eq!(ingest.wake_at(), Some(at(5_100)));
        ingest.tick(at(5_099));
        assert_eq!(told(&mut ingest), [""; 0]);
        ingest.tick(at(5_100));
        assert_eq!(told(&mut ingest), ["user.leave ann", "channel.end"]);
        assert_eq!(ingest.wake_at(), None);
    }

    #[test]
    fn who_is_back_in_time_never_left() {
        let mut ingest = new();
        ingest.publish(ONE, ann(), Picture::Camera, Duplicate::Refuse, at(0)).unwrap();
        ingest.media(ONE, Track::Audio, at(1));
        ingest.closed(ONE, at(1_000));
        ingest.publish(TWO, ann(), Picture::Camera, Duplicate::Refuse, at(5_999)).unwrap();
        ingest.tick(at(7_000));
        ingest.media(TWO, Track::Audio, at(7_000));
        let all = ["channel.start", "user.join ann streamer", "audio.start ann", "audio.stop ann"];
        assert_eq!(told(&mut ingest), [&all[..], &["audio.start ann"]].concat());
    }

    #[test]
    fn a_viewer_who_publishes_becomes_a_streamer_and_a_viewer_again() {
        let mut ingest = new();
        ingest.play(ONE, ann(), at(0)).unwrap();
        ingest.publish(TWO, ann(), Picture::Camera, Duplicate::Refuse, at(10)).unwrap();
        ingest.closed(TWO, at(20));
        ingest.closed(ONE, at(30));
        ingest.tick(at(5_030));
        let all = ["channel.start", "user.join ann viewer", "user.role ann streamer"];
        let rest = ["user.role ann viewer", "user.leave ann", "channel.end"];
        assert_eq!(told(&mut ingest), [&all[..], &rest].concat());
        // What the address says counts.
        let guest = Place { role: Some(Role::Viewer), ..ann() };
        ingest.publish(ONE, guest, Picture::Camera, Duplicate::Refuse, at(6_000)).unwrap();
        assert_eq!(told(&mut ingest), ["channel.start", "user.join ann viewer"]);
    }

    #[test]
    fn a_second_publisher_is_refused_or_replaces_the_first() {
        let mut ingest = new();
        ingest.publish(ONE, ann(), Picture::Camera, Duplicate::Refuse, at(0)).unwrap();
        ingest.media(ONE, Track::Video, at(1_000));
        let _ = told(&mut ingest);
        let second = ingest.publish(TWO, ann(), Picture::Camera, Duplicate::Refuse, at(3_999));
        assert_eq!(second, Err(IngestError::PublisherExists));
        assert_eq!(told(&mut ingest), [""; 0]);
        // Silent for three seconds: its connection is most likely lost.
        ingest.publish(TWO, ann(), Picture::Camera, Duplicate::Refuse, at(4_000)).unwrap();
        ingest.media(TWO, Track::Video, at(4_100));
        ingest.closed(ONE, at(4_200));
        assert_eq!(told(&mut ingest), ["close 1 ingest.replaced"]);

        let mut ingest = new();
        ingest.publish(ONE, ann(), Picture::Camera, Duplicate::Replace, at(0)).unwrap();
        ingest.media(ONE, Track::Video, at(10));
        ingest.media(ONE, Track::Audio, at(10));
        let _ = told(&mut ingest);
        ingest.publish(TWO, ann(), Picture::Camera, Duplicate::Replace, at(20)).unwrap();
        ingest.media(TWO, Track::Video, at(3_000));
        ingest.tick(at(5_010));
        assert_eq!(told(&mut ingest), ["close 1 ingest.replaced", "audio.stop ann"]);
        ingest.closed(TWO, at(5_020));
        assert_eq!(told(&mut ingest), ["video.stop ann"]);
        ingest.tick(at(10_020));
        assert_eq!(told(&mut ingest), ["user.leave ann", "channel.end"]);
    }

    #[test]
    fn who_brings_nothing_or_nothing_any_more_is_closed() {
        let mut ingest = new();
        ingest.publish(ONE, ann(), Picture::Camera, Duplicate::Refuse, at(0)).unwrap();
        let bob = Place { user: "bob", ..ann() };
        ingest.publish(TWO, bob, Picture::Camera, Duplicate::Refuse, at(0)).unwrap();
        ingest.media(TWO, Track::Audio, at(1_000));
        let _ = told(&mut ingest);
        ingest.tick(at(9_999));
        assert_eq!(told(&mut ingest), ["audio.stop bob"]);
        ingest.tick(at(10_000));
        assert_eq!(told(&mut ingest), ["close 1 ingest.idle"]);
        ingest.tick(at(30_999));
        assert_eq!(told(&mut ingest), ["user.leave ann"]);
        assert_eq!(ingest.wake_at(), Some(at(31_000)));
        ingest.tick(at(31_000));
        assert_eq!(told(&mut ingest), ["close 2 ingest.stalled"]);
        assert!(ingest.is_there("live", "room"));
        ingest.tick(at(36_000));
        assert_eq!(told(&mut ingest), ["user.leave bob", "channel.end"]);
        assert!(!ingest.is_there("live", "room"));
        // Who watches is there, too.
        ingest.play(ONE, ann(), at(37_000)).unwrap();
        assert!(ingest.is_there("live", "room"));
    }

    #[test]
    fn channels_of_one_name_in_two_applications_are_two() {
        let mut ingest = new();
        ingest.publish(ONE, ann(), Picture::Camera, Duplicate::Refuse, at(0)).unwrap();
        let other = Place { app: "live2", ..ann() };
        ingest.publish(TWO, other, Picture::Camera, Duplicate::Refuse, at(0)).unwrap();
        assert_eq!(told(&mut ingest).iter().filter(|kind| *kind == "channel.start").count(), 2);
        assert!(ingest.is_there("live2", "room") && !ingest.is_there("live", "other"));
    }

    #[test]
    fn a_place_without_a_name_is_none() {
        let mut ingest = new();
        for bad in ["", "a\u{0}b"] {
            let place = Place { channel: bad, ..ann() };
            assert_eq!(ingest.play(ONE, place, at(0)), Err(IngestError::Name));
        }
        assert_eq!(told(&mut ingest), [""; 0]);
        assert!(!IngestError::Name.to_string().is_empty());
    }

    #[test]
    fn what_was_on_at_a_crash_is_told_to_have_stopped_and_at_a_stop_too() {
        let mut ingest = new();
        ingest.publish(ONE, ann(), Picture::Camera, Duplicate::Refuse, at(0)).unwrap();
        ingest.media(ONE, Track::Audio, at(10));
        let raised = |ingest: &mut Ingest| {
            let outputs = core::iter::from_fn(|| ingest.poll());
            let raised = outputs.filter_map(|output| match output {
                IngestOutput::Raise(raised) => Some(raised),
                IngestOutput::Close(..) => None,
            });
            raised.collect::<Vec<_>>()
        };
        let starts = raised(&mut ingest);
        let open: Vec<_> = starts.iter().filter_map(Raised::opens).collect();
        assert!(open.iter().all(|(_, is_start)| *is_start));
        let stops = [Kind::AudioStop, Kind::UserLeave, Kind::ChannelEnd];
        let told = Open::stops(open.into_iter().map(|(open, _)| open).collect(), at(99));
        assert!(told.iter().map(|raised| raised.kind).eq(stops));
        ingest.end(at(99));
        assert_eq!(raised(&mut ingest), told);
        assert!(told.iter().all(|stop| stop.opens().is_some_and(|(_, is_start)| !is_start)));
    }
}
