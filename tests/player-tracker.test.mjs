// The player's tracker in Node.js, on streams made by hand.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { alibaba, annexb, avcc, sei } from "./lib/frames.mjs";
import { write } from "./media/flv.mjs";
import { garbage } from "../tools/benches/player-garbage.mjs";

let player;
before(async () => {
  player = await import("../web/player/dist/node.js").catch(() => assert.fail("run tools/build-player"));
  await player.init();
});

/** A tracker, and the users of the messages that it told: `[uid, time]`. */
function tracked(options) {
  const tracker = new player.LayoutTracker(options);
  const told = [];
  tracker.addEventListener("message", ({ message }) => told.push([JSON.parse(message.text).stream[0].uid, message.time]));
  return { tracker, told };
}

const message = (uid) => alibaba([uid, 0, 0, 1, 1]);
/** avcC with lengths of 4 bytes and one parameter set of each kind: ISO/IEC 14496-15 §5.3.3.1. */
const AVCC = [1, 0x42, 0, 0x1e, 0xff, 0xe1, 0, 2, 0x67, 0x42, 1, 0, 2, 0x68, 0xce];
const tag = (time, body, cts = 0) => ({ type: 9, time, body: Buffer.from([0x17, 1, 0, 0, cts, ...body]) });
const stream = (...tags) =>
  write({ header: Buffer.from([0x46, 0x4c, 0x56, 1, 1, 0, 0, 0, 9]), tags: [{ type: 9, time: 0, body: Buffer.from([0x17, 0, 0, 0, 0, ...AVCC]) }, ...tags] });

test("goes on at a tag after a seek, with what the stream's head has said", () => {
  const { tracker, told } = tracked();
  const bytes = stream(tag(0, avcc(message("a"))), tag(1000, avcc(message("b"))), tag(2000, avcc(message("c"))));
  const last = bytes.length - write({ header: Buffer.alloc(0), tags: [tag(2000, avcc(message("c")))] }).length + 4;
  tracker.appendFlv(bytes.subarray(0, 300));
  tracker.reset({ keepLayouts: true });
  tracker.appendFlv(bytes.subarray(last));
  assert.deepEqual(told, [["a", 0], ["c", 2]]);
  assert.deepEqual([0, 1.5, 2].map((time) => tracker.at(time)?.panes[0].uid), ["a", "a", "c"]);
  // Another file of the same kind may follow, with a head of its own.
  tracker.reset({ keepLayouts: true });
  tracker.appendFlv(stream(tag(3000, avcc(message("d")))));
  assert.deepEqual(told.at(-1), ["d", 3]);
});

test("reads whatever holds bytes", () => {
  const frame = annexb(message("a"));
  const inside = new Uint8Array([9, ...frame, 9]);
  const view = new DataView(inside.buffer, 1, frame.length);
  const shared = new Uint8Array(new SharedArrayBuffer(frame.length));
  shared.set(frame);
  for (const bytes of [frame, frame.buffer, view, Buffer.from(frame), shared, shared.buffer]) {
    const { tracker, told } = tracked();
    tracker.configure({ codec: "h264", format: "annexb" });
    assert.equal(tracker.push(bytes, 1), 1, Object.prototype.toString.call(bytes));
    assert.equal(tracker.push(bytes, 2, frame.length), 1);
    assert.equal(tracker.push(bytes, 3, 4), 0, "a part of it is no message");
    assert.deepEqual(told, [["a", 1], ["a", 2]]);
  }
  const whole = new Uint8Array(stream(tag(0, avcc(message("b"))))).buffer;
  assert.equal(tracked().tracker.appendFlv(whole), 1);
  const { tracker } = tracked();
  tracker.pushFlvTag(whole.slice(13, 13 + 11 + 5 + AVCC.length));
  assert.equal(tracker.pushFlvTag(whole.slice(13 + 11 + 5 + AVCC.length + 4)), 1);
});

test("says how many messages there were, whatever else it tells", () => {
  const { tracker } = tracked();
  const warned = [];
  tracker.addEventListener("warning", ({ warning }) => warned.push(warning.code));
  assert.equal(tracker.push(annexb(message("a")), 0), 0);
  assert.deepEqual(warned, ["player.not_configured"]);
  tracker.configure({ codec: "h264", format: "annexb" });
  // Of a frame 64 are read.
  assert.equal(tracker.push(annexb(...Array.from({ length: 70 }, (_, uid) => message(`${uid}`))), 1), 64);
  assert.deepEqual(warned, ["player.not_configured", "player.too_many_messages"]);
  // What is wrong in a stream is told, and is no message.
  const wrong = stream(tag(0, avcc(message("c"))));
  wrong.fill(0xff, 0, 3);
  assert.equal(tracker.appendFlv(wrong), 0);
  assert.equal(warned.length, 3);
});

