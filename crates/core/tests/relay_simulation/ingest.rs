//! Publishers and viewers who come, go, fall silent and come again: what is told is well nested.

use std::collections::BTreeMap;

use livegate_core::event::Kind;
use livegate_core::layout::Picture;
use livegate_core::relay::ingest::{
    Duplicate, Ingest, IngestOutput, IngestSettings, Place, Role, Session, Track,
};
use livegate_core::time::UnixMillis;

use crate::random::Random;

/// What the receiver of the events thinks.
#[derive(Default)]
struct Belief {
    /// By channel: its users, by name; what each is, and what is on.
    channels: BTreeMap<String, BTreeMap<String, (Role, [bool; 3])>>,
    wrong: Vec<String>,
}

impl Belief {
    fn hear(&mut self, kind: Kind, channel: &str, user: Option<&str>, role: Option<Role>) {
        let is_fine = match kind {
            Kind::ChannelStart => {
                self.channels.insert(channel.to_owned(), BTreeMap::new()).is_none()
            }
            Kind::ChannelEnd => self.channels.remove(channel).is_some_and(|users| users.is_empty()),
            _ => self.hear_of_user(kind, channel, user, role).unwrap_or(false),
        };
        if !is_fine {
            self.wrong.push(format!("{kind} of {user:?} in {channel}"));
        }
    }

    fn hear_of_user(
        &mut self,
        kind: Kind,
        channel: &str,
        user: Option<&str>,
        role: Option<Role>,
    ) -> Option<bool> {
        let users = self.channels.get_mut(channel)?;
        let user = user?;
        let (index, to) = match kind {
            Kind::UserJoin => {
                return Some(users.insert(user.to_owned(), (role?, [false; 3])).is_none());
            }
            Kind::UserLeave => return Some(users.remove(user)?.1 == [false; 3]),
            Kind::UserRole => {
                let known = &mut users.get_mut(user)?.0;
                let is_news = *known != role?;
                *known = role?;
                return Some(is_news);
            }
            Kind::AudioStart => (0, true),
            Kind::AudioStop => (0, false),
            Kind::VideoStart => (1, true),
            Kind::VideoStop => (1, false),
            Kind::ScreenStart => (2, true),
            Kind::ScreenStop => (2, false),
            _ => return None,
        };
        let known = &mut users.get_mut(user)?.1[index];
        let is_news = *known != to;
        *known = to;
        Some(is_news)
    }
}

fn run(seed: u64) -> (usize, Vec<String>) {
    let mut random = Random(seed);
    let duplicate = if seed.is_multiple_of(2) { Duplicate::Refuse } else { Duplicate::Replace };
    let mut settings = IngestSettings::default();
    settings.set("rejoin_ms", [5_000, 0][usize::from((seed / 2).is_multiple_of(2))]).unwrap();
    let mut ingest = Ingest::new(settings);
    let mut belief = Belief::default();
    let mut open: Vec<Session> = Vec::new();
    let (mut now, mut heard) = (0, 0);
    for number in 0..4_000 {
        now += random.below(700);
        let time = UnixMillis(now);
        let user = ["ann", "bob", "eve"][random.index(3)];
        let channel = ["one", "two"][random.index(2)];
        let place = Place { app: "live", channel, user, role: None };
        let picture = if random.one_in(3) { Picture::Screen } else { Picture::Camera };
        let some = |open: &[Session], random: &mut Random| {
            (!open.is_empty()).then(|| open[random.index(open.len())])
        };
        match random.below(20) {
            0 => {
                if ingest.publish(Session(number), place, picture, duplicate, time).is_ok() {
                    open.push(Session(number));
                }
            }
            1 => {
                ingest.play(Session(number), place, time).unwrap();
                open.push(Session(number));
            }
            2 | 3 => {
                if let Some(session) = some(&open, &mut random) {
                    ingest.closed(session, time);
                    open.retain(|other| *other != session);
                }
            }
            4..=6 => ingest.tick(time),
            _ => {
                if let Some(session) = some(&open, &mut random) {
                    let track = if random.one_in(2) { Track::Audio } else { Track::Video };
                    ingest.media(session, track, time);
                }
            }
        }
        heard += drain(&mut ingest, &mut belief, &mut open);
    }
    for session in open.drain(..) {
        ingest.closed(session, UnixMillis(now));
    }
    ingest.tick(UnixMillis(now + 60_000));
    heard += drain(&mut ingest, &mut belief, &mut open);
    if !belief.channels.is_empty() || ingest.wake_at().is_some() {
        belief.wrong.push(format!("{:?} are left", belief.channels));
    }
    (heard, belief.wrong)
}

fn drain(ingest: &mut Ingest, belief: &mut Belief, open: &mut Vec<Session>) -> usize {
    let mut heard = 0;
    while let Some(output) = ingest.poll() {
        match output {
            IngestOutput::Raise(raised) => {
                heard += 1;
                belief.hear(raised.kind, &raised.channel, raised.user.as_deref(), raised.role);
            }
            IngestOutput::Close(session, _) => open.retain(|other| *other != session),
            _ => {}
        }
    }
    heard
}

#[test]
fn whatever_happens_what_is_told_is_well_nested_and_changes_something() {
    for seed in 0..40 {
        let (heard, wrong) = run(seed);
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
        assert!(heard > 200, "seed {seed}: {heard} events");
    }
}
