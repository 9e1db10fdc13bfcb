//! What was wrong with bytes that were read all the same, or passed over.

use crate::error::{Code, Coded};
use crate::flv::config::ConfigurationError;
use crate::flv::header::FlvError;
use crate::mp4::reader::Defect;
use crate::sei::frame::End;
use crate::sei::sample::SampleError;

/// What was wrong beside what a message itself says ([`Defect`](crate::sei::payload::Defect)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// `player.not_configured`: a frame came before it was said how frames are written.
    NotConfigured,
    /// `player.lead_too_long`: no picture begins within what is looked at of a frame.
    LeadTooLong,
    /// `player.too_many_messages`: more messages came at once than are told.
    TooManyMessages,
    /// `player.message_cut`: a message is longer than its NAL unit.
    MessageCut,
    /// `sei.sample_broken`: a frame's NAL units do not add up to it.
    Frame(SampleError),
    /// A stream that is no FLV, or no longer.
    Flv(FlvError),
    /// A decoder configuration that cannot be read.
    Configuration(ConfigurationError),
    /// `mp4.encrypted`: the video is encrypted.
    Encrypted,
    /// `mp4.no_box`: what stands where a box has to is none.
    NoBox,
    /// `mp4.samples_missing`: samples are not where their fragment says.
    SamplesMissing,
    /// `mp4.too_large`: a `moov` or `moof` box is longer than is read.
    TooLarge,
    /// `ts.packets_missing`: packets of the video are missing.
    PacketsMissing,
    /// `ts.sync_lost`: no packet stands where one has to.
    SyncLost,
}

impl Warning {
    /// Its stable name.
    pub fn code(self) -> Code {
        Code::new(match self {
            Self::NotConfigured => "player.not_configured",
            Self::LeadTooLong => "player.lead_too_long",
            Self::TooManyMessages => "player.too_many_messages",
            Self::MessageCut => "player.message_cut",
            Self::Encrypted => "mp4.encrypted",
            Self::NoBox => "mp4.no_box",
            Self::SamplesMissing => "mp4.samples_missing",
            Self::TooLarge => "mp4.too_large",
            Self::PacketsMissing => "ts.packets_missing",
            Self::SyncLost => "ts.sync_lost",
            Self::Frame(error) => return error.code(),
            Self::Flv(error) => return error.code(),
            Self::Configuration(error) => return error.code(),
        })
    }

    /// What is wrong with a frame that ends so.
    pub(super) const fn of(end: End) -> Option<Self> {
        match end {
            End::Read => None,
            End::Broken => Some(Self::Frame(SampleError::Broken { at: 0 })),
            End::TooLong => Some(Self::LeadTooLong),
        }
    }
}

impl From<Defect> for Warning {
    fn from(defect: Defect) -> Self {
        match defect {
            Defect::NoBox => Self::NoBox,
            Defect::TooLarge => Self::TooLarge,
            Defect::NoMovie => Self::NotConfigured,
            Defect::Encrypted => Self::Encrypted,
            Defect::Configuration(error) => Self::Configuration(error),
            Defect::Missing => Self::SamplesMissing,
        }
    }
}
