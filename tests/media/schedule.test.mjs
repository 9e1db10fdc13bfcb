// When livegate sei inserts: times are those that ffprobe reads, and whose turn it is among B-frames
// is judged by the pictures as they are shown.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
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

/** The packets of a byte stream as ffprobe takes it apart: where each ends, and whether it is a key frame. */
async function pictures({ path, codec }) {
  const input = ["-f", codec === "h264" ? "h264" : "hevc", "-show_entries", "packet=size,flags", "-of", "json"];
  const { stdout } = await output("ffprobe", ["-v", "error", ...input, path]);
  let end = 0;
  const found = JSON.parse(stdout).packets.map(({ size, flags }) => ({ end: (end += Number(size)), key: flags.startsWith("K") }));
  assert.equal(end, (await stat(path)).size, "packets are not all of the file");
  return found;
}

/** Which pictures of a byte stream carry a message, counted from 0 as they are sent. */
async function carriers(file) {
  const packets = await pictures(file);
  const messages = (await h264Reader(file)).filter(({ uuid }) => uuid === OURS);
  return messages.map(({ offset }) => packets.findIndex(({ end }) => offset < end));
}

test("a timer in Annex B counts frames at the rate that is given", { skip }, async () => {
  // Of a frame that is a pair of fields ffprobe makes two packets.
  for (const [name, packets] of [["slices.h264", 1], ["b-frames.h264", 1], ["field-pairs.h264", 2], ["slices.h265", 1]]) {
    const file = await find(name);
    // 75 frames: 3 s at 25 a second, 5 s at 15.
    for (const [fps, frames] of [[FPS, [0, 25, 50]], [15, [0, 15, 30, 45, 60]]]) {
      await changed(file, every("1000ms", "--fps", `${fps}`), async (after) => {
        assert.deepEqual(await carriers(after), frames.map((frame) => frame * packets), name);
      });
    }
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
    const keys = (await pictures(file)).flatMap(({ key }, number) => (key ? [number] : []));
    await changed(file, every("idr"), async (after) => {
      assert.deepEqual(await carriers(after), keys, name);
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

/** Lines of a timeline, as a file. */
const timelineOf = (lines, use) =>
  draft("timeline.jsonl", lines.map(([at_ms, text]) => JSON.stringify({ at_ms, text })).join("\n"), use);

test("a text before a timeline's first is on the frame that is shown first", { skip }, async () => {
  const file = await find("aac.flv");
  const shown = (await packets(file)).map(({ pts }) => pts).sort((a, b) => a - b);
  await timelineOf([[1_010, { scene: "b" }]], async (timeline) => {
    await changed(file, insert(["--text", TEXT, "--timeline", timeline]), async (after) => {
      const messages = (await ffmpegMessages(after)).map(({ data, picture }) => [picture.ms, Buffer.from(data, "hex").toString()]);
      const second = '{"scene":"b"}';
      assert.deepEqual(messages.find(([, text]) => text === TEXT), [shown[0], TEXT]);
      assert.deepEqual(messages.find(([, text]) => text === second), [shown.find((ms) => ms >= 1_010), second]);
      // Without --every it is not repeated, but for frames that were sent before it.
      assert.ok(messages.length < 10, `${messages.length} messages`);
      assert.ok(messages.every(([ms, text]) => (text === second) === ms >= 1_010));
    });
  });
});

test("entries of a timeline that no frame carries are counted and told", { skip }, async () => {
  const { path } = await find("no-b-frames.flv");
  // A frame is shown every 40 ms, at 1000 and 1040: of these no frame shows the second and the last.
  const lines = [[1_000, 1], [1_001, 2], [1_010, 3], [9_000_000, 4]];
  await timelineOf(lines, async (timeline) => {
    await draft("flv", undefined, async (to) => {
      const { status, out, err } = await insert(["--timeline", timeline, "--json"])(path, to);
      assert.equal(status, 0, err);
      assert.match(err, /no frame carries 2 of the timeline's entries; the first is entry 2\b/);
      const { messages, entries_unused } = JSON.parse(out);
      assert.deepEqual({ messages, entries_unused }, { messages: 2, entries_unused: 2 });
      assert.deepEqual((await dump({ path: to })).filter(ours).map(({ pts_ms, text }) => [pts_ms, text]), [[1_000, "1"], [1_040, "3"]]);
    });
  });
  await timelineOf(lines.slice(0, 1), async (timeline) => {
    await draft("flv", undefined, async (to) => {
      const { out, err } = await insert(["--timeline", timeline, "--json"])(path, to);
      assert.equal(err, "");
      assert.equal(JSON.parse(out).entries_unused, 0);
    });
  });
  // If there is no other entry, there is nothing to write.
  await timelineOf(lines.slice(-1), async (timeline) => {
    await draft("flv", undefined, async (to) => {
      const { status, err } = await insert(["--timeline", timeline])(path, to);
      assert.equal(status, 1);
      assert.match(err, /none of 75 frames carries a message/);
      assert.ok(!existsSync(to));
    });
  });
});

test("a stream that begins anew gets its timeline anew", { skip }, async () => {
  const file = await find("aac.flv");
  const { header, tags } = read(await readFile(file.path));
  await draft("flv", write({ header, tags: [...tags, ...tags] }), async (path) => {
    await timelineOf([[0, { s: 1 }], [2_000, { s: 2 }]], async (timeline) => {
      const command = insert(["--timeline", timeline]);
      await changed(file, command, async (once) => {
        const expected = read(await readFile(once.path)).tags;
        assert.ok((await dump(once)).filter(ours).length >= 2);
        await changed({ ...file, path }, command, async (twice) => {
          // Both halves are what the one is.
          const found = read(await readFile(twice.path)).tags;
          assert.deepEqual(found, [...expected, ...expected]);
        });
      });
    });
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
