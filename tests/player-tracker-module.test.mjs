// How the player's module is loaded, and what is left when it stops, which it must not.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { alibaba, annexb } from "./lib/frames.mjs";

const DIST = new URL("../web/player/dist/", import.meta.url);
const { LayoutTracker, init } = await import(new URL("node.js", DIST)).catch(() => assert.fail("run tools/build-player"));

const frame = annexb(alibaba(["a", 0, 0, 1, 1]));
const code = (call) => {
  try {
    call();
  } catch (error) {
    return error.code;
  }
  return null;
};

test("whoever has the right module is not refused for one who had not", async () => {
  const wrong = new Uint8Array(8);
  assert.equal(code(() => new LayoutTracker()), "player.not_initialised");
  const all = await Promise.allSettled([init({ wasm: wrong }), init({ wasm: wrong }), init(), init({ wasm: wrong })]);
  assert.deepEqual(all.map(({ status }) => status), ["rejected", "rejected", "fulfilled", "fulfilled"]);
  assert.equal(all[0].reason.code, "player.wasm_not_compiled");
  assert.equal(init(), init({ wasm: wrong }));
});

test("where a call ends in the middle, each tracker says it once, and nothing throws", async (t) => {
  // Another copy of the package, with a module of which calls can be made to fail.
  const source = await readFile(new URL("core.js", DIST), "utf8");
  const url = `data:text/javascript,${encodeURIComponent(`${source}\n//another`)}`;
  const other = await import(url);
  let fails = "";
  const instantiate = WebAssembly.instantiate;
  t.after(() => (WebAssembly.instantiate = instantiate));
  WebAssembly.instantiate = async (module, imports) => {
    const { exports: real } = await instantiate(module, imports);
    const exports = { ...real };
    for (const name of Object.keys(real).filter((name) => typeof real[name] === "function")) {
      exports[name] = (...args) => {
        if (name === fails || fails === "all") throw new WebAssembly.RuntimeError("unreachable");
        return real[name](...args);
      };
    }
    return { exports };
  };
  const fresh = async (count) => {
    const copy = await import(`${url}${count}`);
    await copy.initFrom(() => readFile(new URL("livegate_player.wasm", DIST)))();
    return copy;
  };
  assert.notEqual(other.LayoutTracker, LayoutTracker);
  const calls = {
    push: (tracker) => tracker.push(frame, 1),
    flv_tag: (tracker) => tracker.pushFlvTag(frame),
    flv: (tracker) => tracker.appendFlv(frame),
    ts: (tracker) => tracker.appendTs(frame),
    room: (tracker) => tracker.appendFlv(new Uint8Array(60_000)),
    configure: (tracker) => tracker.configure({ codec: "h264", format: "annexb" }),
    configure_record: (tracker) => tracker.configure({ codec: "h264", format: "avcc", description: new Uint8Array(9) }),
    at: (tracker) => tracker.at(2),
    layout: (tracker) => (tracker.reset(), tracker.push(frame, 1), tracker.at(2)),
    messages: (tracker) => tracker.push(frame, 3),
    place: (tracker, layout) => tracker.place(layout, { width: 9, height: 9, videoWidth: 9, videoHeight: 9 }),
    shift: (tracker) => (tracker.offset = 1),
    reset: (tracker) => tracker.reset(),
    base_us: (tracker) => tracker.baseTime,
    close: (tracker) => tracker.close(),
  };
  let count = 0;
  for (const [name, call] of Object.entries(calls)) {
    fails = "";
    const { LayoutTracker } = await fresh((count += 1));
    const [one, two] = [new LayoutTracker(), new LayoutTracker()];
    const told = [[], []];
    [one, two].forEach((tracker, index) => {
      tracker.configure({ codec: "h264", format: "annexb" });
      tracker.push(frame, 1);
      tracker.display(1.5);
      tracker.addEventListener("warning", ({ warning }) => told[index].push(warning.code));
      tracker.addEventListener("message", () => {});
    });
    const layout = one.current;
    assert.equal(layout.panes[0].uid, "a");
    fails = name;
    if (name === "free") fails = "all";
    try {
      call(one, layout);
    } catch (error) {
      assert.fail(`${name}: ${error}`);
    }
    // No other call is made from now on: each would throw.
    fails = "all";
    for (const each of [one, two]) for (const use of Object.values(calls)) use(each, layout);
    assert.deepEqual(told, [["player.stopped"], ["player.stopped"]], name);
    assert.deepEqual([one.current, two.current], [null, null]);
    assert.equal(code(() => new LayoutTracker()), "player.stopped");
  }
});
