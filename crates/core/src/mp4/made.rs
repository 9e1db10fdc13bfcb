//! Boxes for tests, field by field as ISO/IEC 14496-12 has them.

use alloc::vec::Vec;

/// The tracks of [`movie`]: of sound, whose samples lie before those of the video.
pub(crate) const SOUND: u32 = 1;
pub(crate) const VIDEO: u32 = 2;

/// Units of the video's clock in a second.
pub(crate) const SCALE: u32 = 12_800;

/// A configuration record of H.264 with lengths of four bytes and no parameter sets.
pub(crate) const AVC: &[u8] = b"\x01\x64\0\x1F\xFF\xE0\0";

pub(crate) fn boxed(kind: &str, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let size = u32::try_from(body.len() + 8).unwrap();
    [&size.to_be_bytes(), kind.as_bytes(), &body].concat()
}

/// A full box: version and flags, then fields of 32 bits.
pub(crate) fn full(kind: &str, version: u8, flags: u32, fields: &[u32]) -> Vec<u8> {
    let head = u32::from(version) << 24 | flags;
    let fields: Vec<u8> = fields.iter().flat_map(|field| field.to_be_bytes()).collect();
    boxed(kind, &[&head.to_be_bytes(), &fields])
}

/// A visual sample entry with a box in it.
pub(crate) fn entry(kind: &str, record: &str, content: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[0; 78], &boxed(record, &[content])])
}

/// A track with these sample entries, and boxes beside its media.
pub(crate) fn track(id: u32, entries: &[Vec<u8>], more: &[u8]) -> Vec<u8> {
    let count = u32::try_from(entries.len()).unwrap().to_be_bytes();
    let stsd = boxed("stsd", &[&[0; 4], &count, &entries.concat()]);
    let stbl = boxed("minf", &[&boxed("stbl", &[&stsd])]);
    let mdhd = full("mdhd", 0, 0, &[0, 0, SCALE, 0, 0]);
    boxed("trak", &[&full("tkhd", 0, 3, &[0, 0, id, 0]), more, &boxed("mdia", &[&mdhd, &stbl])])
}

/// A movie of a sound and a video of these sample entries, whose samples are of the first, 512 units
/// and no bytes, if nothing else is said of them.
pub(crate) fn movie(entries: &[Vec<u8>], more: &[u8]) -> Vec<u8> {
    let sound = track(SOUND, &[boxed("mp4a", &[&[0; 28], &boxed("esds", &[&[0; 30]])])], b"");
    let extends = |id| full("trex", 0, 0, &[id, 1, 512, 0, 0]);
    let extends = boxed("mvex", &[&extends(SOUND), &extends(VIDEO)]);
    boxed("moov", &[&full("mvhd", 0, 0, &[0; 24]), &sound, &track(VIDEO, entries, more), &extends])
}

pub(crate) fn avc() -> Vec<u8> {
    movie(&[entry("avc1", "avcC", AVC)], b"")
}

/// A fragment: eight bytes of sound, and samples of the video with what they are shown later than
/// decoded. Decoding begins at `decoded`.
pub(crate) fn fragment(decoded: u32, samples: &[(&[u8], i32)]) -> Vec<u8> {
    let count = u32::try_from(samples.len()).unwrap();
    let table: Vec<u32> = samples
        .iter()
        .flat_map(|(sample, shift)| [u32::try_from(sample.len()).unwrap(), shift.cast_unsigned()])
        .collect();
    let moof = |len: u32| {
        let sound = boxed(
            "traf",
            &[&full("tfhd", 0, 0x02_0000, &[SOUND]), &full("trun", 0, 0x201, &[1, len + 8, 8])],
        );
        let run = [&[count, len + 16], &table[..]].concat();
        let video = [
            full("tfhd", 0, 0x02_0000, &[VIDEO]),
            full("tfdt", 0, 0, &[decoded]),
            full("trun", 1, 0xA01, &run),
        ];
        boxed("moof", &[&full("mfhd", 0, 0, &[1]), &sound, &boxed("traf", &[&video.concat()])])
    };
    let len = u32::try_from(moof(0).len()).unwrap();
    let data: Vec<u8> = samples.iter().flat_map(|(sample, _)| *sample).copied().collect();
    [moof(len), boxed("mdat", &[b"a sound.", &data])].concat()
}
