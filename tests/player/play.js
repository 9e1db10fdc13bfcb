// In the page: plays a stream with one of the players, and keeps every message that the tracker tells and, at each
// displayed frame, the number in its pixels and whose pane the tracker says it has.

const THRESHOLD = 128;

/** Reads a frame's number out of the bars along its upper edge. */
export function numberReader({ bits, bar, width }) {
  const canvas = new OffscreenCanvas(width, bar.h);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return (picture, height) => {
    pen.drawImage(picture, 0, 0, width, height);
    const { data } = pen.getImageData(0, bar.h / 2, width, 1);
    let number = 0;
    for (let bit = 0; bit < bits; bit += 1) if (data[(bit * bar.w + bar.w / 2) * 4] > THRESHOLD) number += 2 ** bit;
    return number;
  };
}

/** A tracker whose messages are kept. */
export function listening() {
  const tracker = new lib.LayoutTracker();
  const kept = { messages: [], warnings: [], frames: [], failed: null };
  tracker.addEventListener("message", ({ message }) => kept.messages.push(message));
  tracker.addEventListener("warning", ({ warning }) => kept.warnings.push(warning.code));
  return { tracker, kept };
}

/** A video in the page whose frames are looked at. */
export function watched(tracker, kept, count) {
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  tracker.attach(video);
  const read = numberReader(count);
  const next = (_, { mediaTime }) => {
    video.requestVideoFrameCallback(next);
    kept.frames.push({ mediaTime, number: read(video, count.height), uid: tracker.current?.panes[0]?.uid ?? null });
  };
  video.requestVideoFrameCallback(next);
  return video;
}

/** How each player is started, in the words of its own documentation: the player, and what ends reading it. */
const PLAYERS = {
  mpegts(tracker, video, url, { type = "flv", isLive = true } = {}) {
    const { player, stop } = lib.createMpegtsPlayer(mpegts, tracker, { type, isLive, url }, { enableStashBuffer: false, lazyLoad: false });
    player.attachMediaElement(video);
    player.load();
    return { player, stop };
  },
  flv(tracker, video, url) {
    const { player, stop } = lib.createFlvPlayer(flvjs, tracker, { type: "flv", isLive: true, url }, { enableStashBuffer: false });
    player.attachMediaElement(video);
    player.load();
    return { player, stop };
  },
  xgplayer(tracker, video, url) {
    const { Flv } = globalThis.xgplayerFlv;
    const flv = new Flv({ media: video, isLive: true, url, retryCount: 0 });
    const stop = lib.trackXgplayer(flv, tracker);
    flv.load(url);
    return { player: flv, stop };
  },
  hls(tracker, video, url, { hls: config } = {}) {
    const hls = new Hls({ enableWorker: true, ...config });
    const stop = lib.trackHls(hls, tracker);
    hls.loadSource(url);
    hls.attachMedia(video);
    return { player: hls, stop };
  },
};

/** Starts to play; what is kept grows. */
export function play(name, url, count, options) {
  const { tracker, kept } = listening();
  const video = watched(tracker, kept, count);
  video.autoplay = true;
  video.addEventListener("error", () => (kept.failed ??= video.error.message));
  video.addEventListener("canplay", () => (video.playbackRate = options?.rate ?? 1));
  return { tracker, kept, video, ...PLAYERS[name](tracker, video, url, options) };
}
