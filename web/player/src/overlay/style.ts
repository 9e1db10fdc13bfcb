/**
 * How it looks unless the page says otherwise. It weighs nothing (`:where`) and lies in a layer, so any rule of the page
 * goes before.
 */
const RULES = `@layer livegate {
:where(.livegate-overlay) { font: 500 var(--livegate-font-size, 14px)/1.4 system-ui, sans-serif; text-align: start; color: #fff; }
:where(.livegate-select) { color: inherit; font: inherit; cursor: pointer; }
:where(.livegate-select:focus-visible) { outline: var(--livegate-focus, 3px solid #fff); outline-offset: -4px; box-shadow: inset 0 0 0 6px rgb(0 0 0 / .7); }
:where(.livegate-ring) { opacity: 0; border: var(--livegate-ring-width, 4px) solid var(--livegate-ring-color, #3ddc84); transition: opacity .15s; }
:where([data-speaking="true"] > .livegate-ring) { opacity: 1; }
:where(.livegate-name) { position: absolute; inset: auto auto 6px 6px; box-sizing: border-box; max-width: calc(100% - 12px); padding: 1px 8px; border-radius: 4px; background: var(--livegate-name-background, rgb(0 0 0 / .75)); color: var(--livegate-name-color, #fff); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
@media (prefers-reduced-motion: reduce) { :where(.livegate-ring) { transition: none; } }
@media (forced-colors: active) { :where(.livegate-ring) { border-color: Highlight; } }
}`;

const sheets = new WeakMap<Document, CSSStyleSheet>();

/** Adds the rules to the document or shadow tree that an element is in, once. It may be of another window. */
export function addRules(element: Element): void {
  const root = element.getRootNode() as Document | ShadowRoot;
  const page = element.ownerDocument;
  const view = page.defaultView;
  if (!view || !("adoptedStyleSheets" in root)) return;
  let sheet = sheets.get(page);
  if (!sheet) {
    // Not a <style>, which a page's Content-Security-Policy may refuse.
    sheet = new (view as typeof globalThis & Window).CSSStyleSheet();
    sheet.replaceSync(RULES);
    sheets.set(page, sheet);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

/** Sets what placing relies on, so that no rule of the page moves it. */
export function fix(element: HTMLElement, properties: Record<string, string>): void {
  for (const [name, value] of Object.entries(properties)) {
    if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value, "important");
  }
}

/** What no rule of the page may change of anything: it would be elsewhere, or hide the picture. */
export const LAID = {
  position: "absolute",
  "box-sizing": "border-box",
  margin: "0",
  background: "none",
  transform: "none",
  "min-width": "0",
  "min-height": "0",
  "max-width": "none",
  "max-height": "none",
  "pointer-events": "none",
};

/** And of what is nothing but a place: the container, panes and their buttons. */
export const FIXED = { ...LAID, display: "block", padding: "0", border: "0" };

/** As large as what it is in. */
export const ALL = { left: "0", top: "0", right: "auto", bottom: "auto", width: "100%", height: "100%" };
