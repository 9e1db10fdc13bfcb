// FLV files taken apart and put together for tests: what ffmpeg cannot make (short NAL lengths, H.265,
// enhanced RTMP's headers) and what it cannot read. Adobe's FLV specification 10.1, annex E; Enhanced
// RTMP v2, "Extended VideoTagHeader"; ISO/IEC 14496-15 §5.3.3.1 and §8.3.3.1.

const VIDEO = 9;
const AVC = 7;
const HEVC = 12;
const SEQUENCE_HEADER = 0;
const FRAMES = 1;
const END_OF_SEQUENCE = 2;
/** Enhanced: coded frames without a composition time. */
const FRAMES_X = 3;

/** @typedef {{type: number, time: number, body: Buffer}} Tag */

/** The header and the tags of a file. */
export function read(bytes) {
  const start = bytes.readUInt32BE(5);
  const tags = [];
  for (let at = start + 4; at + 11 <= bytes.length; ) {
    const size = bytes.readUIntBE(at + 1, 3);
    const time = bytes.readUIntBE(at + 4, 3) + bytes[at + 7] * 2 ** 24;
    tags.push({ type: bytes[at], time, body: bytes.subarray(at + 11, at + 11 + size) });
    at += 11 + size + 4;
  }
  return { header: bytes.subarray(0, start), tags };
}

/** A file of these tags. */
export function write({ header, tags }) {
  const parts = [header, Buffer.alloc(4)];
  for (const { type, time, body } of tags) {
    const head = Buffer.alloc(11);
    head[0] = type;
    head.writeUIntBE(body.length, 1, 3);
    head.writeUIntBE(time % 2 ** 24, 4, 3);
    head[7] = Math.floor(time / 2 ** 24) % 256;
    const tail = Buffer.alloc(4);
    tail.writeUInt32BE(11 + body.length);
    parts.push(head, body, tail);
  }
  return Buffer.concat(parts);
}

/** What a video tag is: its codec, packet type, composition time and where its content begins. */
export function video({ type, body }) {
  if (type !== VIDEO || body.length < 5) return null;
  const cts = (at) => body.readIntBE(at, 3);
  if (body[0] & 0x80) {
    const packet = body[0] & 15;
    const codec = { avc1: AVC, hvc1: HEVC }[body.toString("latin1", 1, 5)];
    if (!codec) return null;
    const timed = packet === FRAMES;
    return { codec, enhanced: true, packet: packet === FRAMES_X ? FRAMES : packet, cts: timed ? cts(5) : 0, at: timed ? 8 : 5 };
  }
  const codec = body[0] & 15;
  if (codec !== AVC && codec !== HEVC) return null;
  return { codec, enhanced: false, packet: body[1], cts: cts(2), at: 5 };
}

/** How many bytes a NAL unit's length has, as the configuration says. */
const lengthSize = (codec, configuration) => (configuration[codec === AVC ? 4 : 21] & 3) + 1;

/** The NAL units of a sample. */
function units(sample, size) {
  const found = [];
  for (let at = 0; at + size <= sample.length; ) {
    const length = sample.readUIntBE(at, size);
    found.push(sample.subarray(at + size, at + size + length));
    at += size + length;
  }
  return found;
}

