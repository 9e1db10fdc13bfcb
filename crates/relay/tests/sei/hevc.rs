//! H.265 as messages of RTMP, in both forms: ffmpeg's FLV has none. And back.

use livegate_rtmp::message::{Kind, Message};

use crate::clip;

/// How a message says that it is H.265.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// `CodecID` 12.
    Legacy,
    /// `hvc1`, with composition times and without.
    Enhanced,
}

/// A stream of x265's, 25 frames a second, with a key frame every 40.
pub(crate) fn made(form: Form) -> Vec<Message> {
    let path = clip::path("hevc.h265");
    let mut args = vec!["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-t", "3"];
    args.extend(["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params"]);
    args.extend(["log-level=error:keyint=40:scenecut=0:bframes=0", path.to_str().unwrap()]);
    clip::ffmpeg(&args);
    let stream = std::fs::read(path).unwrap();
    let units = units(&stream);
    let mut out = vec![message(form, Part::Configuration, 0, &configuration(&units))];
    let mut sample = Vec::new();
    let mut frames = 0;
    for (index, unit) in units.iter().enumerate() {
        if !(32..=34).contains(&unit_type(unit)) {
            sample.extend(u32::try_from(unit.len()).unwrap().to_be_bytes());
            sample.extend(*unit);
        }
        let ends = units.get(index + 1).is_none_or(|next| unit_type(next) >= 32 || is_first(next));
        if unit_type(unit) < 32 && ends {
            let kind = if unit_type(unit) >= 16 { Part::Key } else { Part::Inter };
            out.push(message(form, kind, frames * 40, &sample));
            sample.clear();
            frames += 1;
        }
    }
    out
}

/// The messages' pictures as a byte stream, which ffmpeg reads.
pub(crate) fn byte_stream(form: Form, messages: &[Message]) -> Vec<u8> {
    let mut out = Vec::new();
    for message in messages {
        let body = &message.payload[..];
        let is_configuration = match form {
            Form::Legacy => body[1] == 0,
            Form::Enhanced => body[0] % 16 == 0,
        };
        if is_configuration {
            // Three arrays of one parameter set each.
            let mut rest = &body[5 + 23..];
            for _ in 0..3 {
                let len = usize::from(u16::from_be_bytes([rest[3], rest[4]]));
                out.extend([0, 0, 0, 1]);
                out.extend(&rest[5..5 + len]);
                rest = &rest[5 + len..];
            }
            continue;
        }
        let mut rest = match (form, body[0] & 0x0F) {
            (Form::Enhanced, 1) => &body[8..],
            _ => &body[5..],
        };
        while let Some((len, tail)) = rest.split_first_chunk() {
            let (unit, tail) = tail.split_at(u32::from_be_bytes(*len) as usize);
            out.extend([0, 0, 0, 1]);
            out.extend(unit);
            rest = tail;
        }
    }
    out
}

#[derive(Clone, Copy)]
enum Part {
    Configuration,
    Key,
    Inter,
}

fn message(form: Form, kind: Part, timestamp: u32, body: &[u8]) -> Message {
    let frame_type = if matches!(kind, Part::Inter) { 2 } else { 1 };
    let is_coded = u8::from(!matches!(kind, Part::Configuration));
    let mut payload = match form {
        Form::Legacy => vec![frame_type << 4 | 0x0C, is_coded, 0, 0, 0],
        // Every second frame as CodedFramesX.
        Form::Enhanced => {
            let packet = if is_coded == 1 && timestamp.is_multiple_of(80) { 3 } else { is_coded };
            let mut head = vec![0x80 | frame_type << 4 | packet];
            head.extend(b"hvc1");
            if packet == 1 {
                head.extend([0, 0, 0]);
            }
            head
        }
    };
    payload.extend(body);
    Message { kind: Kind::VIDEO, timestamp, stream: 1, payload: payload.into() }
}

/// `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 8.3.3.1), as far as it is read: its version,
/// lengths of four bytes, and an array for each kind of parameter set.
fn configuration(units: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![0; 23];
    (out[0], out[21], out[22]) = (1, 3, 3);
    for kind in 32..=34 {
        let unit = units.iter().find(|unit| unit_type(unit) == kind).unwrap();
        out.extend([kind, 0, 1]);
        out.extend(u16::try_from(unit.len()).unwrap().to_be_bytes());
        out.extend(*unit);
    }
    out
}

fn unit_type(unit: &[u8]) -> u8 {
    unit[0] >> 1
}

/// `first_slice_segment_in_pic_flag`.
fn is_first(unit: &[u8]) -> bool {
    unit[2] & 0x80 != 0
}

fn units(stream: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> =
        (0..stream.len() - 2).filter(|at| stream[*at..].starts_with(&[0, 0, 1])).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let unit = |(start, end): (&usize, usize)| {
        let unit = &stream[start + 3..end];
        let kept = unit.iter().rposition(|byte| *byte != 0).unwrap();
        &unit[..=kept]
    };
    starts.iter().zip(ends).map(unit).collect()
}
