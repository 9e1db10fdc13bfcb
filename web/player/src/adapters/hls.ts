import { PlayerError } from "../core.js";
import type { LayoutTracker } from "../tracker.js";

// What of hls.js is used.

interface Fragment {
  sn: number | "initSegment";
  cc: number;
  start: number;
  level: number;
  type: string;
  decryptdata?: { method?: string | null; encrypted?: boolean } | null;
}

interface Part {
  index: number;
  start: number;
}

type Any = any;

interface HlsConfig {
  loader: Any;
  fLoader?: Any;
}

export interface HlsLike {
  config: HlsConfig;
  on(event: any, listener: (event: any, data: any) => void): void;
  off(event: any, listener: (event: any, data: any) => void): void;
}

interface Context {
  frag: Fragment;
  part?: Part | null;
}

interface Callbacks {
  onSuccess(response: { data?: unknown }, stats: unknown, context: Context, details: unknown): void;
  onProgress?(stats: unknown, context: Context, data: unknown, details: unknown): void;
}

interface InitPts {
  frag: Fragment;
  id: string;
  initPTS: number;
  timescale: number;
}

interface Userdata {
  samples: readonly { pts: number; type?: number; payloadType?: number; uuid?: string; userDataBytes?: Uint8Array }[];
}

/** hls.js' names of events, so that nothing of it is imported. */
const MANIFEST_LOADING = "hlsManifestLoading";
const INIT_PTS_FOUND = "hlsInitPtsFound";
const USERDATA = "hlsFragParsingUserdata";

/** A transport stream's timestamps have 33 bits of 90 kHz: so many seconds. */
const WRAP = 2 ** 33 / 90_000;
/** Fragments that wait for their mapping at most: it comes with the first of a discontinuity. */
const WAITING = 4;
const USER_DATA_UNREGISTERED = 5;

interface Waiting {
  frag: Fragment;
  part: Part | null;
  bytes: Uint8Array;
}

/**
 * Reads layouts of what hls.js plays. Call it before `loadSource`, and `attach` the tracker to the video as well.
 *
 * hls.js' own `FRAG_PARSING_USERDATA` has messages of payload type 5, not those of types 100 to 254. So fragments of
 * MPEG-TS are read as they are loaded, by a loader around the configured one: each once, unless hls.js loads it again.
 * Those that it cannot read (fMP4, encrypted ones) are read from hls.js' event.
 *
 * Media time is the stream's presentation time less hls.js' `initPTS` of the fragment's discontinuity; fragments that
 * are there before it is found wait for it.
 *
 * @throws {PlayerError} `player.unsupported`
 */