test("finds the same messages however a stream is cut", () => {
  const bytes = stream(...[..."abcdef"].map((uid, at) => tag(at * 40, avcc(message(uid)), 80)));
  const whole = tracked();
  whole.tracker.appendFlv(bytes);
  assert.deepEqual(whole.told, [..."abcdef"].map((uid, at) => [uid, (at * 40 + 80) / 1000]));
  for (const size of [1, 2, 3, 7, 100, 1000]) {
    const { tracker, told } = tracked();
    for (let at = 0; at < bytes.length; at += size) tracker.appendFlv(bytes.subarray(at, at + size));
    assert.deepEqual(told, whole.told, `${size} bytes at a time`);
  }
});

test("reads tags, samples, access units and bare NAL units alike", () => {
  const { tracker, told } = tracked();
  tracker.pushFlvTag(stream(tag(0, [])).subarray(13, 13 + 11 + 5 + AVCC.length));
  tracker.pushFlvTag(stream(tag(500, avcc(message("tag")))).subarray(13 + 11 + 5 + AVCC.length + 4));
  tracker.configure({ codec: "h264", format: "avcc" });
  tracker.push(avcc(message("sample")), 1);
  tracker.configure({ codec: "h264", format: "avcc", description: new Uint8Array(AVCC) });
  tracker.push(avcc(message("described")), 2);
  tracker.pushUnits([new Uint8Array(sei(message("units"), message("second"))), new Uint8Array([0x65, ...new Array(5000).fill(7)])], 3);
  tracker.configure({ codec: "h264", format: "annexb" });
  tracker.push(annexb(message("unit")), 4);
  assert.deepEqual(told, [["tag", 0.5], ["sample", 1], ["described", 2], ["units", 3], ["second", 3], ["unit", 4]]);
});

test("times messages by the offset, also those that came before it was known", () => {
  const { tracker, told } = tracked();
  tracker.awaitOffset();
  tracker.configure({ codec: "h264", format: "annexb" });
  tracker.push(annexb(message("a")), 100);
  assert.deepEqual(told, []);
  tracker.offset = 99.5;
  tracker.push(annexb(message("b")), 101);
  assert.deepEqual(told, [["a", 0.5], ["b", 1.5]]);
  assert.equal(tracker.display(0.5).panes[0].uid, "a");
  // A layout that comes late for the displayed frame counts at once.
  tracker.push(annexb(message("late")), 100);
  assert.equal(tracker.current.panes[0].uid, "late");
});

test("messages that wait for the offset are all told, or a warning is", () => {
  const { tracker, told } = tracked();
  const warnings = [];
  tracker.addEventListener("warning", ({ warning }) => warnings.push(warning.code));
  tracker.awaitOffset();
  tracker.configure({ codec: "h264", format: "annexb" });
  // Two seconds of six a frame.
  for (let frame = 0; frame < 60; frame += 1) {
    tracker.push(annexb(...Array.from({ length: 6 }, (_, index) => message(`${frame}-${index}`))), 100 + frame / 30);
  }
  tracker.offset = 100;
  assert.equal(told.length, 360);
  assert.deepEqual(warnings, []);
  tracker.awaitOffset();
  const large = message("x".repeat(250)).replace('"stream"', `"q":"${"y".repeat(60_000)}","stream"`);
  for (let frame = 0; frame < 20; frame += 1) tracker.push(annexb(large), 110 + frame / 30);
  assert.deepEqual(warnings, ["player.too_many_messages"]);
  tracker.offset = 100;
  // Of a mebibyte seventeen.
  assert.equal(told.length, 360 + 17);
});

