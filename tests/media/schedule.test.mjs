// When livegate sei inserts: times are those that ffprobe reads, and whose turn it is among B-frames
// is judged by the pictures as they are shown.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { FPS, find } from "./clips.mjs";
import { read, write } from "./flv.mjs";
import { missing, output, withoutGstreamer } from "./material.mjs";
import { draft, ffmpeg, gstreamer, h264Reader } from "./oracles.mjs";
import { OURS, changed, dump, insert, ours, strip } from "./sei.mjs";

const skip = await missing();
const TEXT = '{"n":1}';
const every = (rhythm, ...more) => insert(["--every", rhythm, "--text", TEXT, ...more]);

/** Every video packet's times in milliseconds and whether it is a key frame, as ffprobe has them. */
async function packets({ path }) {
  const show = ["-select_streams", "v", "-show_entries", "packet=pts_time,dts_time,flags", "-of", "json"];
  const { stdout } = await output("ffprobe", ["-v", "error", ...show, path]);
  const ms = (text) => Math.round(Number(text) * 1_000);
  return JSON.parse(stdout).packets.map(({ pts_time, dts_time, flags }) => ({
    pts: ms(pts_time),
    dts: ms(dts_time),
    key: flags.startsWith("K"),
  }));
}

const times = async (file) => (await dump(file)).filter(ours).map(({ pts_ms }) => pts_ms);

/** The first frame at or after every multiple of the interval, by decoding time: no drift. */
function due(frames, interval) {
  const [{ dts: begin }] = frames;
  const last = frames.at(-1).dts;
  const found = [];
  for (let at = begin; at <= last; at += interval) found.push(frames.find(({ dts }) => dts >= at).pts);
  return found;
}

// Frames are 40 ms apart. Every 1300 ms they are late by 20 and 0 ms: a timer that counted from the
// last message would be at 2640.
for (const interval of [1_000, 1_300, 2_500]) {
  test(`every ${interval} ms of a FLV file with B-frames`, { skip }, async () => {
    const file = await find("aac.flv");
    const frames = await packets(file);
    await changed(file, every(`${interval}ms`), async (after) => {
      assert.deepEqual(await times(after), due(frames, interval));
    });
  });
}

test("a timer of 1300 ms does not drift", { skip }, async () => {
  await changed(await find("no-b-frames.flv"), every("1300ms"), async (after) => {
    assert.deepEqual(await times(after), [0, 1_320, 2_600]);
  });
});

test("a timer in Annex B counts frames at the rate that is given", { skip }, async () => {
  for (const name of ["slices.h264", "field-pairs.h264", "slices.h265"]) {
    const file = await find(name);
    await changed(file, every("1000ms", "--fps", `${FPS}`), async (after) => {
      // 75 frames: the 1st, the 26th and the 51st.
      assert.equal((await ffmpegMessages(after)).length, 3, name);
    });
    await changed(file, every("1000ms", "--fps", "15"), async (after) => {
      // 5 s at 15 a second.
      assert.equal((await ffmpegMessages(after)).length, 5, name);
    });
  }
});

test("a message in every key frame, and in no other", { skip }, async () => {
  for (const name of ["aac.flv", "no-b-frames.flv", "in-band-headers.flv"]) {
    const file = await find(name);
    const keys = (await packets(file)).filter(({ key }) => key).map(({ pts }) => pts);
    await changed(file, every("idr"), async (after) => assert.deepEqual(await times(after), keys, name));
  }
});

test("in Annex B key frames are those where ffprobe would begin", { skip }, async () => {
  // IDR pictures, and where there is an open GOP or a refresh, recovery points and CRA pictures.
  const h264 = ["b-frames.h264", "open-gop.h264", "intra-refresh.h264", "hrd.h264"];
  for (const name of [...h264, "b-frames.h265", "open-gop.h265", "layers.h265"]) {
    const file = await find(name);
    const { stdout } = await output("ffprobe", ["-v", "error", "-show_entries", "packet=flags", "-of", "csv=p=0", file.path]);
    const flags = stdout.trim().split("\n");
    await changed(file, every("idr"), async (after) => {
      const keys = flags.filter((flag) => flag.startsWith("K"));
      assert.equal((await dump(after)).filter(ours).length, keys.length, name);
    });
  }
});

test("a timer and every key frame besides", { skip }, async () => {
  const file = await find("aac.flv");
  const frames = await packets(file);
  const keys = frames.filter(({ key }) => key).map(({ pts }) => pts);
  await changed(file, every("1300ms", "--follow-idr"), async (after) => {
    const all = [...new Set([...keys, ...due(frames, 1_300)])].sort((a, b) => a - b);
    assert.deepEqual(await times(after), all);
  });
});

