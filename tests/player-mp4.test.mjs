// The player's module over fragmented MP4 as ffmpeg writes it: every message that independent readers find, at the time
// at which ffmpeg shows its picture, however the boxes say where samples are and however the bytes come.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { loadPlayer } from "./lib/player-wasm.mjs";
import { find } from "./media/clips.mjs";
import { toAnnexB } from "./media/flv.mjs";
import { missing, output } from "./media/material.mjs";
import { draft, ffmpeg, h264Reader } from "./media/oracles.mjs";
import { changed, insert } from "./media/sei.mjs";

const skip = await missing();
const player = await loadPlayer();

/** From when on each message is in effect, as its text says. */
const TIMELINE = Array.from({ length: 200 }, (_, picture) => picture * 40)
  .map((at_ms) => JSON.stringify({ at_ms, text: { stream: [{ uid: `at-${at_ms}`, paneid: 0, x: 0, y: 0, w: 1, h: 1 }] } }))
  .join("\n");
const TEXT = '{"stream":[]}';

const NEGATIVE = "composition times before those of decoding";
const EDITED = "edit lists";
/** How ffmpeg is told to write, by what is special about it. */
const KINDS = {
  "a fragment for each group of pictures": ["-movflags", "frag_keyframe+empty_moov+default_base_moof"],
  [EDITED]: ["-movflags", "frag_keyframe+delay_moov+default_base_moof"],
  "a fragment for each picture, places from the file's beginning": ["-movflags", "frag_every_frame+empty_moov"],
  [NEGATIVE]: ["-movflags", "frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets"],
  "another clock, hours later": ["-movflags", "frag_keyframe+empty_moov+default_base_moof", "-video_track_timescale", "90000", "-output_ts_offset", "100000"],
};
const CUTS = { "as a whole": [2 ** 24], "in pieces of odd sizes": [1, 13, 997, 4, 60_000], "byte by byte": [1] };

const pieces = (bytes, sizes) => {
  const all = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) all.push(bytes.subarray(at, (at += sizes[turn % sizes.length])));
  return all;
};
const sorted = (texts) => [...texts].sort();

/** Writes a file as fragmented MP4, and gives `use` its bytes and where it is. */
const muxed = (from, args, use) =>
  draft("mp4", undefined, async (path) => {
    await output("ffmpeg", ["-v", "error", "-y", ...from, "-c", "copy", ...args, path]);
    return use(await readFile(path), path);
  });

/** The same messages however the bytes come; gives them. */
async function read(t, bytes, texts) {
  let times;
  for (const [how, sizes] of Object.entries(CUTS)) {
    await t.test(how, () => {
      const tracker = player.tracker();
      const found = pieces(bytes, sizes).flatMap((piece) => tracker.mp4(piece));
      assert.deepEqual(found.map(({ text }) => text), texts);
      times ??= found;
      assert.deepEqual(found.map(({ time }) => time), times.map(({ time }) => time));
    });
  }
  return times;
}

for (const name of ["aac.flv", "no-b-frames.flv", "in-band-headers.flv", "interlaced.flv"]) {
  for (const [kind, args] of Object.entries(KINDS)) {
    // Where the sound begins first, the first edit is empty: browsers pass it over, ffmpeg does not. What is shown then,
    // player-clock.test.mjs looks at.
    if (name === "aac.flv" && kind === EDITED) continue;
    test(`${name}: ${kind}`, { skip }, async (t) => {
      const file = await find(name);
      await draft("jsonl", TIMELINE, (timeline) =>
        changed(file, insert(["--every", "frame", "--timeline", timeline]), async ({ path }) => {
          const there = await draft("h264", toAnnexB(await readFile(path)), (stream) => h264Reader({ path: stream, codec: "h264" }));
          const texts = there.filter(({ payload_type: type }) => type === 5).map(({ data }) => Buffer.from(data, "hex").toString().replace(/\0+$/, ""));
          await muxed(["-i", path], args, async (bytes, mp4) => {
            const ours = (await read(t, bytes, texts)).filter(({ text }) => text.includes("at-"));
            assert.ok(ours.length >= 75);
            const { messages } = await ffmpeg({ path: mp4, codec: "h264", flv: true });
            const theirs = messages.filter(({ data }) => Buffer.from(data, "hex").includes("at-"));
            // ffmpeg takes the least composition time for nought.
            const from = kind === NEGATIVE ? Math.min(...theirs.map(({ picture }) => picture.ms)) : 0;
            const shown = new Map(theirs.map(({ data, picture }) => [`${Buffer.from(data, "hex")}`, picture.ms - from]));
            assert.deepEqual(sorted(ours.map(({ text }) => text)), sorted(shown.keys()));
            // Clocks have no whole milliseconds.
            const wrong = ours.filter(({ text, time }) => Math.abs(time * 1_000 - shown.get(text)) > 1);
            assert.deepEqual(wrong, []);
          });
        }),
      );
    });
  }
}

