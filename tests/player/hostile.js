// In the page: what a stranger can put into a stream, as frames of Annex B.

const UUID = [0x6c, 0x69, 0x76, 0x65, 0x67, 0x61, 0x80, 0x74, 0xa5, 0x65, 0x2d, 0x73, 0x65, 0x69, 0x2d, 0x31];
const SLICE = [0, 0, 0, 1, 0x65, 0x88, 0x84, 0x00, 0x33, 0xff];

/** A frame with one message: H.264 7.3.2.3, with the bytes that prevent start codes (7.4.1). */
export function frame(text, { type = 5, said } = {}) {
  const content = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const id = type === 5 ? UUID : [];
  const size = said ?? id.length + content.length;
  const sizes = [];
  let rest = size;
  for (; rest >= 255; rest -= 255) sizes.push(255);
  sizes.push(rest);
  const bytes = [0, 0, 0, 1, 6];
  let zeros = 0;
  for (const part of [[type], sizes, id, content, [0x80]]) {
    for (const byte of part) {
      if (zeros >= 2 && byte <= 3) {
        bytes.push(3);
        zeros = 0;
      }
      bytes.push(byte);
      zeros = byte === 0 ? zeros + 1 : 0;
    }
  }
  return Uint8Array.from([...bytes, ...SLICE]);
}

const MARKUP = `<img src=x onerror="document.title='owned'">`;
const pane = (more) => ({ uid: "a", paneid: 0, zorder: 0, x: 0, y: 0, w: 0.5, h: 0.5, type: 0, ms: 0, vol: 1, vad: 1, ...more });
const layout = (...panes) => JSON.stringify({ stream: panes });
const many = (count) => Array.from({ length: count }, (_, at) => pane({ uid: `${at}`, paneid: at }));

/** Texts by what is wrong with them. */
export const TEXTS = {
  nested: "[".repeat(4_096),
  "nested members": `{"stream":[],"a":${'{"a":'.repeat(600)}1${"}".repeat(600)}}`,
  "nested in a pane": `{"stream":[{"uid":${"[".repeat(2_000)}`,
  "thousands of panes": layout(...many(3_000)),
  "thousands of regions": JSON.stringify({ canvas: { w: 640, h: 360 }, regions: many(3_000) }),
  NaN: '{"stream":[{"uid":"a","x":nan,"y":NaN,"w":-nan,"h":inf,"zorder":NaN,"vol":Infinity}]}',
  huge: '{"stream":[{"uid":"a","x":1e999,"y":-1e999,"w":99999999999999999999999999999,"h":1e-999,"zorder":1e400,"vol":-5}]}',
  "wrong types": '{"stream":[{"uid":{},"x":[],"y":{},"w":"wide","h":true,"zorder":"high","vol":[1]},7,"pane",null]}',
  "no list": '{"stream":{"uid":"a"}}',
  "empty canvas": '{"canvas":{"w":0,"h":0},"regions":[{"uid":1,"x":0,"y":0,"w":10,"h":10}]}',
  markup: layout(pane({ uid: MARKUP }), pane({ uid: "\u202e\u0000</style><script>document.title='owned'</script>", paneid: 1, x: 0.5 })),
  "markup as key": `{"stream":[${JSON.stringify(pane({ uid: "b" }))}],"<b>":"<i>","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`,
  "long name": layout(pane({ uid: "n".repeat(3_000) })),
  "half a surrogate": '{"stream":[{"uid":"\\ud800","x":0,"y":0,"w":1,"h":1}]}',
  "not UTF-8": Uint8Array.from([...new TextEncoder().encode('{"stream":[{"uid":"'), 0xff, 0xfe, 0xc0, 0x80, ...new TextEncoder().encode('","x":0,"y":0,"w":1,"h":1}]}')]),
  unfinished: '{"stream":[{"uid":"a","x":0,"y":0,"w":',
  empty: "",
  zeros: new Uint8Array(500),
};

