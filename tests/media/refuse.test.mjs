// What livegate sei does with what it cannot use: it says so and fails, and nothing is left that
// looks like a result; or what it cannot use passes, and the rest is done.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { find } from "./clips.mjs";
import { read, write } from "./flv.mjs";
import { livegate, missing, output } from "./material.mjs";
import { draft } from "./oracles.mjs";

const skip = await missing();
const TEXT = '{"n":1}';

/** A message of so many bytes. */
const json = (bytes) => JSON.stringify("x".repeat(bytes - 2));

/** Refused: by its status a wrong command line (2) or a wrong input (1), a word on it, and no output. */
async function refused(args, about, from, expected = 1) {
  await draft("flv", undefined, async (to) => {
    const { status, out, err } = await livegate(["sei", "insert", from, to, ...args, "--json"]);
    assert.equal(status, expected, `${args}: ${err}`);
    assert.match(err, about);
    assert.doesNotMatch(err, /panicked/);
    assert.equal(out.length, 0);
    assert.ok(!existsSync(to), `${args}: left ${to}`);
  });
}

const clip = async (name) => (await find(name)).path;

test("settings out of their ranges are refused", { skip }, async () => {
  const from = await clip("aac.flv");
  const text = ["--text", TEXT];
  await refused(["--every", "999ms", ...text], /1000/, from, 2);
  await refused(["--every", "5001ms", ...text], /5000/, from, 2);
  await refused(["--every", "sometimes", ...text], /not `sometimes`/, from, 2);
  await refused(["--every", "idr", "--text", json(4_097)], /4096/, from);
  await refused(["--every", "idr", ...text, "--payload-type", "99"], /5 or from 100 to 254/, from, 2);
  await refused(["--every", "idr", ...text, "--payload-type", "255"], /254/, from, 2);
  await refused(["--every", "idr", ...text, "--uuid", "not-a-uuid"], /`not-a-uuid`/, from, 2);
  await refused(["--every", "idr"], /--text or --timeline/, from, 2);
});

test("a text of exactly 4096 bytes is written", { skip }, async () => {
  await draft("flv", undefined, async (to) => {
    const text = json(4_096);
    const { status, err } = await livegate(["sei", "insert", await clip("aac.flv"), to, "--every", "idr", "--text", text]);
    assert.equal(status, 0, err);
    assert.ok((await readFile(to)).includes(text));
  });
});

test("Annex B has no times: a timer wants --fps", { skip }, async () => {
  await refused(["--every", "1000ms", "--text", TEXT], /--fps/, await clip("slices.h264"), 2);
});

test("files that are not there or hold no video are refused", { skip }, async () => {
  const args = ["--every", "idr", "--text", TEXT];
  await refused(args, /cannot read \/no-such-file\.flv/, "/no-such-file.flv");
  await draft("flv", Buffer.alloc(0), (from) => refused(args, /is empty/, from));
  const neither = /neither FLV nor a byte stream/;
  await draft("flv", Buffer.from("no FLV at all, and not short either"), (from) => refused(args, neither, from));
  await draft("h264", Buffer.from("not one start code"), (from) => refused(args, neither, from));
  const flv = await clip("aac.flv");
  await draft("mp4", undefined, async (from) => {
    await output("ffmpeg", ["-v", "error", "-i", flv, "-c", "copy", from]);
    assert.equal((await readFile(from)).toString("latin1", 4, 8), "ftyp");
    await refused(args, neither, from);
    const { status, err } = await livegate(["sei", "dump", from]);
    assert.equal(status, 1);
    assert.match(err, neither);
  });
});

test("a message that no length of its size can say is refused", { skip }, async () => {
  // One byte says at most 255; H.264's header, type, size, UUID and stop bit are 20 of them.
  const args = ["--every", "frame", "--text"];
  await refused([...args, json(240)], /sei\.length_overflow/, await clip("length-1.flv"));
  await draft("flv", undefined, async (to) => {
    const fits = await livegate(["sei", "insert", await clip("length-1.flv"), to, ...args, json(235)]);
    assert.equal(fits.status, 0, fits.err);
  });
});

