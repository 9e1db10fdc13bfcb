// What the player's tests play: clips of which ffmpeg has drawn, frame by frame, what a page must find.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { folder, livegate, made, output } from "../media/material.mjs";

export const FPS = 25;
export const WIDTH = 640;
export const HEIGHT = 360;

/** H.264 in FLV, all frames of it as good as the encoder makes them; `more` goes to x264. */
const encode = (sources, filters, { frames, more = "bframes=0" }) => (path) =>
  output("ffmpeg", [
    ...["-v", "error", "-y", ...sources, "-filter_complex", filters, "-map", "[v]", "-frames:v", `${frames}`],
    ...["-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-pix_fmt", "yuv420p", "-qp", "1"],
    ...["-x264-params", `keyint=${FPS}:min-keyint=${FPS}:scenecut=0:${more}`, "-f", "flv", path],
  ]).then(() => undefined);

const black = ["-f", "lavfi", "-i", `color=black:size=${WIDTH}x${HEIGHT}:rate=${FPS}`];

/** `livegate sei insert`, kept. */
async function inserted(name, from, args) {
  return made(name, [from, args, ...(await versionOf())], async (path) => {
    const { status, err } = await livegate(["sei", "insert", from, path, ...args]);
    assert.equal(status, 0, err);
  });
}

/** What the command writes may change with it. */
async function versionOf() {
  return [(await livegate(["--version"])).out.toString()];
}

// ---- panes of one colour each ----------------------------------------------------------------------

/** Panes in even pixels, with black between them. Each colour is told by its largest part. */
export const PANES = {
  red: { x: 0, y: 0, w: 300, h: 220, color: "0xff0000" },
  green: { x: 320, y: 30, w: 320, h: 110, color: "0x00ff00" },
  blue: { x: 350, y: 180, w: 226, h: 170, color: "0x0000ff" },
};

/** A still picture of panes, with the message that says where they are in each frame. */
export async function panes() {
  const boxes = Object.values(PANES).map(({ x, y, w, h, color }) => `drawbox=x=${x}:y=${y}:w=${w}:h=${h}:color=${color}:t=fill`);
  const filters = `[0:v]format=rgb24,${boxes.join(",")},format=yuv420p[v]`;
  const recipe = encode(black, filters, { frames: 2 * FPS });
  const plain = await made("player-panes.flv", [filters, `${encode}`], recipe);
  const regions = Object.entries(PANES).map(([uid, { x, y, w, h }], at) => ({ suid: uid, uid: at + 1, x, y, w, h, alpha: 1, zorder: at, volume: 0 }));
  const text = JSON.stringify({ canvas: { w: WIDTH, h: HEIGHT, bgnd: "#000000" }, regions, ver: "20190611", ts: 1, app_data: "" });
  return inserted("player-panes-sei.flv", plain, ["--every", "frame", "--text", text]);
}

// ---- a picture that switches -----------------------------------------------------------------------

/** The frames at which the picture becomes another one: no two gaps are alike for long, some are one frame. */
export const SWITCHES = [0, 11, 25, 26, 40, 57, 58, 75, 76, 90, 103, 111, 125, 126, 140, 149, 150, 163, 177, 188, 200, 201, 214, 229, 240];
export const SWITCH_FRAMES = 260;
/** The box that moves: a column of it for each layout. */
const COLUMN = 20;
const BOX = { w: 60, h: 120, y: 200 };
/** A line of the picture that crosses the box. */
export const ROW = BOX.y + BOX.h / 2;
/** Where the box begins. */
export const left = (layout) => 2 * COLUMN + layout * COLUMN;
/** The frame's number in binary, as bars along the upper edge. */
export const BITS = 9;
export const BAR = { w: 60, h: 60 };

/** The clip, with B-frames, whose timeline says where the box is. */
export async function switches() {
  const bars = Array.from({ length: BITS }, (_, bit) => {
    const on = `eq(mod(floor(n/${2 ** bit}),2),1)`;
    return `drawbox=x=${bit * BAR.w}:y=0:w=${BAR.w}:h=${BAR.h}:color=white:t=fill:enable='${on}'`;
  });
  const boxes = SWITCHES.map((from, layout) => {
    const on = `between(n,${from},${(SWITCHES[layout + 1] ?? SWITCH_FRAMES) - 1})`;
    return `drawbox=x=${left(layout)}:y=${BOX.y}:w=${BOX.w}:h=${BOX.h}:color=white:t=fill:enable='${on}'`;
  });
  const filters = `[0:v]${[...bars, ...boxes].join(",")}[v]`;
  const recipe = encode(black, filters, { frames: SWITCH_FRAMES, more: "bframes=3:b-pyramid=normal" });
  const plain = await made("player-switches.flv", [filters, `${encode}`], async (path) => {
    await recipe(path);
  });
  const times = await shownTimes(plain);
  assert.equal(times.length, SWITCH_FRAMES);
  const lines = SWITCHES.map((from, layout) => {
    const place = { x: left(layout) / WIDTH, y: BOX.y / HEIGHT, w: BOX.w / WIDTH, h: BOX.h / HEIGHT };
    const stream = [{ uid: `user ${layout}`, paneid: 0, zorder: 0, ...place, type: 0, ms: 0, vol: 0, vad: 0 }];
    return JSON.stringify({ at_ms: times[from], text: { stream } });
  });
  const timeline = await made("player-switches.jsonl", lines, async () => Buffer.from(lines.join("\n")));
  return inserted("player-switches-sei.flv", plain, ["--timeline", timeline]);
}