/** A generator of numbers that is the same each time. */
export function random(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** All frames: as they are, as other types, with wrong sizes. */
export function frames() {
  return Object.values(TEXTS).flatMap((text) => [
    frame(text),
    frame(text, { type: 100 }),
    frame(text, { type: 254 }),
    frame(text, { said: 60_000 }),
    frame(text, { said: 3 }),
  ]);
}

const bytes16 = (number) => [(number >> 8) & 255, number & 255];

/** Makes pieces of a stream of frames of Annex B: for each a frame and its time in seconds gives the bytes. */
export const stream = (kind) => (kind === "flv" ? flv() : ts());

/** FLV (Annex E): tags of H.264 with lengths of 4 bytes; the frame is one unit with its start codes' places. */
function flv() {
  let head = [0x46, 0x4c, 0x56, 1, 1, 0, 0, 0, 9, 0, 0, 0, 0];
  // avcC with one parameter set of each kind: ISO/IEC 14496-15 5.3.3.1.
  const avcc = [1, 0x42, 0, 0x1e, 0xff, 0xe1, 0, 2, 0x67, 0x42, 1, 0, 2, 0x68, 0xce];
  const tag = (ms, body) => {
    const length = [(body.length >> 16) & 255, ...bytes16(body.length)];
    const time = [(ms >> 16) & 255, ...bytes16(ms), (ms >>> 24) & 255];
    const size = body.length + 11;
    return [9, ...length, ...time, 0, 0, 0, ...body, 0, (size >> 16) & 255, ...bytes16(size)];
  };
  return (frame, seconds) => {
    const units = [frame.subarray(4, frame.length - SLICE.length), frame.subarray(frame.length - SLICE.length + 4)];
    const sample = units.flatMap((unit) => [0, 0, ...bytes16(unit.length), ...unit]);
    const ms = Math.round(seconds * 1_000);
    const begin = head.length > 0 ? [...head, ...tag(ms, [0x17, 0, 0, 0, 0, ...avcc])] : [];
    head = [];
    return Uint8Array.from([...begin, ...tag(ms, [0x17, 1, 0, 0, 0, ...sample])]);
  };
}

/** A transport stream (H.222.0 2.4): tables of one program, then a PES packet for each frame. Checksums are 0. */
function ts() {
  const counts = { 0: 0, 256: 0, 257: 0 };
  const packets = (pid, payload) => {
    const out = [];
    for (let at = 0; at < payload.length; at += 184) {
      const piece = payload.slice(at, at + 184);
      const lacks = 184 - piece.length;
      const field = lacks === 0 ? [] : lacks === 1 ? [0] : [lacks - 1, 0, ...new Array(lacks - 2).fill(0xff)];
      const first = at === 0 ? 0x40 : 0;
      out.push(0x47, first | (pid >> 8), pid & 255, (lacks > 0 ? 0x30 : 0x10) | (counts[pid]++ & 15), ...field, ...piece);
    }
    return out;
  };
  const section = (id, body) => [0, id, 0xb0, body.length + 9, 0, 1, 0xc1, 0, 0, ...body, 0, 0, 0, 0];
  const tables = () => [...packets(0, section(0, [0, 1, 0xe1, 0])), ...packets(256, section(2, [0xe1, 1, 0xf0, 0, 0x1b, 0xe1, 1, 0xf0, 0]))];
  let frames = 0;
  return (frame, seconds) => {
    const pts = Math.round(seconds * 90_000);
    const high = Math.floor(pts / 2 ** 30);
    const time = [0x21 | (high << 1), (pts >> 22) & 255, ((pts >> 14) & 254) | 1, (pts >> 7) & 255, ((pts << 1) & 254) | 1];
    const pes = [0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, ...time, 0, 0, 0, 1, 9, 0xf0, ...frame];
    return Uint8Array.from([...(frames++ % 25 === 0 ? tables() : []), ...packets(257, pes)]);
  };
}
