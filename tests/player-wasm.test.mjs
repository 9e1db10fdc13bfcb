// The player's module, built as for pages, over real clips into which `livegate sei insert` wrote: every
// message that independent readers find, at its picture's time, however the bytes come; and no more memory
// however long they do.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { instantiate, loadPlayer } from "./lib/player-wasm.mjs";
import { find, names } from "./media/clips.mjs";
import { read, toAnnexB, video, write } from "./media/flv.mjs";
import { missing, output } from "./media/material.mjs";
import { draft, ffmpeg, h264Reader, inTs } from "./media/oracles.mjs";
import { hls } from "./media/players.mjs";
import { changed, insert } from "./media/sei.mjs";

const skip = await missing();
const player = await loadPlayer();

/** One a picture: from when on it is in effect, as its text says. */
const TIMELINE = Array.from({ length: 200 }, (_, picture) => picture * 40 - 200)
  .filter((ms) => ms >= 0)
  .map((at_ms) => JSON.stringify({ at_ms, text: layout(at_ms) }));

function layout(ms) {
  const stream = [
    { uid: `at-${ms}`, paneid: 0, zorder: 1, x: 0, y: 0, w: 0.5, h: 1, type: 0, ms: 0, vol: ms % 256, vad: 150 },
    { uid: "\u5e03\u5c40", paneid: 1, zorder: 1, x: 0.5, y: 0, w: 0.5, h: 1, type: 0, ms: 0, vol: 0, vad: 0 },
  ];
  return { stream };
}

const withMessages = (file, args, use) =>
  draft("timeline.jsonl", TIMELINE.join("\n"), (timeline) =>
    changed(file, insert(["--every", "frame", "--timeline", timeline, ...args]), use),
  );

/** Types that are for pages: docs/spec/player.md §2. */
const isForPages = ({ payload_type: type }) => type === 5 || (type >= 100 && type < 128);
const sorted = (texts) => [...texts].sort();
const isMessage = ({ payloadType }) => payloadType !== null;

/** What h264-reader finds, as text, without the NUL at its end. */
async function expected(file, bytes) {
  const found = await draft(file.codec, file.flv ? toAnnexB(bytes, { messages: true }) : bytes, (path) =>
    h264Reader({ path, codec: file.codec }),
  );
  return found.filter(isForPages).map(({ data }) => Buffer.from(data, "hex").toString().replace(/\0+$/, ""));
}

const pieces = (bytes, sizes) => {
  const all = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) all.push(bytes.subarray(at, (at += sizes[turn % sizes.length])));
  return all;
};

const CUTS = { "as a whole": [2 ** 24], "in pieces of odd sizes": [1, 13, 997, 4, 60_000], "byte by byte": [1] };

function timely(found) {
  for (const { text, time, form, layout: id, warnings } of found) {
    const at = /"at-(\d+)"/.exec(text);
    if (!at) continue;
    assert.ok(time * 1_000 >= Number(at[1]) && time * 1_000 < Number(at[1]) + 40, `${at[1]} ms at ${time} s`);
    assert.deepEqual([form, warnings], ["alibaba", []]);
    assert.ok(id > 0);
  }
  return found.length;
}

for (const name of names(".flv")) {
  for (const [kind, args] of [["a UUID", []], ["a type of its own", ["--payload-type", "100"]]]) {
    // A length of one byte says less than such a message has.
    if (name.includes("length-1") || name === "joined-lengths.flv") continue;
    test(`${name}, messages of ${kind}`, { skip }, async (t) => {
      const file = await find(name);
      await withMessages(file, args, async ({ path }) => {
        const bytes = await readFile(path);
        const texts = await expected(file, bytes);
        assert.ok(texts.length >= 75, `${texts.length} messages`);
        for (const [how, sizes] of Object.entries(CUTS)) {
          await t.test(how, () => {
            const tracker = player.tracker();
            const found = pieces(bytes, sizes).flatMap((piece) => tracker.flv(piece));
            assert.deepEqual(found.filter(isMessage).map(({ text }) => text), texts);
            if (!name.startsWith("joined")) timely(found);
            if (!name.startsWith("joined")) assert.equal(tracker.raw.base_us() / 1_000, first(bytes));
          });
        }
        await t.test("tag by tag, of which a part is shown", () => {
          const tracker = player.tracker();
          const { header, tags } = read(bytes);
          const found = tags.flatMap((tag) => tracker.tag(write({ header, tags: [tag] }).subarray(header.length + 4)));
          // A suffix SEI of H.265 behind its picture is not asked for.
          assert.deepEqual(found.filter(isMessage).map(({ text }) => text), texts);
        });
        if (args.length === 0 && file.codec === "h264" && !file.enhanced) {
          await t.test("at the pictures that ffmpeg shows with them", async () => {
            const tracker = player.tracker();
            const found = tracker.flv(bytes).filter(({ text }) => text.includes("at-"));
            const { messages } = await ffmpeg({ ...file, path });
            const ours = messages.filter(({ data }) => Buffer.from(data, "hex").includes("at-"));
            const theirs = ours.map(({ data, picture }) => `${picture.ms} ${Buffer.from(data, "hex")}`);
            assert.deepEqual(sorted(found.map(({ time, text }) => `${Math.round(time * 1_000)} ${text}`)), sorted(theirs));
          });
        }
      });
    });
  }
}

