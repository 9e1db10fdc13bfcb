// A frame as streams have it, made by hand so that the next one has another time without a copy.

const TS_PACKET = 188;
/** Counters of packets have four bits: after so many frames of whole packets they are where they were. */
export const FRAMES = 16;

const AVCC = [1, 0x42, 0, 0x1e, 0xff, 0xe1, 0, 2, 0x67, 0x42, 1, 0, 2, 0x68, 0xce];

/** A tag of FLV: type, size, and 24 and 8 bits of milliseconds. */
function tag(body) {
  const head = [9, body.length >> 16, body.length >> 8, body.length, 0, 0, 0, 0, 0, 0, 0];
  const whole = 11 + body.length;
  return Uint8Array.from([...head, ...body, 0, whole >> 16, whole >> 8, whole]);
}

/** The beginning of a stream of FLV without sound. */
export const flvHead = () => Uint8Array.from([0x46, 0x4c, 0x56, 1, 1, 0, 0, 0, 9, 0, 0, 0, 0, ...tag([0x17, 0, 0, 0, 0, ...AVCC])]);

/** A frame's tag, which is another one each time. */
export function flvTag(frame) {
  const bytes = tag([0x27, 1, 0, 0, 0, ...frame]);
  let time = 0;
  return () => {
    time += 33;
    [bytes[4], bytes[5], bytes[6], bytes[7]] = [time >> 16, time >> 8, time, time >> 24];
    return bytes;
  };
}

/** Packets of one PID: Rec. ITU-T H.222.0 §2.4.3.2, filled up by an adaptation field. */
function packets(pid, payload, counter) {
  const out = [];
  for (let at = 0, first = true; at < payload.length; first = false, counter += 1) {
    const part = payload.slice(at, at + TS_PACKET - 4);
    at += part.length;
    const free = TS_PACKET - 4 - part.length;
    const filling = free === 0 ? [] : free === 1 ? [0] : [free - 1, 0, ...new Array(free - 2).fill(0xff)];
    out.push(0x47, (first ? 0x40 : 0) | (pid >> 8), pid & 255, (free ? 0x30 : 0x10) | (counter & 15), ...filling, ...part);
  }
  return out;
}

const PMT = 0x100;
const VIDEO = 0x101;
/** Tables without their checksums' right values, which no player of ours looks at. */
const PAT = [0, 0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe0 | (PMT >> 8), PMT & 255, 0, 0, 0, 0];
const PROGRAM = [0, 2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe0 | (VIDEO >> 8), VIDEO & 255, 0xf0, 0, 0x1b, 0xe0 | (VIDEO >> 8), VIDEO & 255, 0xf0, 0, 0, 0, 0, 0];

/** Sixteen frames as packets, which are others each time: a `Uint8Array`. */
export function tsFrames(frame) {
  const out = [];
  const marks = [];
  let counter = 0;
  for (let index = 0; index < FRAMES; index += 1) {
    out.push(...packets(0, PAT, index), ...packets(PMT, PROGRAM, index));
    const pes = packets(VIDEO, [0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0, 0, 0, 0, 0, ...frame], counter);
    // The first packet of a frame is full: its PTS is where the header puts it.
    marks.push(out.length + 4 + 9);
    counter += pes.length / TS_PACKET;
    out.push(...pes);
  }
  const bytes = Uint8Array.from(out);
  let time = 0;
  return () => {
    for (const at of marks) {
      time += 3_000;
      [bytes[at], bytes[at + 1], bytes[at + 2]] = [0x21, time >> 22, ((time >> 14) & 0xfe) | 1];
      [bytes[at + 3], bytes[at + 4]] = [time >> 7, ((time << 1) & 0xfe) | 1];
    }
    return bytes;
  };
}