for (const tag of ["hvc1", "hev1"]) {
  for (const name of ["b-frames.h265", "slices.h265", "hash.h265"]) {
    test(`${name} as ${tag}`, { skip }, async (t) => {
      const file = await find(name);
      await changed(file, insert(["--every", "frame", "--text", TEXT]), async ({ path }) => {
        const from = ["-f", "hevc", "-i", path, "-bsf:v", "setts=ts=N*3600:time_base=1/90000"];
        await muxed(from, ["-tag:v", tag, ...KINDS["a fragment for each group of pictures"]], async (bytes) => {
          const there = await h264Reader({ path, codec: "h265" });
          // Of hvc1, parameter sets are in the record alone, and x265's message with them.
          const texts = there.filter(({ payload_type: type }) => type === 5).map(({ data }) => Buffer.from(data, "hex").toString().replace(/\0+$/, ""));
          const found = await read(t, bytes, texts);
          const times = found.filter(({ text }) => text === TEXT).map(({ time }) => Math.round(time * 1_000));
          assert.deepEqual(times, Array.from({ length: file.frames }, (_, picture) => picture * 40));
        });
      });
    });
  }
}

test("several messages of a NAL unit, and types from 100 on", { skip }, async () => {
  const file = await find("others-sei.h264");
  const typed = insert(["--payload-type", "254", "--every", "frame", "--text", TEXT]);
  await changed(file, typed, async ({ path }) => {
    const added = "86f2b4c0-9a51-4f0e-8d3c-2b7a51e06f11+one-more";
    const from = ["-f", "h264", "-i", path, "-bsf:v", `setts=ts=N*3600:time_base=1/90000,h264_metadata=sei_user_data=${added}`];
    await muxed(from, KINDS["a fragment for each group of pictures"], async (bytes, mp4) => {
      const there = await draft("h264", undefined, async (stream) => {
        await output("ffmpeg", ["-v", "error", "-y", "-i", mp4, "-c", "copy", "-bsf:v", "h264_mp4toannexb", "-f", "h264", stream]);
        return h264Reader({ path: stream, codec: "h264" });
      });
      const found = player.tracker().mp4(bytes);
      const wanted = there.filter(({ payload_type: type }) => type === 5 || type === 254);
      assert.deepEqual(found.map(({ payloadType }) => payloadType), wanted.map(({ payload_type: type }) => type));
      assert.equal(found.filter(({ payloadType }) => payloadType === 254).length, file.frames);
      assert.ok(found.filter(({ text }) => text.startsWith("one-more")).length > 0);
    });
  });
});

test("no memory grows over an hour of fragments, nor of what is none", { skip }, async () => {
  const file = await find("aac.flv");
  await changed(file, insert(["--every", "frame", "--text", TEXT]), ({ path }) =>
    muxed(["-i", path], KINDS["a fragment for each group of pictures"], async (bytes) => {
      const tracker = player.tracker();
      const size = () => player.memory.buffer.byteLength;
      const hostile = Buffer.from(bytes);
      for (let at = 40; at < hostile.length; at += 97) hostile[at] ^= at;
      const play = (from, to) => {
        for (let turn = from; turn < to; turn += 1) {
          tracker.raw.reset(0);
          tracker.mp4(bytes, -turn * 3);
          tracker.raw.reset(0);
          tracker.mp4(hostile.subarray(0, (turn * 7919) % hostile.length), 0);
        }
      };
      play(0, 300);
      const before = size();
      play(300, 1_200);
      assert.equal(size(), before);
    }),
  );
});
