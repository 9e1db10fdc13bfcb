// How far the tags are from the picture: of both it is looked, at each frame, whose pane a few points are in.
// The picture's colours say it (Ann's background is blue, Ben's is orange), and the tags' places in the page.

/** Points that are in different panes in different layouts; none is on a figure. */
const POINTS = [
  [0.02, 0.3],
  [0.9, 0.06],
  [0.745, 0.75],
];

const NOBODY = "nobody";

/** Reads whose picture is at each point of the frame that a video shows, by its pixels. */
export function pictureReader(video) {
  const canvas = new OffscreenCanvas(POINTS.length, 1);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return () => {
    const { videoWidth, videoHeight } = video;
    POINTS.forEach(([x, y], at) => pen.drawImage(video, x * videoWidth - 2, y * videoHeight - 2, 4, 4, at, 0, 1, 1));
    const { data } = pen.getImageData(0, 0, POINTS.length, 1);
    return POINTS.map((_, at) => (data[at * 4] > data[at * 4 + 2] ? "Ben" : "Ann")).join(" ");
  };
}

/** Reads whose element is uppermost at each point of the video's box, which the picture fills. */
export function tagsReader(video, overlay) {
  return () => {
    const box = video.getBoundingClientRect();
    const panes = [...overlay.querySelectorAll("[data-uid]")]
      .map((element) => ({ element, order: Number(element.style.zIndex), place: element.getBoundingClientRect() }))
      .sort((one, other) => other.order - one.order);
    return POINTS.map(([partX, partY]) => {
      const [x, y] = [box.left + partX * box.width, box.top + partY * box.height];
      const over = ({ place }) => x >= place.left && x < place.right && y >= place.top && y < place.bottom;
      return panes.find(over)?.element.dataset.uid ?? NOBODY;
    }).join(" ");
  };
}

/**
 * Watches both, and tells of each change: by how many seconds of media time, and how many frames, the tags came
 * after the picture. Less than 0 is before it.
 */
export function watchBoth(video, overlay, told) {
  const [picture, tags] = [pictureReader(video), tagsReader(video, overlay)];
  const shown = { picture: null, tags: null };
  const changed = { picture: null, tags: null };
  let frame = 0;
  const look = (_, { mediaTime }) => {
    video.requestVideoFrameCallback(look);
    frame += 1;
    for (const [name, read] of Object.entries({ picture, tags })) {
      const now = read();
      // What is there at first is no change.
      if (now !== shown[name] && shown[name] && !shown[name].includes(NOBODY)) changed[name] = { now, mediaTime, frame };
      shown[name] = now;
    }
    const [first, second] = [changed.picture, changed.tags];
    if (first && second && first.now === second.now && shown.picture === shown.tags) {
      told({ now: first.now, seconds: second.mediaTime - first.mediaTime, frames: second.frame - first.frame });
      changed.picture = changed.tags = null;
    }
  };
  video.requestVideoFrameCallback(look);
}
