import { Target } from "../events.js";
import type { LayoutTracker } from "../tracker.js";
import type { Pane } from "../types.js";
import { type Measured, cover, isAlike, measure } from "./box.js";
import { type Naming, apart, shownNames } from "./names.js";
import { type PaneMaker, PaneView, keys, orders } from "./pane.js";
import { FIXED, addRules, fix } from "./style.js";
import { watch } from "./watch.js";

export interface OverlayOptions {
  /** What a pane's tag says: its `uid` by default. Where that is blank, or none, it is `Person` and a number. */
  name?: Naming;
  /** What a screen reader says of a pane: by default what the tag says. */
  label?: Naming;
  /** What a screen reader says of all of them: `People in the picture` by default. */
  listLabel?: string;
  /**
   * Fills a pane's element in place of the name tag, when it comes and when what the stream says of it changes. Names
   * are anybody's text: use `textContent`.
   */
  render?: (pane: Pane, element: HTMLElement) => void;
  /** Whether panes can be clicked and have the keyboard's focus: true by default. */
  interactive?: boolean;
}

/** A pane was clicked, or chosen by Enter or the space bar. */
export class SelectEvent extends Event {
  readonly uid: string;

  constructor(readonly pane: Pane) {
    super("select");
    this.uid = pane.uid;
  }
}

export interface OverlayEvents {
  select: SelectEvent;
}

/**
 * Elements over the panes of a video, one for each, wherever the picture is in the video's box.
 *
 * They lie in a container right behind the video, which takes no room in the page. To be seen in full screen, the
 * element that goes there should be one that holds both; if it is the video itself, the container goes to the browser's
 * top layer as a popover, where there are popovers. There it is seen, but browsers let nothing but the video be clicked.
 */
export class LayoutOverlay extends Target<OverlayEvents> {
  /** The container. */
  readonly element: HTMLElement;
  readonly #video: HTMLVideoElement;
  readonly #tracker: LayoutTracker;
  readonly #maker: PaneMaker;
  readonly #relayout = (): void => this.#draw();
  /** Ends watching; null once it is destroyed. */
  #unwatch: (() => void) | null;
  #views = new Map<string, PaneView>();
  #box: Measured | null = null;
  /** Where the video was seen last. */
  #page: Document | null = null;

  constructor(video: HTMLVideoElement, tracker: LayoutTracker, options?: OverlayOptions | null) {
    super();
    this.#video = video;
    this.#tracker = tracker;
    const { name = uid, label = name, interactive = true, listLabel = "People in the picture", render } = options ?? {};
    this.#maker = {
      get document() {
        return video.ownerDocument;
      },
      interactive,
      label,
      name,
      ...(render && { render }),
      select: (pane) => this.dispatchEvent(new SelectEvent(pane)),
    };
    this.element = video.ownerDocument.createElement("div");
    this.element.className = "livegate-overlay";
    this.element.setAttribute("role", "list");
    this.element.setAttribute("aria-label", listLabel);
    fix(this.element, CONTAINER);
    this.#unwatch = watch(video, this.element, () => this.update());
    tracker.addEventListener("layout", this.#relayout);
    this.update();
  }

  /** Looks where the video is. It is seen to by itself but where a page moves or restyles it without a trace. */
  update(): void {
    if (!this.#unwatch) return;
    this.#follow();
    this.#surface();
    const box = measure(this.#video, this.element);
    if (box) cover(this.#video, this.element);
    if (isAlike(box, this.#box)) return;
    this.#box = box;
    this.#draw();
  }

  /** Takes the elements away, and listens to nothing any more. */
  destroy(): void {
    this.#tracker.removeEventListener("layout", this.#relayout);
    this.#unwatch?.();
    this.#unwatch = null;
    this.element.remove();
    this.#views.clear();
  }

  #draw(): void {
    const box = this.#box;
    const layout = this.#tracker.current;
    const placed = box && layout ? this.#tracker.place(layout, box) : [];
    const before = this.#views;
    this.#views = new Map();
    if (placed.length > 0) {
      const panes = layout!.panes;
      const names = keys(panes);
      const order = orders(panes);
      const { name, label } = this.#maker;
      const shown = shownNames(panes, name);
      const said = apart(shownNames(panes, label));
      placed.forEach((place, index) => {
        const key = names[index]!;
        let view = before.get(key);
        if (view) {
          before.delete(key);
          view.update(place.pane, shown[index]!, said[index]!);
        } else {
          view = new PaneView(place.pane, shown[index]!, said[index]!, this.#maker);
          this.element.append(view.element);
        }
        view.place({ ...place, x: place.x + box!.addX, y: place.y + box!.addY }, order[index]!, box!);
        this.#views.set(key, view);
      });
    }
    for (const view of before.values()) view.remove();
    // An empty list is nothing to be told of.
    fix(this.element, { visibility: placed.length > 0 ? "visible" : "hidden" });
  }

  /** Behind the video, wherever the page puts it: in another place or window, or in none. */
  #follow(): void {
    const { element } = this;
    const video = this.#video;
    const place = video.isConnected ? video.parentNode : null;
    // Both may have gone to another window together, with what is around them.
    const page = video.ownerDocument;
    const moved = page !== this.#page;
    this.#page = page;
    if (moved || place !== element.parentNode || video.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING) {
      if (place) video.after(element);
      else element.remove();
      this.#unwatch?.();
      this.#unwatch = watch(video, element, () => this.update());
    }
    // A page may have put other sheets in the place of all there were.
    if (place) addRules(element);
  }

  /** In the top layer while the video by itself is in full screen, and else in the page. */
  #surface(): void {
    const { element } = this;
    // A shadow tree has its own; the page's is the tree's host.
    const alone = (this.#video.getRootNode() as Document | ShadowRoot).fullscreenElement === this.#video;
    if (alone === element.hasAttribute("popover") || !element.showPopover) return;
    if (alone) {
      element.popover = "manual";
      element.showPopover();
      fix(element, { position: "fixed" });
    } else {
      element.hidePopover();
      element.removeAttribute("popover");
      fix(element, { position: "absolute" });
    }
  }
}

const uid = (pane: Pane): string => pane.uid;

const CONTAINER = {
  ...FIXED,
  isolation: "isolate",
  left: "0",
  top: "0",
  right: "auto",
  bottom: "auto",
  width: "0",
  height: "0",
  overflow: "hidden",
  // It is where it is put at once.
  transition: "none",
  visibility: "hidden",
};
