// The programs that judge livegate's SEI are judged first: by messages that encoders and ffmpeg wrote.

import assert from "node:assert/strict";
import test from "node:test";

import { find } from "./clips.mjs";
import { crosCodecs, missing, withoutGstreamer } from "./material.mjs";
import { ffmpeg, h264Reader, readers } from "./oracles.mjs";

const skip = await missing();

/** x264 and x265 sign what they encode, under UUIDs of their own (x264's encoder/set.c, x265's encoder/encoder.cpp). */
const X264 = "dc45e9bde6d948b7962cd820d923eeef";
const X265 = "2ca2de09b51747dbbb55a4fe7fc2fc4e";

const signed = [
  ["b-frames.h264", X264, /^x264 - core \d+/],
  ["mbaff.h264", X264, /^x264 - core \d+/],
  ["aac.flv", X264, /^x264 - core \d+/],
  ["b-frames.h265", X265, /^x265 \(build \d+\)/],
  ["in-band-headers.h265.flv", X265, /^x265 \(build \d+\)/],
];

for (const [name, uuid, banner] of signed) {
  test(`every reader finds the encoder's own message in ${name}`, { skip }, async () => {
    const said = await readers(await find(name), uuid);
    const texts = Object.values(said);
    assert.ok(texts.length >= 4, Object.keys(said).join(", "));
    for (const [reader, found] of Object.entries(said)) {
      // x265 repeats its message with every key frame.
      assert.ok(found.length >= 1 && found.every((text) => banner.test(text)), `${reader}: ${found}`);
      assert.deepEqual([...new Set(found)], [texts[0][0]], reader);
      assert.equal(found.length, texts.at(-1).length, reader);
    }
  });
}

test("readers agree on what ffmpeg wrote, but for those that stop at the first message", { skip }, async () => {
  // ffmpeg appends its message to the encoder's in the first key frame's unit, and ends it with a zero.
  const said = await readers(await find("others-sei.h264"), "86f2b4c09a514f0e8d3c2b7a51e06f11");
  const text = "from-elsewhere\0";
  assert.deepEqual(said, {
    ffmpeg: [text, text, text],
    "h264-reader": [text, text, text],
    "hls.js": [text, text, text],
    "mpegts.js": [text, text],
    ...((await withoutGstreamer()) ? {} : { GStreamer: [text, text, text] }),
  });
});

test("what is decoded of cros-codecs' files is what their authors decoded", { skip }, async () => {
  for (const file of await crosCodecs()) {
    const { pictures } = await ffmpeg(file, ["-pix_fmt", "nv12"]);
    assert.deepEqual(pictures, file.md5, file.name);
  }
});

test("h264-reader tells every message of a unit, of whatever type", { skip }, async () => {
  // x265's --hash 1 is decoded picture hash, 132, and --hrd buffering periods, 0, and timing, 1:
  // H.265 annex D, table D.1; one hash and one timing a picture.
  const file = await find("hash.h265");
  const types = (await h264Reader(file)).map(({ payload_type }) => payload_type);
  const count = (type) => types.filter((found) => found === type).length;
  assert.equal(count(132), file.frames);
  assert.equal(count(1), file.frames);
  assert.ok(count(0) >= 1);
});

test("GStreamer is among the readers", { skip: skip || (await withoutGstreamer()) }, async () => {
  const said = await readers(await find("aac.flv"), X264);
  assert.ok("GStreamer" in said && "GStreamer, FLV" in said);
});
