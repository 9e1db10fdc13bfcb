import type { Pane, PlacedPane } from "../types.js";
import type { Measured } from "./box.js";
import { type Naming, asked } from "./names.js";
import { ALL, FIXED, LAID, fix } from "./style.js";

/** What the elements of a pane are made by. */
export interface PaneMaker {
  readonly document: Document;
  readonly interactive: boolean;
  readonly label: Naming;
  readonly name: Naming;
  render?(pane: Pane, element: HTMLElement): void;
  select(pane: Pane): void;
}

/** The elements of one pane. They stay while its user is in the picture. */
export class PaneView {
  readonly element: HTMLElement;
  readonly #button: HTMLButtonElement | null = null;
  readonly #content: HTMLElement;
  readonly #name: HTMLElement | null = null;

  constructor(
    private pane: Pane,
    private shown: string,
    private said: string,
    readonly maker: PaneMaker,
  ) {
    const make = <T extends keyof HTMLElementTagNameMap>(tag: T, name: string): HTMLElementTagNameMap[T] => {
      const element = maker.document.createElement(tag);
      element.className = `livegate-${name}`;
      return element;
    };
    this.element = make("div", "pane");
    this.element.setAttribute("role", "listitem");
    fix(this.element, FIXED);
    if (maker.interactive) {
      this.#button = make("button", "select");
      this.#button.type = "button";
      fix(this.#button, { ...FIXED, ...ALL, "pointer-events": "auto" });
      this.#button.addEventListener("click", () => maker.select(this.pane));
      this.element.append(this.#button);
    }
    // Speaking is shown and not said: it changes several times a second.
    const ring = make("div", "ring");
    ring.setAttribute("aria-hidden", "true");
    fix(ring, { ...LAID, ...ALL });
    this.#content = make("div", "content");
    const cut = ["top", "right", "bottom", "left"].map((side) => `var(--livegate-cut-${side})`);
    fix(this.#content, { ...LAID, inset: cut.join(" "), width: "auto", height: "auto", border: "0" });
    // A button has its own label; without one the name is read.
    if (this.#button) this.#content.setAttribute("aria-hidden", "true");
    this.element.append(ring, this.#content);
    if (!maker.render) {
      this.#name = make("span", "name");
      this.#name.dir = "auto";
      this.#content.append(this.#name);
    }
    this.#describe();
  }

  /** Takes what the stream says of it now, and what is shown and said of it. */
  update(pane: Pane, shown: string, said: string): void {
    const isAsBefore = saysSame(pane, this.pane) && shown === this.shown && said === this.said;
    [this.pane, this.shown, this.said] = [pane, shown, said];
    if (!isAsBefore) this.#describe();
  }

  /** Moves it: in pixels of the box where the picture is. */
  place({ x, y, width, height }: PlacedPane, order: number, box: Measured): void {
    const cut = {
      "--livegate-cut-left": px(Math.max(0, -x)),
      "--livegate-cut-top": px(Math.max(0, -y)),
      "--livegate-cut-right": px(Math.max(0, x + width - box.width)),
      "--livegate-cut-bottom": px(Math.max(0, y + height - box.height)),
    };
    fix(this.element, {
      left: px(box.left + x),
      top: px(box.top + y),
      width: px(width),
      height: px(height),
      "z-index": String(order),
      ...cut,
    });
  }

  remove(): void {
    this.element.remove();
  }

  #describe(): void {
    const { maker, element, pane, shown, said } = this;
    const attributes: Record<string, string> = {
      "data-uid": pane.uid,
      "data-speaking": String(pane.speaking ?? "unknown"),
    };
    for (const [name, value] of Object.entries(attributes)) {
      if (element.getAttribute(name) !== value) element.setAttribute(name, value);
    }
    element.style.setProperty("--livegate-volume", String(pane.volume ?? 0));
    if (this.#button && this.#button.ariaLabel !== said) this.#button.ariaLabel = said;
    if (this.#name && this.#name.textContent !== shown) this.#name.textContent = shown;
    asked(() => maker.render?.(pane, this.#content));
  }
}

const px = (pixels: number): string => `${pixels}px`;

/** Whether the stream says the same of both. */
const saysSame = (one: Pane, other: Pane): boolean =>
  (Object.keys(other) as (keyof Pane)[]).every((key) => one[key] === other[key]);

/** The same picture has the same key in every layout; if it is there several times, a number tells them apart. */
export function keys(panes: readonly Pane[]): string[] {
  const counts = new Map<string, number>();
  return panes.map(({ uid, channel = "" }) => {
    const key = JSON.stringify([uid, channel]);
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    return count === 0 ? key : `${key}${count}`;
  });
}

/** Which lies above: for each pane its place from the lowest up. */
export function orders(panes: readonly Pane[]): number[] {
  const order: number[] = [];
  panes
    .map((_, index) => index)
    .sort((one, other) => panes[one]!.z - panes[other]!.z || one - other)
    .forEach((index, place) => (order[index] = place));
  return order;
}