test("a tag that would outgrow its 24 bits stays as it is, and that is said", { skip }, async () => {
  const { header, tags } = read(await readFile(await clip("no-b-frames.flv")));
  const frames = tags.filter(({ type, body }) => type === 9 && body[1] === 1);
  // One unit of filler data, H.264 type 12, makes the third frame's tag as long as a tag can be.
  const third = frames[2];
  const filler = Buffer.alloc(0xffffff - third.body.length - 4, 0xff);
  filler[0] = 12;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(filler.length);
  const long = { ...third, body: Buffer.concat([third.body, length, filler]) };
  const file = write({ header, tags: tags.map((tag) => (tag === third ? long : tag)) });
  await draft("flv", file, async (from) => {
    await draft("flv", undefined, async (to) => {
      const { status, out, err } = await livegate(["sei", "insert", from, to, "--every", "frame", "--text", TEXT, "--json"]);
      assert.equal(status, 0, err);
      const at = tags.slice(0, tags.indexOf(third)).reduce((sum, { body }) => sum + 11 + body.length + 4, 13);
      assert.match(err, new RegExp(`the tag at byte ${at} passes as it is: .*16777215`));
      const { messages, untouched } = JSON.parse(out);
      assert.deepEqual({ messages, untouched }, { messages: frames.length - 1, untouched: 1 });
      // That tag is as it was, and every other frame has a message.
      const carries = ({ body }) => body.includes(TEXT);
      const after = read(await readFile(to)).tags;
      assert.equal(after.length, tags.length);
      assert.ok(after[tags.indexOf(third)].body.equals(long.body), "the tag is not as it was");
      const expected = tags.map((tag) => frames.includes(tag) && tag !== third);
      assert.deepEqual(after.map(carries), expected);
    });
  });
  // Where it is the only frame there is nothing to write.
  const configuration = tags.find(({ type, body }) => type === 9 && body[1] === 0);
  await draft("flv", write({ header, tags: [configuration, long] }), (from) =>
    refused(["--every", "frame", "--text", TEXT], /flv\.tag_too_large/, from));
});

test("a frame whose lengths lie stays as it is, and that is said", { skip }, async () => {
  const { header, tags } = read(await readFile(await clip("aac.flv")));
  const frames = tags.filter(({ type, body }) => type === 9 && body[1] === 1);
  const lying = (those) =>
    tags.map((tag) => {
      if (!those.includes(tag)) return tag;
      const body = Buffer.from(tag.body);
      body.writeUInt32BE(0x7fff_ffff, 5);
      return { ...tag, body };
    });
  const args = ["--every", "frame", "--text", TEXT];
  // The first frame begins with x264's SEI, the second with its slice.
  for (const frame of frames.slice(0, 2)) {
    const broken = lying([frame]);
    await draft("flv", write({ header, tags: broken }), async (from) => {
      await draft("flv", undefined, async (to) => {
        const { status, out, err } = await livegate(["sei", "insert", from, to, ...args, "--json"]);
        assert.equal(status, 0, err);
        assert.match(err, /passes as it is: the length at byte 0/);
        const { messages, untouched } = JSON.parse(out);
        assert.deepEqual({ messages, untouched }, { messages: frames.length - 1, untouched: 1 });
        const after = read(await readFile(to)).tags;
        after.forEach(({ body }, at) => {
          const carries = frames.includes(tags[at]) && tags[at] !== frame;
          assert.equal(body.includes(TEXT), carries, `tag ${at}`);
          if (!carries) assert.ok(body.equals(broken[at].body), `tag ${at}`);
        });
      });
    });
  }
  await draft("flv", write({ header, tags: lying(frames) }), (from) => refused(args, /sei\.sample_broken/, from));
});

test("start codes in place of lengths are no lengths", { skip }, async () => {
  const { header, tags } = read(await readFile(await clip("no-b-frames.flv")));
  // One slice a frame behind 00 00 00 01, as some encoders send it.
  const startCodes = tags.map((tag) => {
    if (tag.type !== 9 || tag.body[1] !== 1) return tag;
    const body = Buffer.concat([tag.body.subarray(0, 5), Buffer.from([0, 0, 0, 1, 0x65, 0x88, 0x84, 0x00]), Buffer.alloc(400, 0x5a)]);
    return { ...tag, body };
  });
  await draft("flv", write({ header, tags: startCodes }), (from) =>
    refused(["--every", "frame", "--text", TEXT], /sei\.sample_broken/, from));
});

