// The loader that mpegts.js and flv.js are given, in Node.js: what it asks for, what it says of connections that end, and
// that bytes that are loaded again are not read again.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { alibaba, avcc } from "./lib/frames.mjs";
import { until } from "./lib/wait.mjs";
import { write } from "./media/flv.mjs";

let player;
let adapter;
before(async () => {
  player = await import("../web/player/dist/node.js").catch(() => assert.fail("run tools/build-player"));
  adapter = await import("../web/player/dist/mpegts.js");
  await player.init();
});

/** avcC with lengths of 4 bytes and one parameter set of each kind: ISO/IEC 14496-15 §5.3.3.1. */
const AVCC = [1, 0x42, 0, 0x1e, 0xff, 0xe1, 0, 2, 0x67, 0x42, 1, 0, 2, 0x68, 0xce];
const USERS = [..."abcdefgh"];
const picture = (uid, at) => ({ type: 9, time: at * 40, body: Buffer.from([0x17, 1, 0, 0, 0, ...avcc(alibaba([uid, 0, 0, 1, 1]))]) });
const STREAM = write({ header: Buffer.from([0x46, 0x4c, 0x56, 1, 1, 0, 0, 0, 9]), tags: [{ type: 9, time: 0, body: Buffer.from([0x17, 0, 0, 0, 0, ...AVCC]) }, ...USERS.map(picture)] });
/** In the middle of a tag. */
const HALF = STREAM.length >> 1;

/** mpegts.js and flv.js give a loader this much. */
class BaseLoader {
  isWorking() {
    return this._status === 1 || this._status === 2;
  }
  destroy() {}
}

function tracked() {
  const tracker = new player.LayoutTracker();
  const told = [];
  tracker.addEventListener("message", ({ message }) => told.push(JSON.parse(message.text).stream[0].uid));
  const { customLoader: Loader } = adapter.mpegtsLoader({ BaseLoader }, tracker);
  /** A connection, and what the player is told of it. */
  const connect = ({ from = 0, url = "http://127.0.0.1/live.flv", config = {}, ...source } = {}) => {
    const heard = { bytes: [], places: [] };
    const loader = new Loader({ getConfig: (url, { from }) => ({ url, headers: from > 0 ? { Range: `bytes=${from}-` } : {} }), removeURLParameters: (url) => url }, config);
    loader.onDataArrival = (chunk, place) => {
      heard.bytes.push(...new Uint8Array(chunk));
      heard.places.push(place);
    };
    loader.onComplete = (...range) => (heard.complete = range);
    loader.onError = (type) => (heard.failed = type);
    loader.onURLRedirect = (url) => (heard.redirected = url);
    loader.open({ url, ...source }, { from, to: -1 });
    return { loader, heard };
  };
  return { told, connect };
}

/** Answers what is fetched with pieces as they come; gives what was asked. */
function answering(t, pieces, headers = {}) {
  const asked = [];
  t.mock.method(globalThis, "fetch", async (url, init) => {
    asked.push({ url, ...init });
    let at = 0;
    const body = new ReadableStream({
      async pull(stream) {
        const piece = pieces[at++];
        if (piece) stream.enqueue(new Uint8Array(piece));
        // What is not ended goes on as long as nobody aborts it.
        else if (pieces.goesOn) await new Promise((_, fail) => init.signal.addEventListener("abort", () => fail(new Error("aborted"))));
        else stream.close();
      },
    });
    return new Response(body, { headers });
  });
  return asked;
}

