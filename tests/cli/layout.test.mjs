// livegate layout: drawings of layouts, and layouts out of messages and streams.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { find } from "../media/clips.mjs";
import { missing } from "../media/material.mjs";
import { Commander } from "./command.mjs";

const folder = mkdtempSync(join(tmpdir(), "livegate-layout-"));
after(() => rmSync(folder, { recursive: true }));

const cli = new Commander("http://127.0.0.1:1", "none");
const skip = await missing();

/** A file with this text. */
function file(name, text) {
  const path = join(folder, name);
  writeFileSync(path, typeof text === "string" ? text : JSON.stringify(text));
  return path;
}

/** Runs it; it has to succeed. */
async function fine(...args) {
  const { status, out, err } = await cli.run(args);
  assert.equal(status, 0, err);
  return out;
}

/** The example of Alibaba's documentation: two streamers side by side. */
const ALIBABA = {
  stream: [
    { uid: "111", paneid: 0, zorder: 1, x: 0, y: 0.25, w: 0.5, h: 0.5, type: 0, ms: 0, vol: 1, vad: 119 },
    { uid: "222", paneid: 1, zorder: 1, x: 0.5018382, y: 0.25, w: 0.5, h: 0.5, type: 0, ms: 0, vol: 60, vad: 123 },
  ],
};

/** Two people side by side on 640x360, each half of it. */
const HALVES = {
  canvas: { width: 640, height: 360, background: "#102030" },
  template: "horizontal",
  users: ["anna", "<b>&\"ben"],
};

test("render draws SVG that a reader of XML takes, names escaped", async () => {
  const svg = await fine("layout", "render", file("halves.json", HALVES));
  const read = `
import sys, xml.etree.ElementTree as tree
ns = "{http://www.w3.org/2000/svg}"
root = tree.fromstring(sys.stdin.read())
for rect in root.iter(ns + "rect"):
    print(rect.get("x", "0"), rect.get("y", "0"), rect.get("width"), rect.get("height"))
print([text.text for text in root.iter(ns + "text")][::2])`;
  const seen = execFileSync("python3", ["-c", read], { input: svg, encoding: "utf8" });
  assert.equal(seen, `0 0 640 360\n0 0 320 360\n320 0 320 360\n['anna', '<b>&"ben']\n`);
});

