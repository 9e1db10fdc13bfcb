//! How loud a publisher is: AAC decoded, and summed up.
//!
//! The decoder is symphonia's (docs/adr/0017). It reads what anybody sends, so nothing that it does
//! is trusted: what it refuses is silence, and were it to panic, that would end the measuring alone.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use livegate_core::error::{Code, Coded, Fault};
use livegate_core::flv::audio::{AAC_FRAME, AacConfiguration, Audio};
use livegate_core::relay::hearing::Hearing;
use livegate_core::relay::loudness::{FULL_SCALE, Meter};
use livegate_core::time::UnixMillis;
use symphonia_codec_aac::AacDecoder;
use symphonia_core::audio::{Audio as _, Channels, GenericAudioBufferRef, Position};
use symphonia_core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia_core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia_core::packet::PacketRef;
use symphonia_core::units::{Duration, Timestamp};

/// The longest frame that is decoded: 6,144 bits for each of two channels (ISO/IEC 14496-3, 4.5.3.1),
/// and a lot of filling.
const LONGEST_FRAME: usize = 8 * 1024;

/// Listens to the audio messages of one stream.
#[derive(Default)]
pub(super) struct Listener {
    decoder: Decoder,
    hearing: Hearing,
    /// Frames that count as silence because they could not be decoded.
    undecoded: u64,
}

#[derive(Default)]
enum Decoder {
    /// No configuration came yet.
    #[default]
    Awaited,
    Ready(Box<AacDecoder>, AacConfiguration),
    /// What is sent is nothing that is decoded.
    None,
}

/// Why sound was not measured. It counts as silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HearError {
    /// It is of a kind that is not decoded. Told when it begins.
    Unsupported,
    /// A frame could not be decoded.
    Undecoded,
    /// There is more of it than there is time for.
    TooMuch,
}

impl Listener {
    /// Takes over a configuration, and puts the loudness of a frame that comes `now` into the meter.
    ///
    /// # Errors
    /// `sei.sound_unsupported`, `sei.sound_undecoded`, `sei.sound_too_much`.
    pub(super) fn hear(
        &mut self,
        timestamp: u32,
        body: &[u8],
        now: UnixMillis,
        meter: &mut Meter,
    ) -> Result<(), HearError> {
        match Audio::parse(body) {
            Audio::Configuration { at } => {
                let wanted = AacConfiguration::parse(body.get(at..).unwrap_or_default());
                self.configure(wanted, now)
            }
            Audio::Frame { at } => {
                self.frame(timestamp, body.get(at..).unwrap_or_default(), now, meter)
            }
            Audio::OtherCodec if !matches!(self.decoder, Decoder::None) => {
                self.decoder = Decoder::None;
                Err(HearError::Unsupported)
            }
            Audio::OtherCodec | Audio::Nothing => Ok(()),
        }
    }

    /// One that says the same again changes nothing: a decoder is not cheap to make.
    fn configure(
        &mut self,
        wanted: Option<AacConfiguration>,
        now: UnixMillis,
    ) -> Result<(), HearError> {
        if matches!(&self.decoder, Decoder::Ready(_, present) if Some(*present) == wanted) {
            return Ok(());
        }
        if wanted.is_some() && !self.hearing.admits_decoder(now) {
            self.decoder = Decoder::None;
            return Err(HearError::TooMuch);
        }
        self.decoder = wanted.map_or(Decoder::None, Decoder::of);
        if matches!(self.decoder, Decoder::None) { Err(HearError::Unsupported) } else { Ok(()) }
    }

    fn frame(
        &mut self,
        timestamp: u32,
        frame: &[u8],
        now: UnixMillis,
        meter: &mut Meter,
    ) -> Result<(), HearError> {
        let Decoder::Ready(decoder, configuration) = &mut self.decoder else { return Ok(()) };
        if !self.hearing.admits(AAC_FRAME, configuration.sample_rate, timestamp, now) {
            return Err(HearError::TooMuch);
        }
        let samples = AAC_FRAME * u32::from(configuration.channels);
        let sum = decode(decoder, frame).unwrap_or_else(|Broken| {
            self.decoder = Decoder::None;
            None
        });
        meter.add(timestamp, sum.unwrap_or(0), samples);
        if sum.is_none() {
            self.undecoded += 1;
            return Err(HearError::Undecoded);
        }
        Ok(())
    }

    /// Frames that could not be decoded.
    pub(super) const fn undecoded(&self) -> u64 {
        self.undecoded
    }
}

impl Decoder {
    /// A decoder for a configuration.
    fn of(configuration: AacConfiguration) -> Self {
        let channels = match configuration.channels {
            1 => Position::FRONT_LEFT,
            _ => Position::FRONT_LEFT | Position::FRONT_RIGHT,
        };
        // The record itself is not shown: of HE-AAC the part that is AAC-LC is decoded.
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(CODEC_ID_AAC)
            .with_sample_rate(configuration.sample_rate)
            .with_channels(Channels::Positioned(channels));
        let made =
            catch_unwind(|| AacDecoder::try_new(&parameters, &AudioDecoderOptions::default()));
        match made {
            Ok(Ok(decoder)) => Self::Ready(Box::new(decoder), configuration),
            _ => Self::None,
        }
    }
}

/// The decoder panicked: nothing is known of its state.
struct Broken;

/// Decodes a frame: the sum of the squares of its samples, in parts of [`FULL_SCALE`].
fn decode(decoder: &mut AacDecoder, frame: &[u8]) -> Result<Option<u64>, Broken> {
    if frame.len() > LONGEST_FRAME {
        return Ok(None);
    }
    let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(AAC_FRAME.into()), frame);
    let decoded = catch_unwind(AssertUnwindSafe(|| match decoder.decode_ref(&packet) {
        Ok(GenericAudioBufferRef::F32(buffer)) => Some(sum_of_squares(buffer.iter_planes())),
        _ => None,
    }));
    decoded.map_err(|_| Broken)
}

/// The sum of squares of samples from -1 to 1; what is beyond counts as that.
fn sum_of_squares<'a>(planes: impl Iterator<Item = &'a [f32]>) -> u64 {
    /// So many sums that do not wait for one another.
    const LANES: usize = 8;
    let mut sum = 0.0_f64;
    for plane in planes {
        let mut lanes = [0.0_f32; LANES];
        let (chunks, rest) = plane.as_chunks::<LANES>();
        for chunk in chunks {
            for (lane, sample) in lanes.iter_mut().zip(chunk) {
                let sample = sample.clamp(-1.0, 1.0);
                *lane += sample * sample;
            }
        }
        let rest = rest.iter().map(|sample| sample.clamp(-1.0, 1.0).powi(2));
        sum += lanes.into_iter().chain(rest).map(f64::from).sum::<f64>();
    }
    let scale = FULL_SCALE * FULL_SCALE;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a sum of squares of few samples; a cast saturates, and of no number makes 0"
    )]
    {
        (sum * scale as f64) as u64
    }
}

impl fmt::Display for HearError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "only AAC-LC and HE-AAC of one or two channels are decoded",
            Self::Undecoded => "a frame of AAC cannot be decoded",
            Self::TooMuch => "more sound comes than there is time for",
        })
    }
}

impl std::error::Error for HearError {}

impl Coded for HearError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Unsupported => "sei.sound_unsupported",
            Self::Undecoded => "sei.sound_undecoded",
            Self::TooMuch => "sei.sound_too_much",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Peer
    }
}