/** The least time of the first sound's and the first picture's decoding. */
function first(bytes) {
  const { tags } = read(bytes);
  const sound = tags.find(({ type, body }) => type === 8 && body[1] === 1);
  const picture = tags.find((tag) => video(tag)?.packet === 1);
  return Math.min(sound?.time ?? Infinity, picture.time);
}

for (const name of [...names(".h264"), ...names(".h265")]) {
  test(`${name}, as a transport stream`, { skip }, async (t) => {
    const file = await find(name);
    const text = '{"stream":[]}';
    await changed(file, insert(["--every", "frame", "--text", text]), async (after) => {
      await inTs(after, async (ts) => {
        const bytes = await readFile(ts);
        // ffmpeg's muxer may put delimiters in; messages stay.
        const texts = await expected(file, await readFile(after.path));
        const theirs = (await hls(ts)).filter(({ payload_type: type }) => type === 5);
        let times;
        for (const [how, sizes] of Object.entries(CUTS)) {
          await t.test(how, () => {
            const tracker = player.tracker();
            const found = pieces(bytes, sizes).flatMap((piece) => tracker.ts(piece));
            assert.deepEqual(found.filter(isMessage).map((each) => each.text), texts);
            assert.ok(found.every(isMessage), JSON.stringify(found.find((each) => !isMessage(each))));
            times ??= found.map(({ time }) => time);
            assert.deepEqual(found.map(({ time }) => time), times);
          });
        }
        await t.test("at the times that hls.js has", () => {
          const ours = player.tracker().ts(bytes).filter(({ payloadType }) => payloadType === 5);
          // hls.js needs a message to have content.
          const of = theirs.map(({ pts_ms: ms }) => Math.round(ms));
          assert.deepEqual(ours.filter(({ text }) => text !== "").map(({ time }) => Math.round(time * 1_000)), of);
        });
      });
    });
  });

  test(`${name}, frame by frame`, { skip }, async () => {
    const file = await find(name);
    await changed(file, insert(["--every", "frame", "--text", '{"stream":[]}']), async (after) => {
      const show = ["-show_entries", "packet=pos,size", "-of", "csv=p=0"];
      const { stdout } = await output("ffprobe", ["-v", "error", "-f", file.codec === "h264" ? "h264" : "hevc", ...show, after.path]);
      const bytes = await readFile(after.path);
      const tracker = player.tracker();
      tracker.configure(file.codec, 0);
      let at = 0;
      const found = stdout
        .trim()
        .split("\n")
        .flatMap((line, picture) => {
          const size = Number(line.split(",")[0]);
          const frame = bytes.subarray(at, (at += size));
          return tracker.frame(frame, picture / 25).filter(({ text }) => text === '{"stream":[]}');
        });
      assert.equal(found.length, file.frames);
    });
  });
}

