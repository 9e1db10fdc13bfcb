// livegate sei over the test files of cros-codecs and over clips made here: what is written is read by
// every program that reads such files, the pictures stay as they were, and taking it out again leaves
// the file as it was.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { units } from "./annexb.mjs";
import { find, names } from "./clips.mjs";
import { frames as framesOf, toAnnexB } from "./flv.mjs";
import { crosCodecs, missing } from "./material.mjs";
import { draft, ffmpeg, h264Reader, readers } from "./oracles.mjs";
import { OURS, changed, dump, insert, kind, ours, strip } from "./sei.mjs";

const skip = await missing();

/** Short enough for a length of one byte, and not all of it ASCII. */
const TEXT = '{"canvas":{"w":640},"note":"\u5e03\u5c40"}';

const files = [
  ...(await crosCodecs()).map((file) => ({ ...file, frames: file.md5.length, find: async () => file })),
  ...names("").map((name) => ({ name, find: () => find(name) })),
];

for (const { name, find } of files) {
  test(name, { skip }, async (t) => {
    const file = await find();
    const before = await readFile(file.path);
    const frames = file.frames ?? file.md5.length;
    const every = (text) => ["--every", "frame", "--text", text];

    await changed(file, insert(every(TEXT)), async (after) => {
      await t.test("every reader finds a message in every frame", async () => {
        for (const [reader, texts] of Object.entries(await readers(after, OURS))) {
          same(texts, Array(frames).fill(TEXT), reader);
        }
      });
      await t.test("the pictures are the same", async () => {
        const format = file.md5 ? ["-pix_fmt", "nv12"] : [];
        const { pictures } = await decoded(after, format);
        // Of cros-codecs' files the authors' own digests are there.
        same(pictures, file.md5 ?? (await decoded(file)).pictures, "pictures");
        assert.equal(pictures.length, frames);
      });
      await t.test("each message stands alone in its unit, before the first slice", async () => {
        placed(file.codec, await annexB(file), await annexB(after));
      });
      await t.test("dump says what h264-reader says", async () => {
        await sameAsReader(after);
      });
      await t.test("strip restores every byte", async () => {
        await changed(after, strip([]), async (stripped) => {
          assert.ok((await readFile(stripped.path)).equals(before));
        });
      });
      await t.test("a second insertion takes the first one's place", async () => {
        const other = TEXT.replace("640", "320");
        await changed(after, insert(every(other)), async (again) => {
          await changed(file, insert(every(other)), async (once) => {
            assert.ok((await readFile(again.path)).equals(await readFile(once.path)));
          });
        });
      });
      await t.test("through pipes, in pieces of odd sizes, it comes out the same", async () => {
        const pieces = [1, 13, 997, 4];
        const piped = await insert(every(TEXT))("-", "-", { input: before, pieces });
        assert.equal(piped.status, 0, piped.err);
        assert.ok(piped.out.equals(await readFile(after.path)));
        const back = await strip([])("-", "-", { input: piped.out, pieces });
        assert.ok(back.out.equals(before), back.err);
      });
    });
  });
}

/** Zeros and threes: in the message every one of them is escaped, 00 00 00..03 to 00 00 03 00..03. */
const ZEROS = "00000100-0002-0000-0300-000000000000";

for (const name of ["slices.h264", "aac.flv", "layers.h265", "hevc.h265.flv"]) {
  test(`every reader undoes the emulation prevention in ${name}`, { skip }, async () => {
    const file = await find(name);
    const args = ["--every", "frame", "--text", TEXT, "--uuid", ZEROS];
    await changed(file, insert(args), async (after) => {
      for (const [reader, texts] of Object.entries(await readers(after, ZEROS.replaceAll("-", "")))) {
        same(texts, Array(file.frames).fill(TEXT), reader);
      }
      await sameAsReader(after);
      await changed(after, strip(["--uuid", ZEROS]), async (stripped) => {
        assert.ok((await readFile(stripped.path)).equals(await readFile(file.path)));
      });
    });
  });
}

/** A NUL behind the text, which readers in C end it by; and texts that are no JSON. */
for (const name of ["slices.h264", "aac.flv"]) {
  test(`a NUL behind the text, and a text that is no JSON, in ${name}`, { skip }, async () => {
    const file = await find(name);
    const plain = "scene quiz, \u5e03\u5c40";
    const args = ["--every", "frame", "--text", plain];
    await draft(name, undefined, async (to) => {
      const { status, err } = await insert(args)(file.path, to);
      assert.equal(status, 2);
      assert.match(err, /the message is not JSON/);
      assert.ok(!existsSync(to));
    });
    for (const [nul, end] of [[[], ""], [["--nul"], "\0"]]) {
      await changed(file, insert([...args, "--plain", ...nul]), async (after) => {
        for (const [reader, texts] of Object.entries(await readers(after, OURS))) {
          same(texts, Array(file.frames).fill(plain + end), reader);
        }
        // dump shows the text without it; it counts in the size.
        const size = 16 + Buffer.byteLength(plain) + end.length;
        const told = (await dump(after)).filter(ours).map(({ text, size }) => ({ text, size }));
        same(told, Array(file.frames).fill({ text: plain, size }), "dump");
        await changed(after, strip([]), async (stripped) => {
          assert.ok((await readFile(stripped.path)).equals(await readFile(file.path)));
        });
      });
    }
  });
}

