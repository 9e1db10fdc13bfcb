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
