/** Which frame is displayed: its media time in seconds, NaN for none, and of WebRTC its RTP timestamp, NaN for the last that came. */
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
  const look = (): void => {
    if (!video.ownerDocument.hidden) return;
    if (video.srcObject) displayed(NaN, NaN);
    else position(video, displayed);
  };
  video.addEventListener("timeupdate", look);
  const emptied = (): void => displayed(NaN, undefined);
  video.addEventListener("emptied", emptied);
  // A frame that is there already is not told again.
  position(video, displayed);
  return () => {
    video.cancelVideoFrameCallback(handle);
    video.removeEventListener("timeupdate", look);
    video.removeEventListener("emptied", emptied);
  };
}

/**
 * Elsewhere the playing position says it, looked at before each repaint: right to a frame or two, since it is not the
 * picture's.
 */
function byTime(video: HTMLVideoElement, displayed: Displayed): () => void {
  let handle = 0;
  const look = (): void => position(video, displayed);
  const repaint = (): void => {
    handle = requestAnimationFrame(repaint);
    look();
  };
  repaint();
  // A hidden page is not repainted.
  video.addEventListener("timeupdate", look);
  return () => {
    cancelAnimationFrame(handle);
    video.removeEventListener("timeupdate", look);
  };
}

/** `HTMLMediaElement.HAVE_CURRENT_DATA`. */
const HAVE_CURRENT_DATA = 2;
/** A position is no frame's time: it is not rounded as those are, for which trackers allow so many seconds. */
const ROUNDED = 0.002;

/** Tells what is at the playing position. What is sent live has none. */
function position(video: HTMLVideoElement, displayed: Displayed): void {
  if (!video.srcObject) displayed(video.readyState < HAVE_CURRENT_DATA ? NaN : video.currentTime - ROUNDED, undefined);
}