test("a time that is none is told, and its frame passed over", () => {
  const { tracker, told } = tracked();
  const warnings = [];
  tracker.addEventListener("warning", ({ warning }) => warnings.push([warning.code, warning.count]));
  tracker.configure({ codec: "h264", format: "annexb" });
  const frame = annexb(message("a"));
  for (const time of [NaN, undefined, Infinity, -Infinity, 1e300]) {
    assert.equal(tracker.push(frame, time), 0);
    assert.equal(tracker.pushUnits([new Uint8Array(sei(message("a")))], time), 0);
  }
  assert.equal(tracker.pushFlvTag(frame, Infinity), 0);
  assert.equal(tracker.appendTs(frame, NaN), 0);
  assert.deepEqual([told, warnings], [[], [["player.not_a_time", 1]]]);
  assert.deepEqual([0, 1e12].map((time) => tracker.at(time)), [null, null]);
});

test("no more of a frame is read than there is", () => {
  const { tracker, told } = tracked();
  tracker.configure({ codec: "h264", format: "annexb" });
  const large = annexb(message("a".repeat(100)));
  tracker.push(large, 1);
  for (const length of [1_000, Infinity, NaN]) tracker.push(large.subarray(0, 4), 2, length);
  assert.equal(tracker.push(large, 3, -1), 0);
  assert.deepEqual(told, [["a".repeat(100), 1]]);
});

test("the time of a message that a player tells of is found by its content", () => {
  const { tracker } = tracked();
  tracker.configure({ codec: "h264", format: "annexb" });
  tracker.push(annexb(message("a")), 100);
  tracker.push(annexb(message("b")), 100.04);
  tracker.offset = 99.5;
  const bytes = (text) => new TextEncoder().encode(text);
  assert.equal(tracker.timeOf(bytes(message("a")), 0.56), 100);
  assert.equal(tracker.timeOf(bytes(message("c")), 0.5), NaN);
  tracker.push(annexb(message("a")), 100.08);
  assert.equal(tracker.timeOf(bytes(message("a")), 0.56), NaN);
});

test("RTP timestamps wrap", () => {
  const { tracker } = tracked();
  tracker.configure({ codec: "h264", format: "annexb" });
  tracker.pushRtp(annexb(message("before")), 2 ** 32 - 3000);
  tracker.pushRtp(annexb(message("after")), 3000);
  assert.equal(tracker.displayRtp(2 ** 32 - 3000).panes[0].uid, "before");
  assert.equal(tracker.displayRtp(0).panes[0].uid, "before");
  assert.equal(tracker.displayRtp(3000).panes[0].uid, "after");
});

test("what is wrong is refused with a code, and what is broken never throws", () => {
  const tracker = new player.LayoutTracker();
  const code = (wrong) => {
    try {
      wrong();
    } catch (error) {
      return error instanceof player.PlayerError && error.code;
    }
    return null;
  };
  assert.equal(code(() => tracker.configure({ codec: "vp8", format: "annexb" })), "player.configuration");
  assert.equal(code(() => tracker.configure({ codec: "h264", format: "avcc", lengthSize: 3 })), "player.configuration");
  assert.equal(code(() => tracker.configure({ codec: "h264", format: "avcc", description: new Uint8Array(3) })), "player.configuration");
  assert.equal(code(() => tracker.configure()), "player.configuration");
  for (const description of [5, -1, "avcC", {}, []]) {
    assert.equal(code(() => tracker.configure({ codec: "h264", format: "avcc", description })), "player.configuration");
  }
  assert.equal(code(() => new player.LayoutTracker({ maxAge: 0 })), "player.configuration");
  let seed = 7;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647);
  for (let round = 0; round < 2_000; round += 1) {
    const bytes = annexb(message("x")).map((byte) => (random() % 20 === 0 ? random() & 255 : byte));
    tracker.configure({ codec: round % 2 ? "h264" : "h265", format: round % 3 ? "annexb" : "avcc" });
    tracker.push(bytes.subarray(0, random() % bytes.length), random() % 100);
    tracker.pushFlvTag(bytes, NaN);
    tracker.appendTs(bytes);
    tracker.appendFlv(bytes);
    tracker.display(random() % 100);
  }
  for (const time of [NaN, Infinity, -Infinity, -1, 1e300]) {
    tracker.push(annexb(message("x")), time);
    tracker.display(time);
    tracker.at(time);
  }
  tracker.close();
  assert.equal(tracker.push(annexb(message("x")), 1), 0);
  assert.equal(tracker.current, null);
});

test("a frame without a message makes nothing that would have to be collected", () => {
  // A number that is no whole one, made anew for each, would be 16 bytes.
  assert.ok(garbage().pushed < 1);
});