/** The NAL units of a configuration: parameter sets, and in hvcC what else an encoder has to say. */
function configured(codec, configuration) {
  const found = [];
  let at = codec === AVC ? 5 : 22;
  const some = (count) => {
    for (; count > 0; count -= 1) {
      const length = configuration.readUInt16BE(at);
      found.push(configuration.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  };
  if (codec === AVC) {
    some(configuration[at++] & 31);
    some(configuration[at++]);
  } else {
    for (let arrays = configuration[at++]; arrays > 0; arrays -= 1) {
      const count = configuration.readUInt16BE(at + 1);
      at += 3;
      some(count);
    }
  }
  return found;
}

const START = Buffer.from([0, 0, 0, 1]);

/**
 * The video of a file as an Annex B stream, parameter sets where its sequence headers are. x265's
 * message, which hvcC has as well, is no frame's: it comes along if it is asked for.
 */
export function toAnnexB(bytes, { messages = false } = {}) {
  const parts = [];
  const put = (nal) => parts.push(START, nal);
  const isSei = (codec, nal) => codec === HEVC && [39, 40].includes(nal[0] >> 1);
  let size = 4;
  for (const tag of read(bytes).tags) {
    const it = video(tag);
    if (!it) continue;
    const content = tag.body.subarray(it.at);
    if (it.packet === SEQUENCE_HEADER) {
      size = lengthSize(it.codec, content);
      configured(it.codec, content)
        .filter((nal) => messages || !isSei(it.codec, nal))
        .forEach(put);
    } else if (it.packet === FRAMES) {
      units(content, size).forEach(put);
    }
  }
  return Buffer.concat(parts);
}

/** Every coded frame's times, in the order of the file. */
export function frames(bytes) {
  return read(bytes).tags.flatMap((tag) => {
    const it = video(tag);
    if (it?.packet !== FRAMES) return [];
    return [{ dts: tag.time, pts: tag.time + it.cts, key: (tag.body[0] >> 4 & 7) === 1 }];
  });
}

/** The file with NAL lengths of `size` bytes; units of more than `most` bytes must not be in it. */
export function relength(bytes, size) {
  let before = 4;
  return edit(bytes, (tag, it) => {
    const content = Buffer.from(tag.body.subarray(it.at));
    const head = tag.body.subarray(0, it.at);
    if (it.packet === SEQUENCE_HEADER) {
      before = lengthSize(it.codec, content);
      content[it.codec === AVC ? 4 : 21] = content[it.codec === AVC ? 4 : 21] & 0xfc | size - 1;
      return Buffer.concat([head, content]);
    }
    if (it.packet !== FRAMES) return tag.body;
    const parts = units(content, before).flatMap((nal) => {
      const length = Buffer.alloc(size);
      length.writeUIntBE(nal.length, 0, size); // throws if the unit is too long
      return [length, nal];
    });
    return Buffer.concat([head, ...parts]);
  });
}

/** The file with enhanced RTMP's headers; frames whose composition time is 0 do without it. */
export function enhance(bytes) {
  return edit(bytes, (tag, it) => {
    const frame = tag.body[0] >> 4;
    const bare = it.packet === FRAMES && it.cts === 0;
    const head = Buffer.alloc(it.packet === FRAMES && !bare ? 8 : 5);
    head[0] = 0x80 | frame << 4 | (bare ? FRAMES_X : it.packet);
    head.write(it.codec === AVC ? "avc1" : "hvc1", 1, "latin1");
    if (head.length === 8) head.writeIntBE(it.cts, 5, 3);
    return Buffer.concat([head, tag.body.subarray(it.at)]);
  });
}

function edit(bytes, change) {
  const { header, tags } = read(bytes);
  const changed = tags.map((tag) => {
    const it = video(tag);
    return it ? { ...tag, body: change(tag, it) } : tag;
  });
  return write({ header, tags: changed });
}

/** Two files after each other, the second's times continued. */
export function join(first, second) {
  const { header, tags } = read(first);
  const begin = Math.max(...tags.map(({ time }) => time)) + 40;
  const later = read(second).tags.map((tag) => ({ ...tag, time: tag.time + begin }));
  return write({ header, tags: [...tags, ...later] });
}

/**
 * A file of samples with the legacy header; CodecID 12 is what senders use for H.265.
 *
 * @param {"h264" | "h265"} codec
 * @param {Buffer} configuration the avcC or hvcC record
 * @param {{dts: number, pts: number, key: boolean, sample: Buffer}[]} samples length-prefixed
 */
export function ofSamples(codec, configuration, samples) {
  const header = Buffer.from("FLV\x01\x01\0\0\0\x09", "latin1");
  const tag = (time, key, packet, cts, content) => {
    const head = Buffer.alloc(5);
    head[0] = (key ? 1 : 2) << 4 | (codec === "h264" ? AVC : HEVC);
    head[1] = packet;
    head.writeIntBE(cts, 2, 3);
    return { type: VIDEO, time, body: Buffer.concat([head, content]) };
  };
  const last = samples.at(-1).dts;
  return write({
    header,
    tags: [
      tag(0, true, SEQUENCE_HEADER, 0, configuration),
      ...samples.map(({ dts, pts, key, sample }) => tag(dts, key, FRAMES, pts - dts, sample)),
      tag(last, true, END_OF_SEQUENCE, 0, Buffer.alloc(0)),
    ],
  });
}