/** When each frame is shown, in milliseconds of the file's own time, as ffprobe has it. */
async function shownTimes(path) {
  const args = ["-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0", path];
  const { stdout } = await output("ffprobe", args);
  const times = stdout.split("\n").filter(Boolean).map((text) => Math.round(parseFloat(text) * 1_000));
  return times.sort((one, other) => one - other);
}

// ---- messages of many kinds -------------------------------------------------------------------------

const FOREIGN = "86f2b4c0-9a51-4f0e-8d3c-2b7a51e06f11";
export const COUNT_SECONDS = 6;
/** Whose pane the messages of type 100 have. */
export const MARK = "numbered-100";

/** The frame's number in the numbered clip, as bars. */
export const COUNT = { width: 320, height: 180, bits: 8, bar: { w: 40, h: 40 } };
export const COUNT_FRAMES = COUNT_SECONDS * FPS;

/**
 * Six seconds with sound: a message of ours with its number on every frame; at key frames, in one NAL unit, one of type
 * 100 and another's; and x264's own.
 */
export async function numbered() {
  const { width, height, bits, bar } = COUNT;
  const bars = Array.from({ length: bits }, (_, bit) => {
    const place = `x=${bit * bar.w}:y=0:w=${bar.w}:h=${bar.h}:t=fill`;
    return `drawbox=${place}:color=black,drawbox=${place}:color=white:enable='eq(mod(floor(n/${2 ** bit}),2),1)'`;
  });
  const args = [
    ...["-f", "lavfi", "-i", `testsrc2=size=${width}x${height}:rate=${FPS},${bars.join(",")}`, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"],
    ...["-t", `${COUNT_SECONDS}`, "-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-pix_fmt", "yuv420p", "-profile:v", "baseline"],
    ...["-x264-params", `keyint=${FPS}:min-keyint=${FPS}:scenecut=0:bframes=0`, "-c:a", "aac", "-b:a", "32k"],
  ];
  const plain = await made("player-count.flv", args, (path) =>
    output("ffmpeg", ["-v", "error", "-y", ...args, "-f", "flv", path]).then(() => undefined),
  );
  const text = JSON.stringify({
    canvas: { w: width, h: height, bgnd: "#000000" },
    regions: [{ suid: MARK, uid: 9, x: 0, y: 0, w: width, h: height, alpha: 1, zorder: 1, volume: 0 }],
    ...{ ver: "20190611", ts: 1, app_data: "" },
  });
  const marked = await inserted("player-count-100.flv", plain, ["--payload-type", "100", "--match", MARK, "--every", "idr", "--text", text]);
  // ffmpeg adds its message to a NAL unit that is there.
  const adding = ["-c", "copy", "-bsf:v", `h264_metadata=sei_user_data=${FOREIGN}+from-elsewhere`];
  const added = await made("player-count-added.flv", [marked, adding], (path) =>
    output("ffmpeg", ["-v", "error", "-y", "-i", marked, ...adding, "-f", "flv", path]).then(() => undefined),
  );
  const times = await shownTimes(added);
  assert.equal(times.length, COUNT_FRAMES);
  const lines = times.map((at_ms, number) => JSON.stringify({ at_ms, text: { stream: [place(number)] } }));
  const timeline = await made("player-count.jsonl", lines, async () => Buffer.from(lines.join("\n")));
  return inserted("player-count-all.flv", added, ["--timeline", timeline]);
}

const place = (number) => ({ uid: `${number}`, paneid: 0, zorder: 0, x: 0, y: 0, w: 0.5, h: 0.5, type: 0, ms: 0, vol: number % 255, vad: 0 });

/** The same packets as MPEG-TS. */
export async function numberedTs() {
  const from = await numbered();
  return made("player-count.ts", [from], (path) =>
    output("ffmpeg", ["-v", "error", "-y", "-i", from, "-c", "copy", path]).then(() => undefined),
  );
}

/** A folder of what `make` writes there, made once. */
async function home(name, recipe, make) {
  const path = join(folder, `player-${name}`);
  await mkdir(path, { recursive: true });
  const stamp = `${createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 12)}.stamp`;
  if (!(await readdir(path)).includes(stamp)) {
    await make(path);
    await writeFile(join(path, stamp), "");
  }
  return path;
}

const segments = ["-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod"];

/** The same packets as HLS, a segment of each two seconds: the folder; `fmp4` for fragments of MP4. */
export async function numberedHls(type = "mpegts", { encrypted = false, more = [] } = {}) {
  const from = await numbered();
  const name = `hls-${type}${encrypted ? "-encrypted" : ""}${more.length > 0 ? `-${more.at(-1)}` : ""}`;
  return home(name, [from, segments, more], async (path) => {
    const key = join(path, "key");
    // The key's address in the playlist, and where it lies.
    const info = ["key", key, "0123456789abcdef0123456789abcdef"].join("\n");
    if (encrypted) await Promise.all([writeFile(key, "sixteen bytes..."), writeFile(join(path, "info"), info)]);
    const args = [...segments, "-hls_segment_type", type, ...(encrypted ? ["-hls_key_info_file", join(path, "info")] : []), ...more];
    await output("ffmpeg", ["-v", "error", "-y", "-i", from, "-c", "copy", ...args, join(path, "index.m3u8")]);
  });
}

/** The same, with its last segment's times on another clock, and so behind a discontinuity: the playlist. */
export async function numberedInTwo() {
  const [first, second] = await Promise.all([numberedHls("fmp4"), numberedHls("fmp4", { more: ["-output_ts_offset", "1000"] })]);
  const path = await home("hls-in-two", [first, second, `${numberedInTwo}`], async (path) => {
    const of = (folder, name) => `../${folder.split("/").at(-1)}/${name}`;
    const part = (folder, names) => [`#EXT-X-MAP:URI="${of(folder, "init.mp4")}"`, ...names.flatMap((name) => ["#EXTINF:2.0,", of(folder, name)])];
    const lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2", "#EXT-X-PLAYLIST-TYPE:VOD"];
    const all = [...lines, ...part(first, ["index0.m4s", "index1.m4s"]), "#EXT-X-DISCONTINUITY", ...part(second, ["index2.m4s"]), "#EXT-X-ENDLIST", ""];
    await writeFile(join(path, "index.m3u8"), all.join("\n"));
  });
  return join(path, "index.m3u8");
}

/** Two levels, the second with another clock in its initialization segment: the playlist of both. */
export async function numberedLevels() {
  const [low, high] = await Promise.all([numberedHls("fmp4"), numberedHls("fmp4", { more: ["-video_track_timescale", "90000"] })]);
  const path = await home("hls-levels", [low, high, `${numberedLevels}`], async (path) => {
    const level = (folder, bandwidth) => [
      `#EXT-X-STREAM-INF:BANDWIDTH=${bandwidth},CODECS="avc1.42c00d,mp4a.40.2",RESOLUTION=${COUNT.width}x${COUNT.height}`,
      `../${folder.split("/").at(-1)}/index.m3u8`,
    ];
    await writeFile(join(path, "index.m3u8"), ["#EXTM3U", ...level(low, 500_000), ...level(high, 900_000), ""].join("\n"));
  });
  return join(path, "index.m3u8");
}

/** Fragments of a second: the initialization segment, and each fragment. */
export async function numberedParts() {
  const from = await numbered();
  const args = ["-c", "copy", "-movflags", "frag_keyframe+delay_moov+default_base_moof"];
  const path = await made("player-count-parts.mp4", [from, args], (path) =>
    output("ffmpeg", ["-v", "error", "-y", "-i", from, ...args, path]).then(() => undefined),
  );
  const bytes = await readFile(path);
  const boxes = [];
  for (let at = 0; at < bytes.length; at += boxes.at(-1).bytes.length) {
    boxes.push({ kind: bytes.toString("latin1", at + 4, at + 8), bytes: bytes.subarray(at, at + bytes.readUInt32BE(at)) });
  }
  const first = boxes.findIndex(({ kind }) => kind === "moof");
  const init = Buffer.concat(boxes.slice(0, first).map(({ bytes }) => bytes));
  const parts = [];
  for (const { kind, bytes } of boxes.slice(first)) {
    if (kind === "moof") parts.push(bytes);
    else if (kind === "mdat") parts.push(Buffer.concat([parts.pop(), bytes]));
  }
  return { init, parts };
}
