//! What messages in video cost: escaped, found, read, put in and taken out.
//!
//! `cargo bench -p livegate-core --bench sei` (with `--features std` for the vectors that the
//! processor has)

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use livegate_core::sei::access_unit::Pictures;
use livegate_core::sei::annexb::{Reader, units};
use livegate_core::sei::codec::{Codec, Unit};
use livegate_core::sei::editor::Editor;
use livegate_core::sei::message::messages;
use livegate_core::sei::ours::{Marker, without_ours};
use livegate_core::sei::rbsp::{Escaped, escape_into};
use livegate_core::sei::uuid::Uuid;
use livegate_core::sei::write::{Payload, SeiNal};

fn main() {
    divan::main();
}

const OURS: Marker = Marker::Uuid(Uuid::LIVEGATE);
const TEXT: &[u8] = br#"{"stream":[{"uid":"anchor-7","paneid":0,"zorder":0,"x":0.0,"y":0.0,"w":0.5,"h":1.0,"type":0,"ms":0,"vol":10},{"uid":"anchor-8","paneid":1,"zorder":0,"x":0.5,"y":0.0,"w":0.5,"h":1.0,"type":0,"ms":0,"vol":12}],"ver":"1.0.0.20211221","ts":1725928205000}"#;

fn payload() -> Payload<'static> {
    Payload::unregistered(Uuid::LIVEGATE, TEXT).expect("it is short")
}

fn ours() -> Vec<u8> {
    SeiNal::new(Codec::H264, payload()).to_vec()
}

/// Bytes as those of coded slices: nothing repeats (xorshift).
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

fn escaped(rbsp: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    escape_into(rbsp, &mut out);
    out
}

/// A SEI NAL unit of an encoder's banner, about as long as x264's.
fn banner() -> Vec<u8> {
    let data = vec![b'o'; 680];
    let payload = Payload::unregistered(Uuid([0xDC; 16]), &data).expect("it is short");
    SeiNal::new(Codec::H264, payload).to_vec()
}

/// Frames of 3 Mbit/s and 30 a second: 12.5 kB each, a delimiter and a slice. No parameter sets: each
/// begins at its first macroblock.
fn stream(bytes: usize) -> Vec<u8> {
    // 1: first_mb_in_slice 0; 00110: slice type 5; 1: parameter set 0.
    let slice = escaped(&[&[0b1001_1010][..], &noise(12_500)].concat());
    let frame = [&[0, 0, 0, 1, 9, 0xF0, 0, 0, 0, 1, 0x41][..], &slice].concat();
    frame.iter().copied().cycle().take(bytes / frame.len() * frame.len()).collect()
}

const MIB: usize = 1 << 20;

#[divan::bench]
fn escape_4_kib(bencher: Bencher<'_, '_>) {
    let rbsp = noise(4096);
    let mut out = Vec::with_capacity(8192);
    bencher.counter(BytesCount::new(rbsp.len())).bench_local(|| {
        out.clear();
        escape_into(black_box(&rbsp), &mut out);
        out.len()
    });
}

#[divan::bench]
fn unescape_4_kib(bencher: Bencher<'_, '_>) {
    let raw = escaped(&noise(4096));
    bencher
        .counter(BytesCount::new(raw.len()))
        .bench(|| Escaped::new(black_box(&raw)).len_unescaped());
}

#[divan::bench]
fn scan_1_mib(bencher: Bencher<'_, '_>) {
    let stream = stream(MIB);
    bencher.counter(BytesCount::new(stream.len())).bench(|| units(black_box(&stream)).count());
}

/// The same as it arrives, in chunks of 64 KiB.
#[divan::bench]
fn read_1_mib_in_chunks(bencher: Bencher<'_, '_>) {
    let stream = stream(MIB);
    bencher.counter(BytesCount::new(stream.len())).bench(|| {
        let mut reader = Reader::keeping(4096);
        let mut count = 0_u64;
        for chunk in black_box(&stream).chunks(1 << 16) {
            reader.push(chunk, &mut |_| count += 1);
        }
        reader.finish(&mut |_| count += 1);
        count
    });
}

/// Where pictures begin, of NAL units that are known.
#[divan::bench]
fn pictures_of_1_mib(bencher: Bencher<'_, '_>) {
    let stream = stream(MIB);
    let nals: Vec<&[u8]> = units(&stream).map(|nal| nal.bytes).collect();
    bencher.bench(|| {
        let mut pictures = Pictures::new(Codec::H264);
        for nal in black_box(&nals) {
            if let Some(unit) = Unit::parse(Codec::H264, nal) {
                let _ = pictures.push(unit, nal);
            }
        }
        pictures.frames()
    });
}

/// Our message among those of one access unit: found and read.
#[divan::bench(args = [false, true])]
fn messages_of_an_access_unit(bencher: Bencher<'_, '_>, with_ours: bool) {
    let mut nals = vec![banner(), vec![6, 1, 1, 0x12, 0x80]];
    if with_ours {
        nals.push(ours());
    }
    bencher.bench(|| {
        let mut len = 0;
        for nal in black_box(&nals) {
            for message in messages(Codec::H264, nal) {
                if OURS.is_ours(&message)
                    && let Some(text) = message.user_data()
                {
                    len += text.to_cow().len();
                }
            }
        }
        len
    });
}

#[divan::bench(args = [false, true])]
fn strip_a_nal_unit(bencher: Bencher<'_, '_>, is_ours: bool) {
    let nal = if is_ours { ours() } else { banner() };
    bencher.bench(|| without_ours(Codec::H264, black_box(&nal), &OURS));
}

#[divan::bench]
fn write_a_message(bencher: Bencher<'_, '_>) {
    let mut out = [0; 1024];
    let nal = SeiNal::new(Codec::H264, payload());
    bencher.bench_local(|| black_box(&nal).encode_into(&mut out));
}

/// A message in no frame, in every one: 1 MiB in chunks of 64 KiB, 83 frames.
#[divan::bench(args = [false, true])]
fn edit_1_mib(bencher: Bencher<'_, '_>, every_frame: bool) {
    let stream = stream(MIB);
    let text = payload();
    bencher.counter(BytesCount::new(stream.len())).bench(|| {
        let mut editor = Editor::new(Codec::H264, Some(OURS));
        let mut len = 0;
        let mut sink = |piece: &[u8]| len += black_box(piece).len();
        for chunk in black_box(&stream).chunks(1 << 16) {
            editor.push(
                chunk,
                &mut |_, inserts| {
                    if every_frame {
                        inserts.push(text);
                    }
                },
                &mut sink,
            );
        }
        editor.finish(&mut |_, _| (), &mut sink);
        len
    });
}
