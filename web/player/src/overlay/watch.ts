/** How often a playing video's place is looked at, in milliseconds: nothing tells that it moved and kept its size. */
const LOOK = 250;

/** Calls whenever a video's box, picture or place may be another. */
export function watch(video: HTMLVideoElement, changed: () => void): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const page = video.ownerDocument;
  const view = page.defaultView ?? window;
  for (const type of ["resize", "loadedmetadata", "emptied"]) video.addEventListener(type, changed, { signal });
  for (const type of ["fullscreenchange", "webkitfullscreenchange"]) page.addEventListener(type, changed, { signal });
  page.addEventListener("scroll", changed, { signal, capture: true, passive: true });
  view.addEventListener("resize", changed, { signal });
  view.visualViewport?.addEventListener("resize", changed, { signal });
  view.screen.orientation?.addEventListener("change", changed, { signal });

  const sizes = new ResizeObserver(changed);
  sizes.observe(video);
  if (video.parentElement) sizes.observe(video.parentElement);
  sizes.observe(page.documentElement);
  // `object-fit` and `object-position` change without a change of size.
  const styles = new MutationObserver(changed);
  styles.observe(video, { attributes: true, attributeFilter: ["style", "class"] });
  const looks = setInterval(() => {
    if (!video.paused && !page.hidden) changed();
  }, LOOK);
  return () => {
    ended.abort();
    sizes.disconnect();
    styles.disconnect();
    clearInterval(looks);
  };
}