/** The file with a message in every frame, and what is said of it. */
async function inserted(bytes, use) {
  await draft("flv", bytes, async (from) => {
    await draft("flv", undefined, async (to) => {
      const { status, err } = await livegate(["sei", "insert", from, to, "--every", "frame", "--text", TEXT]);
      assert.equal(status, 0, err);
      await use(await readFile(to), err);
      // What was put in comes out again, to the byte.
      await draft("flv", undefined, async (back) => {
        const stripped = await livegate(["sei", "strip", to, back]);
        assert.equal(stripped.status, 0, stripped.err);
        assert.ok((await readFile(back)).equals(bytes), "strip does not restore it");
      });
    });
  });
}

/** Where each tag begins in a file, and where the last one ends. */
const edges = (bytes) =>
  read(bytes).tags.reduce((found, { body }) => [...found, found.at(-1) + 11 + body.length + 4], [13]);

test("a file that ends within a tag is said to, and what was whole is not lost", { skip }, async () => {
  const whole = await readFile(await clip("aac.flv"));
  const begins = edges(whole);
  const { tags } = read(whole);
  let edited;
  await inserted(whole, (bytes) => (edited = bytes));
  // Within a tag's head, within a frame before and behind its slice's header, and within PreviousTagSize.
  const frame = tags.findLastIndex(({ type, body }) => type === 9 && body[1] === 1);
  const last = tags.length - 1;
  for (const [tag, kept] of [[frame, 5], [frame, 30], [frame, 11 + tags[frame].body.length - 1], [last, 15 + tags[last].body.length - 1]]) {
    const end = begins[tag] + kept;
    await inserted(whole.subarray(0, end), (bytes, err) => {
      const expected = kept < 11 ? 11 - kept : 11 + tags[tag].body.length + (tag === last ? 4 : 0) - kept;
      assert.match(err, new RegExp(`the input ends at byte ${end}, ${expected} bytes too early`));
      // All that was whole is edited, and so is a frame of which the slice has begun: a live stream's
      // would have gone by then. Of a tag's head alone nothing changes.
      const before = edges(edited)[tag];
      const added = read(edited).tags[tag].body.length - tags[tag].body.length;
      const rest = kept < 11 ? whole.subarray(begins[tag], end) : edited.subarray(before, before + kept + added);
      assert.ok(bytes.equals(Buffer.concat([edited.subarray(0, before), rest])), `${tag} ${kept}`);
    });
  }
  // Without its last PreviousTagSize it is whole.
  await inserted(whole.subarray(0, -4), (bytes, err) => {
    assert.doesNotMatch(err, /too early/);
    assert.ok(bytes.equals(edited.subarray(0, -4)));
  });
});

test("what is no FLV behind the last tag passes as it is", { skip }, async () => {
  const whole = await readFile(await clip("aac.flv"));
  let edited;
  await inserted(whole, (bytes, err) => {
    edited = bytes;
    assert.doesNotMatch(err, /no FLV/);
  });
  // A recorder's empty tail, and anything else.
  for (const tail of [Buffer.alloc(300_000), Buffer.from("something that is no tag at all"), Buffer.from("short")]) {
    await inserted(Buffer.concat([whole, tail]), (bytes, err) => {
      assert.match(err, new RegExp(`no FLV from byte ${whole.length} on`));
      assert.ok(bytes.equals(Buffer.concat([edited, tail])));
    });
  }
});

test("garbage in a pipe ends the command with an error, not with a panic", { skip }, async () => {
  const noise = Buffer.from(Array.from({ length: 20_000 }, (_, n) => (n * 2_654_435_761) >>> 24));
  const heads = ["", "FLV\x01\x05\0\0\0\x09\0\0\0\0", "\0\0\0\x01", "\0\0\x01\x06\x05\xff\xff\xff", "\0\0\x01\x4e\x01\x05\xff"];
  for (const head of heads.map((bytes) => Buffer.from(bytes, "latin1"))) {
    for (const codec of ["h264", "h265"]) {
      const args = ["sei", "dump", "-", "--json", "--codec", codec];
      const { status, err } = await livegate(args, { input: Buffer.concat([head, noise]) });
      assert.notEqual(status, 101, err);
      assert.notEqual(status, null, "ended by a signal");
      assert.doesNotMatch(err, /panicked/);
    }
  }
});
