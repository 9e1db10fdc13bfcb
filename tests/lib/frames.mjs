// Frames with a message, for pages and programs: written here by hand, so that nothing of ours writes what it reads.
// Rec. ITU-T H.264, 7.3.2.3 and 7.4.1.

/** Ours: docs/spec/sei.md §1. */
const UUID = [0x6c, 0x69, 0x76, 0x65, 0x67, 0x61, 0x80, 0x74, 0xa5, 0x65, 0x2d, 0x73, 0x65, 0x69, 0x2d, 0x31];
const START = [0, 0, 0, 1];
const SLICE = [0x65, 0x88, 0x84, ...new Array(60).fill(0x77)];

const utf8 = (text) => [...new TextEncoder().encode(text)];

function escaped(bytes) {
  const out = [];
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros === 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    out.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return out;
}

/** A SEI NAL unit of H.264 with these messages: texts, of payload type 5 unless `{ type, text }` says otherwise. */
export function sei(...messages) {
  const payload = messages.flatMap((message) => {
    const { type = 5, text } = typeof message === "string" ? { text: message } : message;
    const content = [...(type === 5 ? UUID : []), ...utf8(text)];
    const size = [...new Array(Math.floor(content.length / 255)).fill(255), content.length % 255];
    return [type, ...size, ...content];
  });
  return [6, ...escaped([...payload, 0x80])];
}

/** An access unit of Annex B. */
export const annexb = (...messages) => new Uint8Array([...START, ...sei(...messages), ...START, ...SLICE]);

/** A sample with lengths of 4 bytes. */
export function avcc(...messages) {
  return new Uint8Array([sei(...messages), SLICE].flatMap((nal) => [0, 0, nal.length >> 8, nal.length & 255, ...nal]));
}

/** A message of Alibaba's form: `[uid, x, y, w, h, more]` for each pane. */
export const alibaba = (...panes) =>
  JSON.stringify({
    stream: panes.map(([uid, x, y, w, h, more = {}], paneid) => ({ uid, paneid, zorder: paneid, x, y, w, h, type: 0, ms: 0, vol: 1, vad: 0, ...more })),
  });