export function trackHls(hls: HlsLike, tracker: LayoutTracker): () => void {
  const { config } = hls;
  const before = config.fLoader;
  const Base = before ?? config.loader;
  if (typeof Base !== "function") throw new PlayerError("player.unsupported", "pass an Hls of hls.js 1");

  const bases = new Map<number, number>();
  let waiting: Waiting[] = [];
  const reader = new Reader(tracker);

  const arrived = (frag: Fragment, part: Part | null, data: unknown): void => {
    if (frag.type !== "main" || typeof frag.sn !== "number" || frag.decryptdata?.encrypted) return;
    const bytes = bytesOf(data);
    if (!bytes || !isTs(bytes, reader.isOpen(frag))) return;
    const base = bases.get(frag.cc);
    if (base !== undefined) {
      reader.read(frag, part, bytes, base);
    } else if (waiting.length < WAITING) {
      // hls.js may give the buffer to its worker.
      waiting.push({ frag, part, bytes: bytes.slice() });
    }
  };
  const found = (_: unknown, { frag, id, initPTS, timescale }: InitPts): void => {
    if (id !== "main") return;
    const base = initPTS / timescale;
    bases.set(frag.cc, base);
    const ready = waiting.filter((each) => each.frag.cc === frag.cc);
    waiting = waiting.filter((each) => each.frag.cc !== frag.cc);
    for (const each of ready) reader.read(each.frag, each.part, each.bytes, base);
  };
  const loading = (): void => {
    bases.clear();
    waiting = [];
    reader.close();
    tracker.reset();
  };
  const userdata = (_: unknown, { samples, frag }: Userdata & { frag: Fragment }): void => {
    if (reader.has(frag)) return;
    for (const { pts, payloadType, type, uuid, userDataBytes } of samples) {
      if ((payloadType ?? type) !== USER_DATA_UNREGISTERED || !uuid || !userDataBytes) continue;
      tracker.configure({ codec: "h264", format: "annexb" });
      tracker.push(seiOf(uuid, userDataBytes), pts);
    }
  };

  class Tapped extends Base {
    load(context: Context, settings: unknown, callbacks: Callbacks): void {
      let progressed = false;
      super.load(context, settings, {
        ...callbacks,
        ...(callbacks.onProgress && {
          onProgress: (stats: unknown, of: Context, data: unknown, details: unknown) => {
            progressed = true;
            arrived(of.frag, of.part ?? null, data);
            callbacks.onProgress!(stats, of, data, details);
          },
        }),
        onSuccess: (response: { data?: unknown }, stats: unknown, of: Context, details: unknown) => {
          if (!progressed) arrived(of.frag, of.part ?? null, response.data);
          callbacks.onSuccess(response, stats, of, details);
        },
      });
    }
  }
  config.fLoader = Tapped;
  hls.on(INIT_PTS_FOUND, found);
  hls.on(MANIFEST_LOADING, loading);
  hls.on(USERDATA, userdata);
  return () => {
    if (config.fLoader === Tapped) config.fLoader = before;
    hls.off(INIT_PTS_FOUND, found);
    hls.off(MANIFEST_LOADING, loading);
    hls.off(USERDATA, userdata);
  };
}

/** Reads fragments one after another: those that follow one another as one stream. */
class Reader {
  readonly #tracker: LayoutTracker;
  #last: Fragment | null = null;
  #part = -1;
  /** How often timestamps had wrapped where the reader began. */
  #wraps = 0;

  constructor(tracker: LayoutTracker) {
    this.#tracker = tracker;
  }

  /** Whether this fragment's beginning was read. */
  isOpen(frag: Fragment): boolean {
    return this.#last === frag;
  }

  /** Whether a fragment is, or was lately, read here. */
  has(frag: Fragment): boolean {
    return this.#last !== null && this.#last.cc === frag.cc && this.#last.level === frag.level;
  }

  read(frag: Fragment, part: Part | null, bytes: Uint8Array, base: number): void {
    const last = this.#last;
    const index = part?.index ?? -1;
    const follows =
      last !== null &&
      last.level === frag.level &&
      last.cc === frag.cc &&
      (last === frag ? index > this.#part || index === -1 : (frag.sn as number) === (last.sn as number) + 1 && index <= 0);
    if (!follows) {
      this.#tracker.reset({ keepLayouts: true });
      this.#wraps = Math.floor(((part?.start ?? frag.start) + base) / WRAP);
    }
    this.#last = frag;
    this.#part = index;
    this.#tracker.appendTs(bytes, base - this.#wraps * WRAP);
  }

  close(): void {
    this.#last = null;
  }
}

function bytesOf(data: unknown): Uint8Array | null {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return data instanceof Uint8Array ? data : null;
}

/** A packet begins with 0x47. What goes on inside a fragment need not begin with a packet. */
const isTs = (bytes: Uint8Array, goesOn: boolean): boolean => bytes.length > 0 && (goesOn || bytes[0] === 0x47);

/** A message that hls.js has read, as it was in the stream: H.264 7.3.2.3 and 7.4.1. */
function seiOf(uuid: string, content: Uint8Array): Uint8Array {
  const id = uuid.replaceAll("-", "").match(/../g)?.map((pair) => parseInt(pair, 16)) ?? [];
  const size = id.length + content.length;
  const plain = [USER_DATA_UNREGISTERED, ...new Array<number>(Math.floor(size / 255)).fill(255), size % 255, ...id, ...content, 0x80];
  const bytes = [0, 0, 0, 1, 6];
  let zeros = 0;
  for (const byte of plain) {
    if (zeros === 2 && byte <= 3) {
      bytes.push(3);
      zeros = 0;
    }
    bytes.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return new Uint8Array(bytes);
}
