//! Prints every SEI message of an Annex B file as h264-reader sees it, a line of JSON each.
//!
//!     livegate-sei-reader h264|h265 FILE…
//!
//! h264-reader splits the stream, undoes emulation prevention and takes the messages apart. It knows
//! H.264 alone, but all three are the same in H.265: only the header is a byte longer there.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::num::NonZeroUsize;

use h264_reader::annexb::AnnexBReader;
use h264_reader::nal::sei::{HeaderType, SeiReader};
use h264_reader::nal::{Nal, RefNal};
use h264_reader::push::NalInterest;
use h264_reader::rbsp::ByteReader;

/// Header's length, and the types of NAL units with SEI.
struct Codec {
    header: NonZeroUsize,
    is_sei: fn(u8) -> bool,
}

const H264: Codec = Codec { header: NonZeroUsize::new(1).unwrap(), is_sei: |byte| byte & 31 == 6 };
const H265: Codec = Codec {
    header: NonZeroUsize::new(2).unwrap(),
    is_sei: |byte| matches!(byte >> 1 & 63, 39 | 40),
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let codec = match arguments.next().as_deref() {
        Some("h264") => H264,
        Some("h265") => H265,
        _ => return Err("usage: livegate-sei-reader h264|h265 FILE…".into()),
    };
    for file in arguments {
        let lines = messages(&codec, &std::fs::read(file)?);
        std::io::stdout().write_all(lines.as_bytes())?;
    }
    Ok(())
}

/// The lines for one file.
fn messages(codec: &Codec, file: &[u8]) -> String {
    let mut lines = String::new();
    let mut searched = 0;
    let mut reader = AnnexBReader::accumulate(|nal: RefNal<'_>| {
        let mut bytes = Vec::new();
        // An incomplete unit ends in an error; what is there of it has been read by then.
        let _ = nal.reader().read_to_end(&mut bytes);
        match bytes.first() {
            Some(first) if !(codec.is_sei)(*first) => NalInterest::Ignore,
            Some(_) if nal.is_complete() => {
                let found = file[searched..].windows(bytes.len()).position(|here| here == bytes);
                let offset = searched + found.unwrap_or_default();
                searched = offset + bytes.len();
                unit(codec, &bytes, offset, &mut lines);
                NalInterest::Ignore
            }
            _ => NalInterest::Buffer,
        }
    });
    reader.push(file);
    reader.reset();
    lines
}

/// The lines for the messages of one unit.
fn unit(codec: &Codec, nal: &[u8], offset: usize, lines: &mut String) {
    let mut scratch = Vec::new();
    let reader = ByteReader::skipping_bytes(nal, codec.header);
    let mut reader = SeiReader::from_rbsp_bytes(reader, &mut scratch);
    loop {
        match reader.next() {
            Ok(Some(message)) => {
                let _ = write!(lines, r#"{{"offset":{offset},"payload_type":"#);
                let _ = match number(message.payload_type) {
                    Some(number) => write!(lines, "{number}"),
                    None => write!(lines, r#""{:?}""#, message.payload_type),
                };
                lines.push_str(r#","payload":""#);
                message
                    .payload
                    .iter()
                    .for_each(|byte| write!(lines, "{byte:02x}").unwrap_or_default());
                lines.push_str("\"}\n");
            }
            Ok(None) => break,
            Err(error) => {
                let _ =
                    writeln!(lines, r#"{{"offset":{offset},"error":{:?}}}"#, format!("{error:?}"));
                break;
            }
        }
    }
}

/// The numbers that h264-reader has names for, where a test file or a test has them.
fn number(kind: HeaderType) -> Option<u32> {
    Some(match kind {
        HeaderType::BufferingPeriod => 0,
        HeaderType::PicTiming => 1,
        HeaderType::UserDataRegisteredItuTT35 => 4,
        HeaderType::UserDataUnregistered => 5,
        HeaderType::RecoveryPoint => 6,
        HeaderType::ReservedSeiMessage(number) => number,
        _ => return None,
    })
}
