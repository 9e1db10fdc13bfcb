// What browser players read of SEI: their own code, bundled from their packages' sources and fed with
// a file's bytes. Only what surrounds it (the page, MediaSource) is left out.

import { readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { root } from "../../tools/gateway.mjs";
import { folder } from "./material.mjs";

const SOURCES = `
  export { default as MpegtsFlv } from "./node_modules/mpegts.js/src/demux/flv-demuxer.js";
  export { default as MpegtsTs } from "./node_modules/mpegts.js/src/demux/ts-demuxer.ts";
  export { default as mpegtsLog } from "./node_modules/mpegts.js/src/utils/logger.js";
  export { BufferService } from "./node_modules/xgplayer-flv/es/flv/services/buffer-service.js";
  export { default as HlsTs } from "./node_modules/hls.js/src/demux/tsdemuxer.ts";
  export { default as HlsAvc } from "./node_modules/hls.js/src/demux/video/avc-video-parser.ts";
  export { NALu as xgplayerNal } from "./node_modules/xgplayer-transmuxer/es/codec/nalu.js";
`;

/**
 * What hls.js has in its own bundle alone is left out: URLs, ID3 tags of audio, ciphers. A stream that
 * needed them would fail, not read wrongly.
 */
const withoutBundled = {
  name: "without-bundled",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, importer }) =>
      importer.includes("/hls.js/src/") ? { path, namespace: "none" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "none" }, () => ({ contents: "module.exports = {}" }));
  },
};

let bundled;
/** What the players' own sources export. */
export async function players() {
  bundled ??= bundle();
  return bundled;
}

/** The same as one module's text, for pages. */
export async function playersModule() {
  const { build } = createRequire(import.meta.url)("esbuild");
  const { outputFiles } = await build({
    stdin: { contents: SOURCES, resolveDir: root },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    logLevel: "error",
    plugins: [withoutBundled],
    // As in hls.js's full build.
    define: { __USE_M2TS_ADVANCED_CODECS__: "true" },
  });
  return outputFiles[0].text;
}

async function bundle() {
  const file = join(folder, `players-${process.pid}.mjs`);
  await writeFile(file, await playersModule());
  // Names of the page that are read when the modules are loaded.
  globalThis.self ??= globalThis;
  globalThis.window ??= globalThis;
  globalThis.navigator ??= { userAgent: "" };
  const module = await import(pathToFileURL(file));
  await rm(file);
  Object.assign(module.mpegtsLog, { ENABLE_VERBOSE: false, ENABLE_DEBUG: false, ENABLE_INFO: false, ENABLE_WARN: false });
  return module;
}

const hex = (bytes) => Buffer.from(bytes).toString("hex");

/**
 * mpegts.js, `sei_arrived`: the first message of every SEI NAL unit. Of FLV it reads lengths of 3
 * and 4 bytes only.
 */
export async function mpegtsFlv(path) {
  const { MpegtsFlv } = await players();
  const bytes = await whole(path);
  const demuxer = new MpegtsFlv(MpegtsFlv.probe(bytes), {});
  return mpegts(demuxer, bytes);
}

/** The same of an MPEG transport stream. A picture is handed on when the next begins, the last one never. */
export async function mpegtsTs(path) {
  const { MpegtsTs } = await players();
  const file = Buffer.from(await whole(path));
  // So the packet that begins it is fed once more: payload_unit_start_indicator, ISO/IEC 13818-1 2.4.3.2.
  let last = file.length - PACKET;
  while (!(file[last + 1] & 0x40)) last -= PACKET;
  const bytes = new Uint8Array([...file, ...file.subarray(last, last + PACKET)]).buffer;
  const demuxer = new MpegtsTs(MpegtsTs.probe(bytes), {});
  return mpegts(demuxer, bytes);
}

/** mpegts.js: of which tracks of an FLV file it tells its player. */
export async function mpegtsTracks(path) {
  const { MpegtsFlv } = await players();
  const bytes = await whole(path);
  const demuxer = new MpegtsFlv(MpegtsFlv.probe(bytes), {});
  const found = { audio: false, video: false };
  mpegts(demuxer, bytes, { onTrackMetadata: (type) => (found[type] = true) });
  return found;
}

/** Bytes of a transport stream's packet. */
const PACKET = 188;

function mpegts(demuxer, bytes, callbacks = {}) {
  const found = [];
  const seen = ({ type, uuid, user_data: data, pts }) =>
    found.push({ payload_type: type, uuid: uuid && hex(uuid), data: data && hex(data), pts_ms: pts });
  // The two demuxers name their callback differently.
  Object.assign(demuxer, { onSeiArrived: seen, onSEI: seen });
  demuxer.onError = (type, info) => {
    throw new Error(`mpegts.js: ${type} ${info}`);
  };
  for (const ignored of ["onMediaInfo", "onTrackMetadata", "onDataAvailable", "onMetaDataArrived", "onScriptDataArrived"]) {
    demuxer[ignored] = () => {};
  }
  Object.assign(demuxer, callbacks);
  demuxer.parseChunks(bytes, 0);
  return found;
}

/**
 * xgplayer-flv, `core.sei`: the first message of every SEI NAL unit. It leaves out the zeros of a
 * UUID's digits, and what it calls the content begins after the UUID and is as long as if it began
 * with it, so it may end in the stop bit: 80. Of FLV it reads legacy headers and lengths of 3 and 4
 * bytes only.
 */
export async function xgplayer(path) {
  const { BufferService } = await players();
  const found = [];
  const flv = {
    emit(event, given) {
      if (event !== "core.sei") return;
      const { code, content, dts } = given.sei;
      found.push({ payload_type: code, uuid: given.data.uuid, data: hex(content), size: given.data.size, pts_ms: dts });
    },
    _transferCost: { start() {}, end() {} },
  };
  const service = new BufferService(flv, { appendBuffer() {} }, { analyzeDuration: Infinity });
  await service.appendBuffer(new Uint8Array(await whole(path)));
  return found;
}

/** hls.js, FRAG_PARSING_USERDATA: every message of type 5 of an MPEG transport stream. */
export async function hls(path) {
  const { HlsTs } = await players();
  const logger = { log() {}, warn() {}, error() {}, info() {}, debug() {} };
  const demuxer = new HlsTs({ emit() {} }, {}, { mpeg: true, mp3: true, ac3: false }, logger);
  demuxer.resetInitSegment(undefined, "", "", 0, null, {});
  const { textTrack } = demuxer.demux(new Uint8Array(await whole(path)), 0, {}, false, true);
  demuxer.flush(0, {});
  return textTrack.samples.map(({ payloadType, pts, uuid, userDataBytes }) => ({
    payload_type: payloadType,
    uuid: uuid.replaceAll("-", ""),
    data: hex(userDataBytes),
    pts_ms: pts / 90,
  }));
}

/** A file as an ArrayBuffer of its own, which is what a player's loader hands on. */
async function whole(path) {
  const { buffer, byteOffset, byteLength } = await readFile(path);
  return buffer.slice(byteOffset, byteOffset + byteLength);
}
