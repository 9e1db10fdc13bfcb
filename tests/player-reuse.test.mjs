// A tracker that is closed, stopped or used again, in Node.js: what it followed before leaves no trace.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { before, test } from "node:test";

import { alibaba, annexb, avcc, sei } from "./lib/frames.mjs";
import { until } from "./lib/wait.mjs";
import { write } from "./media/flv.mjs";

let player;
let adapters;
before(async () => {
  player = await import("../web/player/dist/node.js").catch(() => assert.fail("run tools/build-player"));
  adapters = { ...(await import("../web/player/dist/mpegts.js")), ...(await import("../web/player/dist/xgplayer.js")) };
  await player.init();
});

const message = (uid) => alibaba([uid, 0, 0, 1, 1]);
const uidOf = ({ text }) => JSON.parse(text).stream[0].uid;

function tracked() {
  const tracker = new player.LayoutTracker();
  const told = [];
  tracker.addEventListener("message", ({ message }) => told.push([uidOf(message), message.time]));
  tracker.configure({ codec: "h264", format: "annexb" });
  return { tracker, told };
}

/** mpegts.js and flv.js give a loader this much. */
class BaseLoader {
  isWorking() {
    return this._status === 1 || this._status === 2;
  }
  destroy() {}
}
const library = { BaseLoader };

/** What a loader of ours gives its player, of an address: pieces as they come. */
function loading(customLoader, url, at = {}) {
  const loader = new customLoader({ getConfig: (url) => ({ url }), removeURLParameters: (url) => url }, {});
  const given = { bytes: 0, ended: false, ...at };
  loader.onDataArrival = (chunk) => (given.bytes += chunk.byteLength);
  loader.onComplete = () => (given.ended = true);
  loader.onError = (type, info) => (given.failed = info);
  loader.open({ url }, { from: 0, to: -1 });
  return { loader, given };
}

async function server(t, answer) {
  const server = createServer(answer);
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  });
  return `http://127.0.0.1:${server.address().port}/`;
}

test("after a connection that failed and was stopped, messages of the next stream are told", async (t) => {
  const url = await server(t, (_, response) => response.writeHead(404).end());
  const { tracker, told } = tracked();
  const { customLoader, stop } = adapters.mpegtsLoader(library, tracker);
  const { given } = loading(customLoader, url);
  await until(() => given.failed);
  stop();
  tracker.push(annexb(message("a")), 1);
  assert.deepEqual(told, [["a", 1]]);
});

test("an older connection that is stopped leaves the next one's messages", () => {
  const { tracker, told } = tracked();
  const forget = tracker.awaitOffset();
  tracker.reset();
  tracker.awaitOffset();
  forget();
  tracker.push(annexb(message("a")), 8);
  assert.deepEqual(told, []);
  tracker.offset = 5;
  assert.deepEqual(told, [["a", 3]]);
});

test("what waited and was forgotten takes no room from what waits next", () => {
  const { tracker, told } = tracked();
  const forget = tracker.awaitOffset();
  for (let at = 0; at < 30; at += 1) tracker.push(annexb(message(`${at}`.padEnd(60_000, "x"))), at);
  forget();
  tracker.awaitOffset();
  tracker.push(annexb(message("a")), 40);
  tracker.offset = 2;
  assert.deepEqual(told, [["a", 38]]);
});

test("another stream has neither the offset nor the messages that waited for it", () => {
  const { tracker, told } = tracked();
  tracker.offset = 100;
  tracker.awaitOffset();
  tracker.push(annexb(message("old")), 101);
  tracker.reset();
  assert.equal(tracker.offset, 0);
  tracker.push(annexb(message("new")), 1);
  assert.deepEqual(told, [["new", 1]]);
  assert.equal(tracker.display(1)?.panes[0].uid, "new");
  // A part of the same stream has the same.
  tracker.offset = 7;
  tracker.reset({ keepLayouts: true });
  assert.equal(tracker.offset, 7);
});

test("xgplayer's media time begins at 0, whatever the tracker followed before", () => {
  const { tracker } = tracked();
  tracker.offset = 100;
  const listeners = {};
  adapters.trackXgplayer({ media: null, on: (name, listener) => (listeners[name] = listener), off: () => {} }, tracker);
  const sample = { units: [new Uint8Array(sei(message("x")))], pts: 40, dts: 40, duration: 40 };
  listeners["core.demuxedtrack"]({ videoTrack: { codecType: "avc", timescale: 1_000, samples: [sample] } });
  assert.equal(tracker.display(0.04)?.panes[0].uid, "x");
});

test("of another stream nothing is displayed before its first frame", () => {
  const { tracker } = tracked();
  const shown = [];
  tracker.addEventListener("layout", ({ layout }) => shown.push(layout?.panes[0].uid ?? null));
  tracker.push(annexb(message("old")), 1);
  tracker.display(1.1);
  tracker.reset();
  tracker.push(annexb(message("first")), 0);
  tracker.push(annexb(message("second")), 1);
  tracker.offset = 0.02;
  assert.deepEqual(shown, ["old", null]);
  assert.equal(tracker.current, null);
  tracker.display(0);
  assert.deepEqual(shown, ["old", null, "first"]);
});

