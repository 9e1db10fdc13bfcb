/** How often a playing video's place is looked at, in milliseconds: nothing tells that it moved and kept its size. */
const LOOK = 250;

/** Calls whenever a video's box, picture or place may be another, or its overlay is not beside it. */
export function watch(video: HTMLVideoElement, overlay: HTMLElement, changed: () => void): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const page = video.ownerDocument;
  const view = (page.defaultView ?? window) as Window & typeof globalThis;
  for (const type of ["resize", "loadedmetadata", "emptied", "transitionend"]) video.addEventListener(type, changed, { signal });
  for (const type of ["fullscreenchange", "webkitfullscreenchange"]) page.addEventListener(type, changed, { signal });
  page.addEventListener("scroll", changed, { signal, capture: true, passive: true });
  view.addEventListener("resize", changed, { signal });

  const sizes = new view.ResizeObserver(changed);
  sizes.observe(video);
  if (video.parentElement) sizes.observe(video.parentElement);
  sizes.observe(page.documentElement);
  // `object-fit` and `object-position` change without a change of size.
  const styles = new view.MutationObserver(changed);
  styles.observe(video, { attributes: true, attributeFilter: ["style", "class"] });
  const looks = view.setInterval(() => {
    if ((!video.paused && !page.hidden) || video.parentNode !== overlay.parentNode) changed();
  }, LOOK);
  return () => {
    ended.abort();
    sizes.disconnect();
    styles.disconnect();
    view.clearInterval(looks);
  };
}
