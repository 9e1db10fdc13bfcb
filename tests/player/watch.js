// In the page: reads of each displayed frame its number and which layout its picture has, from pixels, and beside
// them what the overlay and the tracker say at that moment.

const THRESHOLD = 128;

/**
 * @param {{video: HTMLVideoElement, tracker: object, overlay: HTMLElement, bits: number, bar: {w: number, h: number},
 *   row: number, width: number, height: number}} what `row` crosses the box that moves
 */
export function reader({ video, tracker, overlay, bits, bar, row, width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return () => {
    pen.drawImage(video, 0, 0, width, height);
    const barRow = pen.getImageData(0, bar.h / 2, width, 1).data;
    let number = 0;
    for (let bit = 0; bit < bits; bit += 1) if (barRow[(bit * bar.w + bar.w / 2) * 4] > THRESHOLD) number += 2 ** bit;
    const boxRow = pen.getImageData(0, row, width, 1).data;
    let left = 0;
    while (left < width && boxRow[left * 4] <= THRESHOLD) left += 1;
    const box = video.getBoundingClientRect();
    const pane = overlay.querySelector(".livegate-pane")?.getBoundingClientRect();
    return {
      number,
      picture: left,
      element: pane ? ((pane.left - box.left) / box.width) * width : null,
      tracker: tracker.current ? tracker.current.panes[0].x * width : null,
    };
  };
}

/** Reads at every frame that is displayed; the list grows. */
export function watch(video, read) {
  const seen = [];
  const next = (_, { mediaTime, presentedFrames }) => {
    video.requestVideoFrameCallback(next);
    seen.push({ mediaTime, presentedFrames, ...read() });
  };
  video.requestVideoFrameCallback(next);
  return seen;
}

/** Frames are no further apart. */
const APART = 0.05;

/** Seeks, and reads when the frame is displayed; what was displayed before may be told of only then. */
export async function seek(video, seconds, read) {
  const displayed = new Promise((done) => {
    const told = (_, { mediaTime }) => {
      if (Math.abs(mediaTime - seconds) < APART || !video.paused) done(mediaTime);
      else video.requestVideoFrameCallback(told);
    };
    video.requestVideoFrameCallback(told);
  });
  const sought = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
  video.currentTime = seconds;
  await sought;
  const mediaTime = await displayed;
  return { mediaTime, ...read() };
}