/** Of the types without UUID h264-reader says every byte; strip goes by what the text has. */
for (const [name, type] of [["slices.h264", 100], ["aac.flv", 100], ["hash.h265", 254], ["enhanced.h265.flv", 242]]) {
  test(`a message of type ${type} in ${name} is read and taken out by its content`, { skip }, async () => {
    const file = await find(name);
    const args = ["--every", "frame", "--text", TEXT, "--payload-type", `${type}`];
    await changed(file, insert(args), async (after) => {
      const found = (await reader(after)).filter(({ payload_type }) => payload_type === type);
      same(found.map(({ data }) => Buffer.from(data, "hex").toString()), Array(file.frames).fill(TEXT), "h264-reader");
      same((await decoded(after)).pictures, (await decoded(file)).pictures, "pictures");
      const taken = ["--payload-type", `${type}`, "--match"];
      await changed(after, strip([...taken, "canvas"]), async (stripped) => {
        assert.ok((await readFile(stripped.path)).equals(await readFile(file.path)));
      });
      await changed(after, strip([...taken, "regions"]), async (stripped) => {
        assert.ok((await readFile(stripped.path)).equals(await readFile(after.path)));
      });
    });
  });
}

/** The stream of a file as Annex B. */
async function annexB({ path, flv }, how) {
  const bytes = await readFile(path);
  return flv ? toAnnexB(bytes, how) : bytes;
}

/** What h264-reader reads, in the configuration of H.265 as well. */
const reader = async (file) =>
  draft(file.codec, await annexB(file, { messages: true }), (path) => h264Reader({ path, codec: file.codec }));

/** What ffmpeg decodes. Of FLV it is given the stream, since some kinds it cannot open. */
const decoded = async (file, format) =>
  draft(file.codec, await annexB(file), (path) => ffmpeg({ path, codec: file.codec, flv: false }, format));

/**
 * Every message, others' as well, in the order of the file. What is at `offset` in the file itself is
 * the message: its type, its size and its content.
 */
async function sameAsReader(file) {
  const told = (await dump(file)).map((line) => ({ ...line, uuid: line.uuid?.replaceAll("-", "") ?? "" }));
  const text = (data) => Buffer.from(data, "hex").toString();
  const stream = await annexB(file, { messages: true });
  const read = (await reader(file)).map(({ payload_type, uuid, data, offset }) => ({
    payload_type,
    nal_type: file.codec === "h264" ? stream[offset] & 31 : stream[offset] >> 1 & 63,
    uuid,
    size: (uuid.length + data.length) / 2,
    text: uuid === OURS && text(data),
    payload: uuid + data,
  }));
  const bytes = await readFile(file.path);
  same(
    told.map(({ payload_type, nal_type, uuid, size, text, offset }) => {
      const there = messageAt(bytes, offset);
      assert.equal(there.payload_type, payload_type, `at ${offset}`);
      assert.equal(there.size, size, `at ${offset}`);
      return { payload_type, nal_type, uuid, size, text: uuid === OURS && text, payload: there.payload };
    }),
    read,
    "dump",
  );
  if (!file.flv) return;
  // With a message in every frame the times are those of the frames.
  const times = told.filter(({ uuid }) => uuid === OURS).map(({ pts_ms }) => pts_ms);
  if (times.length === 0) return;
  same(times, framesOf(await readFile(file.path)).map(({ pts }) => pts), "times");
}

/** The message that begins at a place: H.264 7.3.2.3.1 and 7.4.1, the same in H.265. */
function messageAt(bytes, offset) {
  let at = offset;
  let zeros = bytes[at - 1] !== 0 ? 0 : bytes[at - 2] !== 0 ? 1 : 2;
  const next = () => {
    // emulation_prevention_three_byte
    if (zeros >= 2 && bytes[at] === 3) [at, zeros] = [at + 1, 0];
    zeros = bytes[at] === 0 ? zeros + 1 : 0;
    return bytes[at++];
  };
  const number = () => {
    let sum = 0;
    for (let byte = 255; byte === 255; ) sum += byte = next();
    return sum;
  };
  const payload_type = number();
  const size = number();
  return { payload_type, size, payload: Buffer.from(Array.from({ length: size }, next)).toString("hex") };
}

/** That two lists are the same, or where they first differ. */
function same(found, expected, about) {
  const [one, other] = [found, expected].map((list) => list.map((item) => JSON.stringify(item)));
  const at = other.findIndex((item, index) => item !== one[index]);
  const place = at < 0 ? other.length : at;
  const said = `${about}: ${one.length} for ${other.length}; at ${place} ${one[place]}, not ${other[place]}`;
  assert.ok(at < 0 && one.length === other.length, said);
}

/**
 * Without the new units the stream has the old ones. Each new one is of the type of prefix SEI, and the
 * next unit is a slice, in H.265 of the same temporal sub-layer.
 */
function placed(codec, before, after) {
  const old = units(before);
  let at = 0;
  let fresh = 0;
  const all = units(after);
  all.forEach((nal, number) => {
    if (old[at]?.equals(nal)) {
      at += 1;
      return;
    }
    fresh += 1;
    const next = all[number + 1];
    assert.ok(next, "a message stands after the last slice");
    const { sei, slice } = kind(codec, nal, next);
    assert.ok(sei, `unit ${number}: ${nal.toString("hex", 0, 4)} before ${next.toString("hex", 0, 4)}`);
    assert.ok(slice, `unit ${number}: ${nal.toString("hex", 0, 4)} before ${next.toString("hex", 0, 4)}`);
  });
  assert.equal(at, old.length, "a unit is missing");
  assert.ok(fresh > 0);
}