test("what was read is not read again when the player loads it again, and the player has all of it", async (t) => {
  const { told, connect } = tracked();
  const cut = Object.assign([STREAM.subarray(0, 100), STREAM.subarray(100, HALF)], { goesOn: true });
  answering(t, cut);
  const first = connect();
  await until(() => first.heard.bytes.length === HALF);
  first.loader.abort();
  const before = told.length;
  assert.ok(before > 1 && before < USERS.length);
  t.mock.restoreAll();
  // It has thrown away what came last; the pieces are others.
  const from = HALF - 150;
  const [asked] = [answering(t, [STREAM.subarray(from, from + 70), STREAM.subarray(from + 70, HALF + 30), STREAM.subarray(HALF + 30)])];
  const second = connect({ from });
  await until(() => second.heard.complete);
  assert.deepEqual(told, USERS);
  assert.deepEqual(Buffer.from(second.heard.bytes), STREAM.subarray(from));
  assert.equal(second.heard.places[0], from);
  assert.deepEqual(second.heard.complete, [from, STREAM.length - 1]);
  assert.equal(asked[0].headers.get("range"), `bytes=${from}-`);
});

test("a connection that ends before all was there is an early end, and nothing else is", async (t) => {
  const { connect } = tracked();
  answering(t, [STREAM.subarray(0, HALF)], { "content-length": `${STREAM.length}` });
  const short = connect().heard;
  await until(() => short.failed ?? short.complete);
  assert.deepEqual([short.failed, short.complete, short.bytes.length], ["EarlyEof", undefined, HALF]);
  t.mock.restoreAll();
  answering(t, [STREAM], { "content-length": `${STREAM.length}` });
  const whole = connect().heard;
  await until(() => whole.failed ?? whole.complete);
  assert.deepEqual([whole.failed, whole.complete], [undefined, [0, STREAM.length - 1]]);
});

test("asks with the headers, credentials and policy that the player was given", async (t) => {
  const { connect } = tracked();
  const asked = answering(t, [STREAM]);
  for (const [options, wanted] of [
    [{}, ["same-origin", null, "cors", "no-referrer-when-downgrade"]],
    [{ withCredentials: true, config: { headers: { "x-me": "1" }, referrerPolicy: "origin" } }, ["include", "1", "cors", "origin"]],
    [{ cors: false, referrerPolicy: "no-referrer", config: { referrerPolicy: "origin" } }, ["same-origin", null, "same-origin", "no-referrer"]],
  ]) {
    const { heard } = connect(options);
    await until(() => heard.complete);
    const { credentials, headers, mode, referrerPolicy } = asked.at(-1);
    assert.deepEqual([credentials, headers.get("x-me"), mode, referrerPolicy], wanted);
  }
  const { heard } = connect({ redirectedURL: "http://127.0.0.1/other.flv", config: { reuseRedirectedURL: true } });
  await until(() => heard.complete);
  assert.equal(asked.at(-1).url, "http://127.0.0.1/other.flv");
});

test("a stopped player downloads nothing any more, by HTTP or WebSocket", async (t) => {
  const { told, connect } = tracked();
  const asked = answering(t, Object.assign([STREAM.subarray(0, HALF)], { goesOn: true }));
  const http = connect();
  await until(() => http.heard.bytes.length === HALF);
  http.loader.destroy();
  assert.ok(asked[0].signal.aborted);
  assert.deepEqual([http.heard.failed, http.heard.complete], [undefined, undefined]);

  const sockets = [];
  const real = globalThis.WebSocket;
  t.after(() => (globalThis.WebSocket = real));
  globalThis.WebSocket = class {
    closed = 0;
    constructor(url) {
      sockets.push(Object.assign(this, { url }));
    }
    close() {
      this.closed += 1;
      this.onclose?.();
    }
  };
  told.length = 0;
  const { loader, heard } = connect({ url: "ws://127.0.0.1/live.flv" });
  const [socket] = sockets;
  assert.equal(socket.binaryType, "arraybuffer");
  socket.onmessage({ data: new Uint8Array(STREAM).buffer });
  assert.deepEqual(told, USERS);
  assert.equal(heard.bytes.length, STREAM.length);
  loader.abort();
  assert.deepEqual([socket.closed, heard.complete], [1, undefined]);
  // One that the server closes is complete.
  const ended = connect({ url: "ws://127.0.0.1/live.flv" });
  sockets[1].onmessage({ data: new Uint8Array(STREAM).buffer });
  sockets[1].onclose();
  assert.deepEqual(ended.heard.complete, [0, STREAM.length - 1]);
});
