import { LayoutTracker } from "../core.js";

// Of `RTCEncodedVideoFrame`, whose types browsers' libraries do not agree on yet.
interface EncodedFrame {
  readonly data: ArrayBuffer;
  readonly timestamp?: number;
  getMetadata(): { rtpTimestamp?: number; mimeType?: string };
}

/** What a worker tells the page of a frame that has messages. */
interface FrameTold {
  livegate: "frame";
  codec: "h264" | "h265";
  rtpTimestamp: number;
  bytes: Uint8Array;
}

/**
 * Passes encoded frames on as they are, and reads the layouts in them.
 *
 * In the page (`receiver.createEncodedStreams()`) it takes the tracker. In a worker (`RTCRtpScriptTransform`) it takes a
 * port to the page, where `trackPort` reads what comes; the worker calls `init()` before. Frames are Annex B of H.264 or
 * H.265; those of other codecs pass unread.
 *
 * Frames' times are their RTP timestamps, which the browser tells of displayed frames, too (`attach` goes by them). Each
 * frame that the receiver hands out passes here once, so no message is lost or read twice.
 */
export function createLayoutTransform(target: LayoutTracker | MessagePort): TransformStream<any, any> & { stop(): void } {
  const read = target instanceof LayoutTracker ? reader(target) : teller(target);
  let stopped = false;
  const stream = new TransformStream<EncodedFrame, EncodedFrame>({
    transform(frame, controller) {
      if (!stopped) read(frame);
      controller.enqueue(frame);
    },
  });
  return Object.assign(stream, {
    stop: () => {
      stopped = true;
    },
  });
}

/** Reads what a worker's transform tells: the page's end of its port. */
export function trackPort(tracker: LayoutTracker, port: MessagePort): () => void {
  // The tracker may have followed another stream.
  tracker.reset();
  let codec = "";
  const heard = ({ data }: { data: unknown }): void => {
    const told = data as Partial<FrameTold> | null;
    if (told?.livegate !== "frame" || !(told.bytes instanceof Uint8Array) || typeof told.rtpTimestamp !== "number") return;
    if (told.codec !== codec && told.codec) tracker.configure({ codec: (codec = told.codec) as FrameTold["codec"], format: "annexb" });
    tracker.pushRtp(told.bytes, told.rtpTimestamp);
  };
  port.addEventListener("message", heard);
  port.start();
  return () => port.removeEventListener("message", heard);
}

/** Hands on frames of video that can be read, with the tracker set to their codec. */
function read(tracker: LayoutTracker, take: (bytes: Uint8Array<ArrayBuffer>, rtpTimestamp: number, codec: FrameTold["codec"]) => void) {
  let codec = "";
  return (frame: EncodedFrame) => {
    const { rtpTimestamp = frame.timestamp ?? 0, mimeType } = frame.getMetadata();
    const now = codecOf(mimeType);
    if (!now) return;
    if (now !== codec) tracker.configure({ codec: (codec = now) as FrameTold["codec"], format: "annexb" });
    take(new Uint8Array(frame.data), rtpTimestamp, now as FrameTold["codec"]);
  };
}

function reader(tracker: LayoutTracker): (frame: EncodedFrame) => void {
  // The tracker may have followed another stream.
  tracker.reset();
  return read(tracker, (bytes, rtpTimestamp) => void tracker.pushRtp(bytes, rtpTimestamp));
}

/** The worker's own tracker says which frames have messages; only those are told. */
function teller(port: MessagePort): (frame: EncodedFrame) => void {
  const tracker = new LayoutTracker();
  return read(tracker, (bytes, rtpTimestamp, codec) => {
    if (tracker.push(bytes, 0) === 0) return;
    const told: FrameTold = { livegate: "frame", codec, rtpTimestamp, bytes: bytes.slice() };
    port.postMessage(told, [told.bytes.buffer]);
  });
}

/** Where the browser does not say, it is taken for H.264, which all of them have. */
function codecOf(mimeType = "video/H264"): FrameTold["codec"] | null {
  const name = mimeType.toLowerCase();
  return name === "video/h264" ? "h264" : name === "video/h265" ? "h265" : null;
}