test("a timer goes on over the wrap of FLV's timestamps", { skip }, async () => {
  const file = await find("no-b-frames.flv");
  const { header, tags } = read(await readFile(file.path));
  const begin = 2 ** 32 - 1_500;
  const shifted = tags.map((tag) => ({ ...tag, time: (tag.time + begin) % 2 ** 32 }));
  await draft("flv", write({ header, tags: shifted }), async (path) => {
    await changed({ ...file, path }, every("1300ms"), async (after) => {
      // As without the wrap: at 0, 1320 and 2600 ms from the beginning.
      const told = (await dump(after)).filter(ours).map(({ offset }) => offset);
      const frames = framesWithOffsets(await readFile(after.path));
      const at = told.map((offset) => frames.findLast((frame) => frame.offset <= offset).dts);
      assert.deepEqual(at, [0, 1_320, 2_600].map((ms) => (begin + ms) % 2 ** 32));
    });
  });
});

/** Every video tag's timestamp and place. */
function framesWithOffsets(bytes) {
  let offset = 13;
  return read(bytes).tags.map(({ time, body }) => {
    const found = { dts: time, offset };
    offset += 11 + body.length + 4;
    return found;
  });
}

test("GStreamer and ffmpeg see the message with the picture that dump names", { skip }, async (t) => {
  const file = await find("aac.flv");
  await changed(file, every("1300ms"), async (after) => {
    const told = await times(after);
    assert.deepEqual((await ffmpegMessages(after)).map(({ picture }) => picture.ms), told);
    // h264parse keeps the times of the container.
    if (await withoutGstreamer()) return t.diagnostic(await withoutGstreamer());
    const seen = (await gstreamer(after)).filter(({ uuid }) => uuid === OURS);
    assert.deepEqual(seen.map(({ pts_ns }) => Math.round(pts_ns / 1e6)), told);
  });
});

const ffmpegMessages = async (file) => (await ffmpeg(file)).messages.filter(({ uuid }) => uuid === OURS);

/** Lines of a timeline: from when on, and what. */
const ENTRIES = [
  [0, { scene: "a" }],
  [480, { scene: "b" }],
  [1_010, { scene: "c" }],
  [1_640, { scene: "d" }],
  [2_999, { scene: "e" }],
];
const TIMELINE = ENTRIES.map(([at_ms, message]) => JSON.stringify({ at_ms, text: JSON.stringify(message) }));

test("a timeline is exact to the picture that is shown, B-frames or not", { skip }, async () => {
  await draft("timeline.jsonl", `${TIMELINE.join("\n")}\n`, async (timeline) => {
    for (const name of ["aac.flv", "no-b-frames.flv", "in-band-headers.flv", "interlaced.flv"]) {
      const file = await find(name);
      const shown = (await packets(file)).map(({ pts }) => pts).sort((a, b) => a - b);
      await changed(file, insert(["--every", "idr", "--timeline", timeline]), async (after) => {
        const messages = await ffmpegMessages(after);
        const inEffect = (ms) => JSON.stringify(ENTRIES.findLast(([at]) => at <= ms)[1]);
        for (const { data, picture } of messages) {
          assert.equal(Buffer.from(data, "hex").toString(), inEffect(picture.ms), `${name} at ${picture.ms}`);
        }
        // What is shown first of each has it.
        for (const [at] of ENTRIES) {
          const first = shown.find((ms) => ms >= at);
          if (first === undefined) continue;
          assert.ok(messages.some(({ picture }) => picture.ms === first), `${name}: ${at} is not at ${first}`);
        }
      });
    }
  });
});

test("others' messages are not touched, wherever they stand", { skip }, async () => {
  // hrd.h264 has buffering periods, timing and x264's message; hash.h265 hashes in suffix SEI.
  for (const name of ["hrd.h264", "others-sei.h264", "mbaff.h264", "hash.h265"]) {
    const file = await find(name);
    const others = async (path) =>
      (await h264Reader({ ...file, path })).filter(({ uuid }) => uuid !== OURS).map(({ offset: _, ...told }) => told);
    await changed(file, every("frame"), async (after) => {
      assert.deepEqual(await others(after.path), await others(file.path), name);
      await changed(after, strip([]), async (stripped) => {
        assert.ok((await readFile(stripped.path)).equals(await readFile(file.path)), name);
      });
    });
  }
});

test("strip leaves a file alone that has nothing of ours", { skip }, async () => {
  for (const name of ["zeros.h264", "zeros.h265", "aac.flv", "others-sei.h264", "joined.flv"]) {
    const file = await find(name);
    await changed(file, strip([]), async (stripped) => {
      assert.ok((await readFile(stripped.path)).equals(await readFile(file.path)), name);
    });
  }
});