test("timestamps of 33 bits go on where they wrap", { skip }, async () => {
  const file = await find("no-sei.h264");
  await changed(file, insert(["--every", "frame", "--text", '{"stream":[]}']), (after) =>
    draft("ts", undefined, async (ts) => {
      // 2^33 = 8589934592; the 26th of the pictures is behind it.
      const wrap = 2 ** 33 - 25 * 3_600;
      await output("ffmpeg", [
        ...["-v", "error", "-y", "-f", "h264", "-i", after.path, "-c", "copy", "-copyts"],
        ...["-bsf:v", `setts=ts=N*3600+${wrap}:time_base=1/90000`, "-muxdelay", "0", "-muxpreload", "0", ts],
      ]);
      const found = player.tracker().ts(await readFile(ts), wrap / 90_000);
      // Without a minus before a zero.
      const ms = found.map(({ time }) => Math.round(time * 1_000) + 0);
      assert.deepEqual(ms, ms.map((_, picture) => ms[0] + picture * 40));
      assert.equal(ms.length, file.frames);
    }),
  );
});

/** A sample with a message, with lengths of four bytes. */
function sample(content, type = 5) {
  const length = (unit) => [unit.length >>> 24, (unit.length >> 16) & 255, (unit.length >> 8) & 255, unit.length & 255];
  const body = [...(type === 5 ? Array(16).fill(0x11) : []), ...Buffer.from(content)];
  const nal = [6, type, ...Array(Math.floor(body.length / 255)).fill(255), body.length % 255, ...body, 0x80];
  const picture = [0x65, 0x88, 0x84, 1];
  return Buffer.from([...length(nal), ...nal, ...length(picture), ...picture]);
}

test("what strangers write is clamped or passed over, and told", () => {
  const streams = (count) => JSON.stringify({ stream: Array.from({ length: count }, (_, uid) => ({ uid, x: 0, y: 0, w: 1, h: 1 })) });
  const cases = [
    ['{"stream":[{"uid":"a","x":nan,"y":0,"w":1,"h":1},{"uid":"b","x":0,"y":0,"w":1,"h":1}]}', "payload.not_a_number", 1],
    ['{"stream":[{"uid":"a","x":1e999,"y":-5,"w":7,"h":1}]}', "payload.out_of_range", 1],
    ['{"stream":[{"uid":{},"x":0,"y":0,"w":1,"h":1}]}', "payload.wrong_type", 0],
    ['{"stream":"none"}', "payload.wrong_type", 0],
    [streams(1_000), "payload.too_many", 64],
    [`{"stream":[{"uid":"a","x":0,"y":0,"w":1,"h":1,"q":${"[".repeat(2_000)}${"]".repeat(2_000)}}]}`, "payload.too_deep", 1],
    [`{"stream":[{"uid":"${"u".repeat(300)}","x":0,"y":0,"w":1,"h":1}]}`, "payload.too_large", 0],
    ['{"stream":[{"uid":"a"', "payload.not_json", null],
    [`{"stream":[],"q":"${"x".repeat(70_000)}"}`, "payload.too_large", null],
    ['{"regions":[{"uid":1,"x":0,"y":0,"w":1,"h":1}]}', "payload.canvas_missing", null],
  ];
  for (const [content, code, panes] of cases) {
    const tracker = player.tracker();
    tracker.configure("h264", 4);
    const [message, ...more] = tracker.frame(sample(content), 1);
    assert.deepEqual(more, []);
    assert.ok(message.warnings.includes(code), `${content.slice(0, 60)}: ${message.warnings}`);
    assert.equal(message.layout > 0, panes !== null);
    if (panes !== null) assert.equal(tracker.layout(message.layout).panes.length, panes);
    assert.equal(tracker.at(1), message.layout);
  }
});

test("markup in a name stays text, and passed members are there", () => {
  const tracker = player.tracker();
  tracker.configure("h264", 4);
  const name = '<img src=x onerror="alert(1)">\\\\\u2028';
  const content = JSON.stringify({ stream: [{ uid: name, x: 0, y: 0, w: 1, h: 1 }], __proto: 1, udd: "a\u0000b", n: [1, null] });
  const [{ text, layout: id }] = tracker.frame(sample(content, 100), 0);
  assert.equal(text, content);
  const read = tracker.layout(id);
  assert.equal(read.panes[0].uid, name);
  assert.deepEqual(read.data, { __proto: 1, udd: "a\u0000b", n: [1, null] });
});

