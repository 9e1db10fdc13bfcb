import { LayoutOverlay, LayoutTracker, init } from "../dist/index.js";
import { createMpegtsPlayer } from "../dist/mpegts.js";
import { watchBoth } from "./measure.js";

const { mpegts } = globalThis;
const find = (id) => document.getElementById(id);
const [video, stage] = [find("video"), find("stage")];
const buttons = [...document.querySelectorAll("[data-layout]")];
const AGAIN_MS = 1_000;

const say = (id, text) => (find(id).textContent = text);
const state = (name, text) => {
  find("live").dataset.state = name;
  say("live", text);
};

find("code").textContent = `import { init, LayoutTracker, LayoutOverlay } from "@livegate/player";
import { createMpegtsPlayer } from "@livegate/player/mpegts";

await init();
const tracker = new LayoutTracker();
tracker.attach(video);
new LayoutOverlay(video, tracker).addEventListener("select", ({ uid }) => console.log(uid));

const { player } = createMpegtsPlayer(mpegts, tracker, { type: "flv", isLive: true, url });
player.attachMediaElement(video);
player.load();
player.play();`;

async function main() {
  if (!mpegts?.isSupported()) throw new Error("this browser has no Media Source Extensions for live streams");
  await init();
  const tracker = new LayoutTracker();
  tracker.attach(video);
  const overlay = new LayoutOverlay(video, tracker);

  let messages = 0;
  tracker.addEventListener("message", () => say("messages", `${(messages += 1)}`));
  tracker.addEventListener("warning", ({ warning }) => console.warn(warning.code, warning.count));
  overlay.addEventListener("select", ({ uid }) => say("chosen", uid));
  watchBoth(video, overlay.element, (change) => {
    const { seconds, frames } = change;
    const ms = Math.round(Math.abs(seconds) * 1_000);
    say("apart", frames === 0 ? "changed on the same frame" : `tags ${ms} ms ${seconds > 0 ? "after" : "before"} the picture`);
    document.dispatchEvent(new CustomEvent("apart", { detail: change }));
  });
  await play(tracker);
}

/** Plays until the stream ends, and then again. */
async function play(tracker) {
  const live = await waitForStream();
  choose(live.layout);
  const source = { type: "flv", isLive: true, url: live.play };
  const { player, stop } = createMpegtsPlayer(mpegts, tracker, source, {
    enableStashBuffer: false,
    liveBufferLatencyChasing: true,
    liveBufferLatencyMaxLatency: 1.5,
    liveBufferLatencyMinRemain: 0.4,
  });
  let isOver = false;
  const again = () => {
    if (isOver) return;
    isOver = true;
    stop();
    player.destroy();
    state("over", "the stream ended");
    setTimeout(() => play(tracker), AGAIN_MS);
  };
  player.on(mpegts.Events.ERROR, again);
  player.on(mpegts.Events.LOADING_COMPLETE, again);
  player.attachMediaElement(video);
  player.load();
  video.addEventListener("playing", () => state("live", "live"), { once: true });
  // Whoever ends it in between is told so by the player's events.
  await player.play().catch(() => {});
}

async function waitForStream() {
  for (;;) {
    const answer = await fetch("/api/live").catch(() => null);
    if (answer?.ok) return answer.json();
    await new Promise((later) => setTimeout(later, AGAIN_MS));
  }
}

function choose(name) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.layout === name));
}

for (const button of buttons) {
  button.addEventListener("click", async () => {
    const name = button.dataset.layout;
    choose(name);
    const answer = await fetch("/api/layout", { method: "PUT", body: JSON.stringify({ name }) }).catch(() => null);
    if (!answer?.ok) state("over", "the demo was stopped");
  });
}

find("sound").addEventListener("click", ({ currentTarget }) => {
  video.muted = !video.muted;
  currentTarget.setAttribute("aria-pressed", String(!video.muted));
});

find("full").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else stage.requestFullscreen();
});

main().catch((error) => state("over", error.message));
