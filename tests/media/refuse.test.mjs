// What livegate sei does with what it cannot use: it says so and fails, and nothing is left that
// looks like a result.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { find } from "./clips.mjs";
import { read, write } from "./flv.mjs";
import { livegate, missing } from "./material.mjs";
import { draft } from "./oracles.mjs";

const skip = await missing();
const TEXT = '{"n":1}';

/** A message of so many bytes. */
const json = (bytes) => JSON.stringify("x".repeat(bytes - 2));

/** Refused: a status, a word on it, and no output. */
async function refused(args, about, from, extension = "flv") {
  await draft(extension, undefined, async (to) => {
    const { status, out, err } = await livegate(["sei", "insert", from, to, ...args]);
    assert.notEqual(status, 0, `${args}: accepted`);
    assert.notEqual(status, 101, err);
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
  await refused(["--every", "999ms", ...text], /1000/, from);
  await refused(["--every", "5001ms", ...text], /5000/, from);
  await refused(["--every", "sometimes", ...text], /sometimes/, from);
  await refused(["--every", "idr", "--text", json(4_097)], /4096/, from);
  await refused(["--every", "idr", ...text, "--payload-type", "99"], /99|100/, from);
  await refused(["--every", "idr", ...text, "--payload-type", "255"], /25[45]/, from);
  await refused(["--every", "idr", ...text, "--uuid", "not-a-uuid"], /uuid/i, from);
  await refused(["--every", "idr"], /text|timeline/, from);
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
  await refused(["--every", "1000ms", "--text", TEXT], /fps/, await clip("slices.h264"), "h264");
});

test("files that are not there or hold no video are refused", { skip }, async () => {
  const args = ["--every", "idr", "--text", TEXT];
  await refused(args, /no-such-file/, "/no-such-file.flv");
  await draft("flv", Buffer.from("no FLV at all, and not short either"), (from) => refused(args, /./, from));
  await draft("flv", Buffer.alloc(0), (from) => refused(args, /./, from));
  await draft("h264", Buffer.from("not one start code"), (from) => refused(args, /./, from, "h264"));
  await draft("mp4", await readFile(await clip("aac.flv")), (from) => refused(args, /./, "/dev/null", "mp4"));
});

test("a message that no length of its size can say is refused", { skip }, async () => {
  // One byte says at most 255; H.264's header, type, size, UUID and stop bit are 20 of them.
  const args = ["--every", "frame", "--text"];
  await refused([...args, json(240)], /length|fit|long/i, await clip("length-1.flv"));
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
      const { status, err } = await livegate(["sei", "insert", from, to, "--every", "frame", "--text", TEXT]);
      assert.match(err, /24 bits|16777215|too l/i);
      if (status !== 0) return assert.ok(!existsSync(to));
      const after = read(await readFile(to)).tags;
      assert.ok(after.some(({ body }) => body.equals(long.body)), "the tag is not as it was");
      assert.equal(after.length, tags.length);
    });
  });
});

test("a file whose lengths lie is refused or left as it is, and never read beyond", { skip }, async () => {
  const { header, tags } = read(await readFile(await clip("aac.flv")));
  const broken = tags.map(({ ...tag }) => {
    if (tag.type !== 9 || tag.body[1] !== 1) return tag;
    const body = Buffer.from(tag.body);
    body.writeUInt32BE(0x7fff_ffff, 5);
    return { ...tag, body };
  });
  await draft("flv", write({ header, tags: broken }), async (from) => {
    await draft("flv", undefined, async (to) => {
      const { status, err } = await livegate(["sei", "insert", from, to, "--every", "frame", "--text", TEXT]);
      assert.doesNotMatch(err, /panicked/);
      if (status === 0) assert.ok((await readFile(to)).equals(await readFile(from)));
      else assert.ok(err.length > 0 && !existsSync(to));
    });
  });
});

test("a file that ends within a tag is said to, and what was whole is not lost", { skip }, async () => {
  const whole = await readFile(await clip("aac.flv"));
  for (const short of [1, 5, 100, 4_000]) {
    await draft("flv", whole.subarray(0, whole.length - short), async (from) => {
      await draft("flv", undefined, async (to) => {
        const { status, err } = await livegate(["sei", "insert", from, to, "--every", "idr", "--text", TEXT]);
        assert.doesNotMatch(err, /panicked/);
        assert.ok(status !== 0 || err.length > 0, `${short} bytes short and nothing said`);
      });
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
