// What other programs read of a file's SEI, each asked for the kinds of files that it can read. Every
// message is {payload_type, uuid, data, …} with digits without hyphens; `data` follows the UUID.

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { root } from "../../tools/gateway.mjs";
import { toAnnexB } from "./flv.mjs";
import { folder, output, seiReader, withoutGstreamer } from "./material.mjs";
import { hls, mpegtsFlv, mpegtsTs, xgplayer } from "./players.mjs";

/** @typedef {{path: string, codec: "h264" | "h265", flv: boolean, enhanced?: boolean, short?: boolean}} File */

/** ffmpeg reads CodecID 12 and enhanced headers in later releases only; and GStreamer. */
const ffmpegReads = ({ codec, enhanced }) => codec === "h264" && !enhanced;

/** Neither player reads lengths of 1 or 2 bytes; of enhanced headers mpegts.js reads those of H.265. */
const mpegtsReads = ({ codec, enhanced, short }) => !short && !(enhanced && codec === "h264");

/** The browser's players, with the digits of a UUID as they give them. */
const asXgplayer = (uuid) => uuid.match(/../g).map((byte) => Number.parseInt(byte, 16).toString(16)).join("");

/**
 * The decoded pictures' digests, and the messages that ffmpeg's decoder hands out with them, in the
 * order in which they are shown.
 *
 * @param {File} file
 * @param {string[]} [format] for the digests
 */
export async function ffmpeg({ path, codec, flv }, format = []) {
  const input = flv ? [] : ["-f", codec === "h264" ? "h264" : "hevc"];
  const { stdout, stderr } = await output("ffmpeg", [
    ...["-hide_banner", "-nostats", "-copyts", "-threads", "1", ...input, "-i", path, "-map", "0:v", "-vf", "showinfo"],
    ...["-fps_mode", "passthrough", ...format, "-f", "framehash", "-hash", "md5", "-"],
  ]);
  const pictures = stdout
    .split("\n")
    .filter((line) => line && !line.startsWith("#"))
    .map((line) => line.split(",").at(-1).trim());
  const messages = [];
  let picture = -1;
  for (const line of stderr.split("\n")) {
    const said = line.replace(/^\[.*?\] */, "");
    const frame = /^n: *(\d+) pts: *\S+ pts_time:(\S+)/.exec(said);
    if (frame) picture = { number: Number(frame[1]), ms: Math.round(Number(frame[2]) * 1_000) };
    else if (said.startsWith("UUID=")) messages.push({ payload_type: 5, uuid: said.slice(5).replaceAll("-", ""), picture });
    else if (said.startsWith("User Data=")) messages.at(-1).data = said.slice(10);
  }
  return { pictures, messages };
}

const lines = (text) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

/** h264-reader: every message of an Annex B stream, of whatever type. */
export async function h264Reader({ path, codec }) {
  const { stdout } = await output(await seiReader(), [codec, path]);
  return lines(stdout).map(({ payload, payload_type, offset, error }) => {
    if (error) throw new Error(`h264-reader at ${offset}: ${error}`);
    const cut = payload_type === 5 ? 32 : 0;
    return { payload_type, uuid: payload.slice(0, cut), data: payload.slice(cut), offset };
  });
}

/** GStreamer's h264parse: H.264 alone. */
export async function gstreamer({ path }) {
  const { stdout } = await output("python3", [join(root, "tests/media/gst.py"), path]);
  return lines(stdout).map(({ uuid, data, buffer, pts_ns }) => ({ payload_type: 5, uuid, data, buffer, pts_ns }));
}

let drafts = 0;
/** Gives `use` a file of these bytes, and removes it. */
export async function draft(extension, bytes, use) {
  const path = join(folder, `draft-${process.pid}-${(drafts += 1)}.${extension}`);
  try {
    if (bytes) await writeFile(path, bytes);
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
}

/** A transport stream of an Annex B one, a picture every 40 ms in the order of the file. */
export const inTs = ({ path, codec }, use) =>
  draft("ts", undefined, async (ts) => {
    await output("ffmpeg", [
      ...["-v", "error", "-y", "-f", codec === "h264" ? "h264" : "hevc", "-i", path, "-c", "copy"],
      ...["-bsf:v", "setts=ts=N*3600:time_base=1/90000", "-muxdelay", "0", "-muxpreload", "0", ts],
    ]);
    return use(ts);
  });

/**
 * Asks every program that can read the file, and gives what each read of the messages of type 5 with
 * this UUID: the texts, in the order of the file; ffmpeg's in the order in which pictures are shown.
 *
 * @param {File} file
 * @param {string} uuid 32 digits
 * @returns {Promise<Record<string, string[]>>}
 */
export async function readers(file, uuid) {
  const text = (data) => Buffer.from(data, "hex").toString();
  const ours = (found) => found.filter((message) => message.uuid === uuid).map(({ data }) => text(data));
  const said = {};
  if (file.flv) {
    if (ffmpegReads(file)) {
      said["ffmpeg, FLV"] = ours((await ffmpeg(file)).messages);
      if (!(await withoutGstreamer())) said["GStreamer, FLV"] = ours(await gstreamer(file));
    }
    if (mpegtsReads(file)) said["mpegts.js, FLV"] = ours(await mpegtsFlv(file.path));
    if (!file.enhanced && !file.short) {
      const found = (await xgplayer(file.path)).filter((message) => message.uuid === asXgplayer(uuid));
      // What it calls the content may run over the end of the message, to the stop bit.
      said["xgplayer, FLV"] = found.map(({ data, size }) => text(data.slice(0, 2 * (size - 16))));
    }
  }
  const annexB = async (stream) => {
    said.ffmpeg = ours((await ffmpeg(stream)).messages);
    said["h264-reader"] = ours(await h264Reader(stream));
    if (file.codec === "h264" && !(await withoutGstreamer())) said.GStreamer = ours(await gstreamer(stream));
    await inTs(stream, async (ts) => {
      said["hls.js"] = ours(await hls(ts));
      said["mpegts.js"] = ours(await mpegtsTs(ts));
    });
  };
  if (file.flv) {
    const { codec } = file;
    await draft(codec, toAnnexB(await readFile(file.path)), (path) => annexB({ path, codec, flv: false }));
  } else {
    await annexB(file);
  }
  return said;
}
