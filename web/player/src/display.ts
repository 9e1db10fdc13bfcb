/** Which frame is displayed: its media time in seconds, NaN for none, and of WebRTC its RTP timestamp. */
export type Displayed = (mediaTime: number, rtpTimestamp: number | undefined) => void;

/** Tells each frame that a video displays. */
export function follow(video: HTMLVideoElement, displayed: Displayed): () => void {
  return typeof video.requestVideoFrameCallback === "function" ? byFrames(video, displayed) : byTime(video, displayed);
}

/** The browser says which frame it shows, also after a seek while paused. */
function byFrames(video: HTMLVideoElement, displayed: Displayed): () => void {
  let handle = 0;
  const frame: VideoFrameRequestCallback = (_, { mediaTime, rtpTimestamp }) => {
    handle = video.requestVideoFrameCallback(frame);
    displayed(mediaTime, rtpTimestamp);
  };
  handle = video.requestVideoFrameCallback(frame);
  // A hidden page is told of no frame, but what it plays goes on: layouts around the position have to be kept.
  const page = video.ownerDocument;
  const look = (): void => {
    if (page.hidden && !video.srcObject && video.readyState >= HAVE_CURRENT_DATA) displayed(video.currentTime, undefined);
  };
  page.addEventListener("visibilitychange", look);
  video.addEventListener("timeupdate", look);
  const emptied = (): void => displayed(NaN, undefined);
  video.addEventListener("emptied", emptied);
  // A frame that is there already is not told again.
  if (video.readyState >= HAVE_CURRENT_DATA && !video.srcObject) displayed(video.currentTime, undefined);
  return () => {
    video.cancelVideoFrameCallback(handle);
    page.removeEventListener("visibilitychange", look);
    video.removeEventListener("timeupdate", look);
    video.removeEventListener("emptied", emptied);
  };
}

/**
 * Elsewhere the playing position says it, looked at before each repaint while it moves: right to a frame or two, since
 * it may run ahead of the picture.
 */
function byTime(video: HTMLVideoElement, displayed: Displayed): () => void {
  let handle = 0;
  const look = (): void => displayed(video.readyState >= HAVE_CURRENT_DATA ? video.currentTime : NaN, undefined);
  const repaint = (): void => {
    look();
    handle = requestAnimationFrame(repaint);
  };
  const started = (): void => {
    cancelAnimationFrame(handle);
    handle = requestAnimationFrame(repaint);
  };
  const stopped = (): void => {
    cancelAnimationFrame(handle);
    look();
  };
  const listeners: [string, () => void][] = [
    ...["play", "playing"].map((name): [string, () => void] => [name, started]),
    ...["pause", "ended", "emptied"].map((name): [string, () => void] => [name, stopped]),
    ...["seeked", "timeupdate", "loadeddata"].map((name): [string, () => void] => [name, look]),
  ];
  for (const [name, listener] of listeners) video.addEventListener(name, listener);
  if (!video.paused) started();
  else if (video.readyState >= HAVE_CURRENT_DATA) look();
  return () => {
    cancelAnimationFrame(handle);
    for (const [name, listener] of listeners) video.removeEventListener(name, listener);
  };
}

/** `HTMLMediaElement.HAVE_CURRENT_DATA`. */
const HAVE_CURRENT_DATA = 2;