test("a closed tracker passes everything over", () => {
  const other = tracked().tracker;
  other.push(annexb(message("a")), 1);
  const layout = other.display(1);
  // Before its first frame: it has no room for any yet.
  const { tracker } = tracked();
  tracker.close();
  const frame = annexb(message("b"));
  const video = Object.assign(new EventTarget(), { ownerDocument: new EventTarget(), readyState: 0, requestVideoFrameCallback: () => 1, cancelVideoFrameCallback: () => {} });
  const calls = {
    configure: [{ codec: "h264", format: "avcc", description: new Uint8Array(20) }],
    push: [frame, 2],
    pushRtp: [frame, 2],
    pushFlvTag: [frame, 2],
    pushUnits: [[new Uint8Array(sei(message("b")))], 2],
    appendFlv: [frame],
    appendMp4: [frame],
    appendTs: [frame],
    reset: [],
    timeOf: [new Uint8Array(9), 2],
    at: [2],
    display: [2],
    displayRtp: [2],
    attach: [video],
    place: [layout, { width: 1, height: 1, videoWidth: 1, videoHeight: 1 }],
    awaitOffset: [],
    close: [],
  };
  const all = Object.getOwnPropertyNames(player.LayoutTracker.prototype).filter((name) => name !== "constructor" && name !== "addEventListener");
  const accessors = all.filter((name) => "get" in Object.getOwnPropertyDescriptor(player.LayoutTracker.prototype, name));
  assert.deepEqual(all.filter((name) => !accessors.includes(name)).sort(), Object.keys(calls).sort());
  for (const [name, given] of Object.entries(calls)) assert.doesNotThrow(() => tracker[name](...given), name);
  for (const name of accessors) assert.doesNotThrow(() => tracker[name], name);
  assert.doesNotThrow(() => (tracker.offset = 3));
  assert.equal(tracker.current, null);
});

/** avcC with lengths of 4 bytes and one parameter set of each kind: ISO/IEC 14496-15 §5.3.3.1. */
const AVCC = [1, 0x42, 0, 0x1e, 0xff, 0xe1, 0, 2, 0x67, 0x42, 1, 0, 2, 0x68, 0xce];

test("a live stream whose sound does not come is held back for half a second, and no longer", async (t) => {
  // The header says sound and picture; there is a picture every 40 ms, and no sound.
  const start = 100_000;
  let lasted;
  const tag = (time, body) => ({ type: 9, time, body: Buffer.from(body) });
  const head = write({ header: Buffer.from([0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9]), tags: [tag(start, [0x17, 0, 0, 0, 0, ...AVCC])] });
  const url = await server(t, async (_, response) => {
    response.write(head);
    for (let at = 0; !response.destroyed; at += 1) {
      lasted = at * 40;
      response.write(write({ header: Buffer.alloc(0), tags: [tag(start + at * 40, [0x17, 1, 0, 0, 0, ...avcc(message(`${at}`))])] }).subarray(4));
      await new Promise((later) => setTimeout(later, 40));
    }
  });
  const { tracker, told } = tracked();
  const { customLoader, stop } = adapters.mpegtsLoader(library, tracker);
  const { loader, given } = loading(customLoader, url);
  await until(() => given.bytes > 0);
  // Of pictures, which came no faster than that.
  assert.ok(lasted < 1_500, `${lasted} ms`);
  assert.equal(tracker.offset, 100);
  assert.deepEqual(told[0], ["0", 0]);
  loader.abort();
  stop();
});

test("mpegts.js' own times correct the offset only by a message that there is once", () => {
  const { tracker } = tracked();
  const listeners = {};
  const made = {
    on: (name, listener) => (listeners[name] = listener),
    off: (name) => delete listeners[name],
  };
  const mpegts = { BaseLoader, Events: { SEI_ARRIVED: "sei_arrived", DESTROYING: "destroying" }, createPlayer: () => made };
  const { stop } = adapters.createMpegtsPlayer(mpegts, tracker, { type: "flv", url: "/" });
  const UUID = Uint8Array.from([0x6c, 0x69, 0x76, 0x65, 0x67, 0x61, 0x80, 0x74, 0xa5, 0x65, 0x2d, 0x73, 0x65, 0x69, 0x2d, 0x31]);
  const says = (text, seconds, uuid = UUID) => listeners.sei_arrived({ type: 5, uuid, user_data: new TextEncoder().encode(text), pts: seconds * 1_000 });
  // The player's base is 60 ms later than was thought; frames are 40 ms apart.
  for (let at = 0; at < 5; at += 1) tracker.push(annexb(message("same")), 10 + at * 0.04);
  says(message("same"), 10 - 0.06);
  assert.equal(tracker.offset, 0, "it could be any of five");
  tracker.push(annexb(message("once")), 11);
  says(`${message("once")} and more`, 5);
  says(message("once"), 5, new Uint8Array(16));
  assert.equal(tracker.offset, 0, "it is another message");
  says(message("once"), 11 - 0.06);
  assert.ok(Math.abs(tracker.offset - 0.06) < 1e-9, `${tracker.offset}`);
  // Twice, and after the player is gone.
  listeners.destroying();
  made.off = null;
  stop();
  stop();
});