test("render writes pixels, and a picture with the panes' colours", { skip }, async () => {
  const layout = file("halves.json", HALVES);
  await fine("layout", "render", layout, join(folder, "out.json"));
  const placed = JSON.parse(readFileSync(join(folder, "out.json")));
  const places = placed.panes.map(({ user, x, y, width, height }) => [user, x, y, width, height]);
  assert.deepEqual(places, [
    ["anna", 0, 0, 320, 360],
    ['<b>&"ben', 320, 0, 320, 360],
  ]);
  // One user in the left half only: the right half is background.
  const half = {
    canvas: HALVES.canvas,
    panes: [{ x: "0", y: "0", width: "0.5", height: "1", user: "anna" }],
    users: ["anna"],
  };
  await fine("layout", "render", file("half.json", half), join(folder, "out.png"));
  const raw = execFileSync("ffmpeg", [
    ...["-v", "error", "-i", join(folder, "out.png"), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
  ]);
  assert.equal(raw.length, 640 * 360 * 3);
  const pixel = (x, y) => raw.subarray((y * 640 + x) * 3, (y * 640 + x) * 3 + 3).toString("hex");
  assert.equal(pixel(480, 180), "102030");
  assert.equal(pixel(160, 300), pixel(100, 320));
  assert.notEqual(pixel(160, 300), "102030");
});

test("from-sei makes of a message a document that render takes", async () => {
  const message = file("alibaba.json", ALIBABA);
  const document = JSON.parse(await fine("layout", "from-sei", message, "--canvas", "1000x400"));
  // Edges are the nearest even pixels: 0.5018382 of 1000 is 501.8; what reaches beyond is cut off.
  assert.deepEqual(
    document.panes.map(({ user, x_px, y_px, width_px, height_px }) => [user, x_px, y_px, width_px, height_px]),
    [
      ["111", 0, 100, 500, 200],
      ["222", 502, 100, 498, 200],
    ],
  );
  const svg = await fine("layout", "render", file("again.json", document));
  assert.equal(svg, await fine("layout", "render", file("again2.json", document)));
  assert.match(svg, /width="498" height="200"/);
});

/** One stream of Alibaba's, with these members otherwise. */
const pane = (members) => ({ ...ALIBABA.stream[0], ...members });

/** Messages at the edge of what is read, and who is shown in each, in the order of the panes. */
const ODD = {
  "a layer beyond Alibaba's": [{ stream: [pane({ zorder: 255 }), pane({ uid: "222", paneid: 1, zorder: 101 })] }, ["111", "222"]],
  "nobody there": [{ stream: [] }, []],
  "the longest name": [{ stream: [pane({ uid: "\u4e3b".repeat(256) })] }, ["\u4e3b".repeat(256)]],
  "a name that is too long": [{ stream: [pane({ uid: "x".repeat(257) }), pane({ paneid: 1 })] }, ["111"]],
  "a name of nothing": [{ stream: [pane({ uid: "" }), pane({ paneid: 1 })] }, ["111"]],
  "a place beyond the canvas": [{ stream: [pane({ x: 0.99, w: 1 }), pane({ uid: "222", x: -3, y: 7 })] }, ["111", "222"]],
  "one user twice, of one pane": [{ stream: [pane({}), pane({ x: 0.5 })] }, ["111", "111"]],
  "64 names of 256 characters": [
    { regions: Array.from({ length: 64 }, (_, n) => ({ suid: `${n}\u0001`.padEnd(256, "\u4e3b"), x: n, y: 0, w: 9, h: 9 })) },
    Array.from({ length: 64 }, (_, n) => `${n}\u0001`.padEnd(256, "\u4e3b")),
  ],
};

test("render takes whatever document from-sei makes, and places the same", async () => {
  for (const [name, [message, users]] of Object.entries(ODD)) {
    const from = file("odd.json", message);
    const document = JSON.parse(await fine("layout", "from-sei", from));
    assert.deepEqual(document.panes.map(({ user }) => user), users, name);
    // In pixels; a document's panes are counted anew, where a message leaves numbers out.
    const places = async (command, input) => {
      await fine("layout", command, input, join(folder, "odd.json"));
      const { canvas, panes } = JSON.parse(readFileSync(join(folder, "odd.json")));
      return { canvas, panes: panes.map(({ pane: _, ...place }) => place) };
    };
    const again = file("odd-document.json", document);
    assert.deepEqual(await places("render", again), await places("from-sei", file("odd-message.json", message)), name);
  }
});

test("from-sei says what it left out, and why a message is none", async () => {
  const said = async (status, message) => {
    const ended = await cli.run(["layout", "from-sei", file("odd.json", message)]);
    assert.equal(ended.status, status, ended.err);
    return ended.err;
  };
  assert.match(await said(0, ODD["a name of nothing"][0]), /stream 0: uid is missing \[payload\.missing\]/);
  assert.match(await said(0, ODD["a name that is too long"][0]), /stream 0: uid .*\[payload\.too_large\]/);
  // A member of 80 levels beside the streams costs itself alone.
  const deep = JSON.stringify(ALIBABA).replace(/}$/, `,"udd":${"[".repeat(80)}${"]".repeat(80)}}`);
  assert.match(await said(0, deep), /\[payload\.too_deep\]/);
  const large = { ...ALIBABA, udd: "x".repeat(65_536) };
  assert.match(await said(1, large), /the message is too long \[payload\.too_large\]/);
  assert.doesNotMatch(await said(1, large), /`stream`/);
  assert.match(await said(1, `${JSON.stringify(ALIBABA)},`.slice(0, 60)), /the message is not JSON \[payload\.not_json\]/);
  assert.match(await said(1, { a: 1 }), /Alibaba's has `stream`/);
});

test("a PNG says that it has no letters beyond Latin-1; an SVG has them", async () => {
  const named = (user) => file("named.json", { ...HALVES, users: ["anna", user] });
  const drawn = async (user, end) => {
    const { status, err } = await cli.run(["layout", "render", named(user), join(folder, `named.${end}`)]);
    assert.equal(status, 0, err);
    return err;
  };
  assert.match(await drawn("\u4e3b\u64ad", "png"), /`\?` for letters beyond Latin-1, as of pane 1/);
  assert.equal(await drawn("Zo\u00eb", "png"), "");
  assert.equal(await drawn("\u4e3b\u64ad", "svg"), "");
  assert.match(readFileSync(join(folder, "named.svg"), "utf8"), />\u4e3b\u64ad<\/text>/);
});

test("from-sei finds in a stream the layout that is shown at a time", { skip }, async () => {
  const { path } = await find("aac.flv");
  const one = { stream: [{ ...ALIBABA.stream[0], uid: "first" }, ALIBABA.stream[1]] };
  const two = { stream: [{ ...ALIBABA.stream[0], uid: "second" }, ALIBABA.stream[1]] };
  const lines = [
    { at_ms: 0, text: one },
    { at_ms: 1000, text: two },
  ];
  const timeline = file("timeline.jsonl", lines.map((line) => JSON.stringify(line)).join("\n"));
  const out = join(folder, "switches.flv");
  await fine("sei", "insert", path, out, "--timeline", timeline, "--every", "frame");
  const user = async (...args) =>
    JSON.parse(await fine("layout", "from-sei", out, ...args)).panes[0].user;
  assert.equal(await user("--at", "900"), "first");
  assert.equal(await user("--at", "1100"), "second");
  assert.equal(await user(), "second");
});

test("what is no layout is refused, with every reason", async () => {
  const bad = { canvas: { width: 641, height: 360 }, panes: [{ x_px: 0, y_px: 0, width_px: 9999 }] };
  const { status, err } = await cli.run(["layout", "render", file("bad.json", bad)]);
  assert.equal(status, 1);
  assert.match(err, /canvas\.width/);
  assert.match(err, /panes\[0\]\.width_px/);
  assert.match(err, /panes\[0\]\.height_px/);
  const other = await cli.run(["layout", "render", file("halves.json", HALVES), join(folder, "x.gif")]);
  assert.equal(other.status, 2);
  const none = await cli.run(["layout", "from-sei", file("other.json", { a: 1 })]);
  assert.equal(none.status, 1);
  assert.match(none.err, /no message with a layout/);
  // Of a user who was refused nothing more is said.
  const long = { canvas: HALVES.canvas, panes: [{ x: 0, y: 0, width: 1, height: 1, user: "x".repeat(257), picture: "camera" }] };
  const { err: once } = await cli.run(["layout", "render", file("long.json", long)]);
  assert.match(once, /panes\[0\]\.user/);
  assert.doesNotMatch(once, /picture/);
});
