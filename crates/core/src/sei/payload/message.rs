//! What a payload says, whichever format it is in.

use alloc::string::String;
use alloc::vec::Vec;

use crate::layout::{Area, Canvas, MAX_PANES, Member, Placed, Resolved, Share};
use crate::time::UnixMillis;

/// How loud somebody is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sound {
    /// The volume, as the vendors count decibels: 0 to 255.
    pub volume: u8,
    /// 150 where a voice was found, less the longer ago that was.
    pub voice: u8,
}

/// One user's stream and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stream {
    /// The user.
    pub user: String,
    /// The user's number, where the user has a name besides it.
    pub number: Option<u32>,
    /// The pane's number. One streamer alone has none.
    pub pane: Option<u8>,
    /// Where it is. One streamer alone has no place.
    pub area: Option<Area>,
    /// Which lies above: the larger.
    pub z: u8,
    /// How opaque it is.
    pub alpha: Share,
    /// How loud it is.
    pub sound: Sound,
    /// Alibaba's `type`, which is not documented.
    pub kind: u32,
    /// Alibaba's `ms`, which is not documented.
    pub ms: u32,
}

impl Stream {
    /// A silent stream without a place, as of one streamer alone.
    pub const fn new(user: String) -> Self {
        Self {
            user,
            number: None,
            pane: None,
            area: None,
            z: 0,
            alpha: Share::WHOLE,
            sound: Sound { volume: 0, voice: 0 },
            kind: 0,
            ms: 0,
        }
    }
}

/// A member of the payload that is not the format's own: a message that is passed through.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extra {
    /// The member's name.
    pub key: String,
    /// What it holds.
    pub content: Content,
}

/// What a passed member holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A string.
    Text(String),
    /// Anything else, as it is written in JSON.
    Json(String),
}

impl Extra {
    /// A message as a string.
    pub fn text(key: impl Into<String>, content: impl Into<String>) -> Self {
        Self { key: key.into(), content: Content::Text(content.into()) }
    }
}

/// How one streamer alone is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alone {
    /// Without a pane and a place, as in Alibaba's example. The default.
    #[default]
    Placeless,
    /// As one of several is.
    Placed,
}

/// What a payload says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayoutMessage {
    /// The canvas, where the format has it.
    pub canvas: Option<Canvas>,
    /// Who is where.
    pub streams: Vec<Stream>,
    /// What is passed through.
    pub extras: Vec<Extra>,
    /// When it was written, where the format has that.
    pub sent_at: Option<UnixMillis>,
}

impl LayoutMessage {
    /// Who is where in a resolved layout, by the numbers of their panes; black panes are nobody's.
    pub fn from_resolved(
        resolved: &Resolved,
        alone: Alone,
        sound: &dyn Fn(&Member) -> Sound,
    ) -> Self {
        let mut shown: Vec<(&Placed, &Member)> =
            resolved.panes().iter().filter_map(|pane| Some((pane, pane.user.as_ref()?))).collect();
        shown.sort_by_key(|(pane, _)| pane.id);
        let placeless = shown.len() == 1 && alone == Alone::Placeless;
        let stream = |(pane, member): &(&Placed, &Member)| {
            let mut own = Stream::new(member.user.clone());
            own.sound = sound(member);
            if !placeless {
                // A number beyond 255 is beyond every format's.
                own.pane = Some(u8::try_from(pane.id).unwrap_or(u8::MAX));
                own.area = Some(Area::Pixels(pane.rect.numbers()));
                own.z = pane.z;
                own.alpha = pane.alpha;
            }
            own
        };
        Self {
            canvas: Some(resolved.canvas),
            streams: shown.iter().map(stream).collect(),
            ..Self::default()
        }
    }

    /// The layout that it says, on its own canvas or else on the one given. A streamer alone without
    /// a place has the whole canvas; of several, those without one are left out.
    pub fn to_resolved(&self, fallback: Canvas) -> Resolved {
        let canvas = self.canvas.unwrap_or(fallback);
        let alone = self.streams.len() == 1;
        let mut taken: Vec<u16> = Vec::new();
        let mut panes = Vec::new();
        for stream in self.streams.iter().take(MAX_PANES) {
            let rect = match stream.area {
                Some(area) => area.clipped_to(&canvas),
                None if alone => canvas.rect(),
                None => continue,
            };
            // Its own number if that is free; else it gets one afterwards.
            let own = stream.pane.map(u16::from).filter(|id| !taken.contains(id));
            taken.extend(own);
            let mut pane = Placed::new(0, Some(Member::new(&*stream.user)), rect);
            (pane.z, pane.alpha) = (stream.z, stream.alpha);
            panes.push((own, pane));
        }
        let mut free = (0..=u16::MAX).filter(|id| !taken.contains(id));
        for (own, pane) in &mut panes {
            pane.id = own.or_else(|| free.next()).unwrap_or(u16::MAX);
        }
        Resolved::new(canvas, panes.into_iter().map(|(_, pane)| pane))
    }
}