test("frames that are none are told and pass", () => {
  const tracker = player.tracker();
  const whole = sample('{"stream":[]}');
  assert.deepEqual(tracker.frame(whole, 0)[0].warnings, ["player.not_configured"]);
  tracker.configure("h264", 4);
  // What is whole is read.
  const [broken, message] = tracker.frame(whole.subarray(0, -2), 0);
  assert.deepEqual([broken.payloadType, broken.warnings, message.text], [null, ["sei.sample_broken"], '{"stream":[]}']);
  for (const [bytes, code] of [
    [whole.subarray(0, 20), "sei.sample_broken"],
    [Buffer.concat([Buffer.from([0, 0, 0, 1]), whole]), "sei.sample_broken"],
    [Buffer.concat([Buffer.from([0, 5, 0, 0]), Buffer.alloc(5 * 2 ** 16, 6), whole]), "player.lead_too_long"],
  ]) {
    const found = tracker.frame(bytes, 0);
    assert.deepEqual(found.map(({ payloadType, warnings }) => [payloadType, warnings]), [[null, [code]]]);
  }
  assert.deepEqual(tracker.flv(Buffer.from("RIFF...."))[0].warnings, ["flv.signature"]);
  assert.deepEqual(tracker.flv(Buffer.from("RIFF....")), []);
  assert.equal(tracker.raw.room(2 ** 24 + 1), 0);
  assert.deepEqual([tracker.at(0) > 0, tracker.raw.at(NaN)], [true, 0]);
  assert.equal(tracker.raw.layout(7), "");
});

test("memory stays, whatever comes for however long", { timeout: 300_000 }, async () => {
  const { memory, tracker: open } = await instantiate();
  const tracker = open();
  tracker.configure("h264", 4);
  const random = ((state) => () => (state = (state * 48_271) % (2 ** 31 - 1)))(7);
  const texts = [
    JSON.stringify(layout(0)),
    '{"stream":[{"uid":"a"',
    `{"stream":[],"q":${"[".repeat(4_000)}}`,
    JSON.stringify({ stream: Array.from({ length: 300 }, (_, uid) => ({ uid, x: 0, y: 0, w: 1, h: 1 })) }),
    "x".repeat(60_000),
  ];
  const frames = [...texts.map((text) => sample(text)), Buffer.concat(texts.map((text) => sample(text).subarray(0, -9)))];
  const garbage = Buffer.alloc(65_536);
  // An hour at thirty frames a second is 108,000; times go on and on, as those of a stream do.
  let turn = 0;
  const until = (end) => {
    for (; turn < end; turn += 1) {
      // Every length is new, and so is every time.
      const frame = frames[turn % 50 === 0 ? random() % frames.length : 0];
      tracker.frame(turn % 7 === 0 ? frame.subarray(0, random() % frame.length) : frame, turn / 30);
      if (turn % 100 === 0) {
        for (let at = 0; at < garbage.length; at += 97) garbage[at] = random();
        garbage[0] = 0x47;
        garbage[188] = 0x47;
        tracker.ts(garbage);
        tracker.flv(Buffer.concat([Buffer.from("FLV\x01\x05\0\0\0\x09\0\0\0\0\x09\xff\xff\xff", "latin1"), garbage]));
        if (turn % 1_000 === 0) tracker.raw.reset(0);
      }
      if (turn % 10 === 0) {
        const id = tracker.at(turn / 30);
        if (id) tracker.raw.place(id, 1280, 720, 64_000, 64_000, 1, 0.5, 0.5);
      }
    }
  };
  // Over two minutes of layouts: the list of them is full, and each buffer is as large as it gets.
  until(20_000);
  const before = memory.buffer.byteLength;
  until(236_000);
  // Nothing is kept that was not kept before.
  const more = memory.buffer.byteLength - before;
  assert.equal(more, 0, `${before} bytes, then ${more} more`);
  assert.ok(before <= 3.25 * 2 ** 20, `${before}`);
});

test("a million frames without a message take no memory", () => {
  const tracker = player.tracker();
  tracker.configure("h264", 4);
  const frame = Buffer.from([0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 4, 0x65, 0x88, 0x84, 1]);
  const at = tracker.raw.room(frame.length);
  new Uint8Array(player.memory.buffer, at).set(frame);
  const before = player.memory.buffer.byteLength;
  for (let turn = 0; turn < 1_000_000; turn += 1) assert.equal(tracker.raw.push(frame.length, frame.length, turn), 0);
  assert.equal(player.memory.buffer.byteLength, before);
});
