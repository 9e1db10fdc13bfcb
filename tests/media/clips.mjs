// Small clips, each with one thing that makes inserting harder. Made by ffmpeg with libx264 and
// libx265, and by the tools beside this file where those cannot; kept until a recipe changes.

import { readFile, rm } from "node:fs/promises";

import { sample, units, withZeros } from "./annexb.mjs";
import { fieldPairs } from "./fields.mjs";
import * as flv from "./flv.mjs";
import { made, output } from "./material.mjs";

/** Pictures a second in every clip. */
export const FPS = 25;
const SECONDS = 3;
/** Pictures in every clip, unless it says otherwise. */
export const FRAMES = FPS * SECONDS;

const source = (size) => ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${FPS}`];
const tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"];
const x264 = (options = "", size = "128x96") => [
  ...source(size),
  ...["-t", `${SECONDS}`, "-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-pix_fmt", "yuv420p"],
  ...["-x264-params", `keyint=${FPS}:scenecut=0:bframes=2${options && `:${options}`}`],
];
const x265 = (options = "", size = "128x96") => [
  ...source(size),
  ...["-t", `${SECONDS}`, "-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p"],
  ...["-x265-params", `log-level=error:pools=none:frame-threads=1:keyint=${FPS}:scenecut=0${options && `:${options}`}`],
];
/** x264's own message is longer than a length of one byte can say. */
const NO_SEI = ["-bsf:v", "filter_units=remove_types=6"];
const FOREIGN = "86f2b4c0-9a51-4f0e-8d3c-2b7a51e06f11";

/** What ffmpeg makes by itself: name to arguments. */
const ENCODED = {
  "b-frames.h264": x264("bframes=3:b-pyramid=normal"),
  "slices.h264": x264("slices=4:aud=1"),
  "mbaff.h264": [...x264("tff=1"), "-flags", "+ilme+ildct"],
  "open-gop.h264": x264("open-gop=1:bframes=3"),
  "intra-refresh.h264": x264("intra-refresh=1"),
  "hrd.h264": x264("nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500:aud=1"),
  "others-sei.h264": [...x264(), "-bsf:v", `h264_metadata=sei_user_data=${FOREIGN}+from-elsewhere`],
  "no-sei.h264": [...x264("aud=1"), ...NO_SEI],
  "b-frames.h265": x265("bframes=4:b-pyramid=1:open-gop=0"),
  "slices.h265": x265("slices=2:aud=1", "128x128"),
  "open-gop.h265": x265("open-gop=1:bframes=4"),
  "layers.h265": x265("temporal-layers=1:bframes=4:b-pyramid=1:aud=1"),
  "hash.h265": x265("hash=1:hrd=1:vbv-maxrate=500:vbv-bufsize=500:repeat-headers=1"),
  "aac.flv": [...tone, ...x264(), "-c:a", "aac", "-b:a", "32k"],
  "no-b-frames.flv": x264("bframes=0:slices=2"),
  "in-band-headers.flv": [...x264("open-gop=1"), "-bsf:v", "dump_extra=freq=keyframe"],
  "interlaced.flv": [...x264("tff=1"), "-flags", "+ilme+ildct"],
  "large.flv": x264("", "192x144"),
  "short-units.flv": [...x264("slice-max-size=200:qp=24", "64x48"), ...NO_SEI],
};

const FORMATS = { h264: "h264", h265: "hevc", flv: "flv", mp4: "mp4" };
const extension = (name) => name.slice(name.lastIndexOf(".") + 1);

const encode = (name, args) =>
  made(name, args, (path) =>
    output("ffmpeg", ["-v", "error", "-y", ...args, "-f", FORMATS[extension(name)], path]).then(() => undefined),
  );

/** What is made of other clips, or of nothing: name to what makes it. */
const COMPOSED = {
  "field-pairs.h264": () => fieldPairs(FRAMES),
  "zeros.h264": async () => withZeros(await clip("slices.h264"), [[0, 0], [1, 0], [0, 3], [2, 1]]),
  "zeros.h265": async () => withZeros(await clip("slices.h265"), [[0, 0], [1, 0], [0, 3], [2, 1]]),
  "field-pairs.flv": () => ofFieldPairs(fieldPairs(FRAMES)),
  "length-1.flv": async () => flv.relength(await clip("short-units.flv"), 1),
  "length-2.flv": async () => flv.relength(await clip("short-units.flv"), 2),
  "joined.flv": async () => flv.join(await clip("no-b-frames.flv"), await clip("large.flv")),
  "joined-lengths.flv": async () => flv.join(await clip("length-1.flv"), await clip("aac.flv")),
  "enhanced.h264.flv": async () => flv.enhance(await clip("aac.flv")),
  "hevc.h265.flv": () => hevc("bframes=4"),
  "hevc-length-2.h265.flv": async () => flv.relength(await clip("hevc.h265.flv"), 2),
  "in-band-headers.h265.flv": () => hevc("bframes=4:repeat-headers=1"),
  "enhanced.h265.flv": async () => flv.enhance(await clip("hevc.h265.flv")),
  "enhanced-x.h265.flv": async () => flv.enhance(await hevc("bframes=0")),
};

/**
 * Raise it when one of the functions below or the tools beside this file change, so that what they
 * made is made anew.
 */
const EDITION = 1;

const compose = (name) => made(name, [EDITION, ENCODED, `${COMPOSED[name]}`], () => COMPOSED[name]());

/** The bytes of a clip. */
async function clip(name) {
  return readFile((await find(name)).path);
}

const LONGER = { "joined.flv": 2 * FRAMES, "joined-lengths.flv": 2 * FRAMES };

/**
 * A clip by its name: the file, its codec, how many frames it has, whether it is FLV, and of that
 * whether with enhanced headers or with lengths of fewer than 4 bytes.
 */
export async function find(name) {
  return {
    name,
    path: name in ENCODED ? await encode(name, ENCODED[name]) : await compose(name),
    codec: name.includes("h265") ? "h265" : "h264",
    frames: LONGER[name] ?? FRAMES,
    flv: extension(name) === "flv",
    enhanced: name.startsWith("enhanced"),
    short: name.includes("length"),
  };
}

/** The names of all clips that end so. */
export const names = (end) => [...Object.keys(ENCODED), ...Object.keys(COMPOSED)].filter((name) => name.endsWith(end));

/** A FLV tag has both fields of a frame. avcC: ISO/IEC 14496-15 §5.3.3.1.2. */
function ofFieldPairs(stream) {
  const [sps, pps, ...fields] = units(stream);
  const u16 = ({ length }) => Buffer.from([length >> 8, length & 255]);
  const configuration = Buffer.concat([
    Buffer.from([1, ...sps.subarray(1, 4), 0xff, 0xe1]),
    ...[u16(sps), sps, Buffer.from([1]), u16(pps), pps],
  ]);
  const samples = Array.from({ length: fields.length / 2 }, (_, number) => {
    const dts = (number * 1_000) / FPS;
    return { dts, pts: dts, key: number === 0, sample: sample(fields.slice(2 * number, 2 * number + 2)) };
  });
  return flv.ofSamples("h264", configuration, samples);
}

/** H.265 in FLV: samples and times as ffmpeg's MP4 has them. */
async function hevc(options) {
  const name = "hevc.mp4";
  const path = await encode(name, [...x265(options), "-tag:v", "hvc1"]);
  const show = ["-show_entries", "packet=pts_time,dts_time,pos,size,flags:stream=extradata", "-show_data"];
  const { stdout } = await output("ffprobe", ["-v", "error", "-select_streams", "v", ...show, "-of", "json", path]);
  const { packets, streams } = JSON.parse(stdout);
  const file = await readFile(path);
  const ms = (text) => Math.round(Number(text) * 1_000);
  const first = ms(packets[0].dts_time);
  const samples = packets.map(({ pts_time, dts_time, pos, size, flags }) => ({
    dts: ms(dts_time) - first,
    pts: ms(pts_time) - first,
    key: flags.startsWith("K"),
    sample: file.subarray(Number(pos), Number(pos) + Number(size)),
  }));
  // Lines of an address, digits in groups and the same as text.
  const digits = streams[0].extradata.split("\n").map((line) => line.slice(10, 50).replaceAll(" ", ""));
  return flv.ofSamples("h265", Buffer.from(digits.join(""), "hex"), samples);
}
