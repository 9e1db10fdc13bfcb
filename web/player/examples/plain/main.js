import { LayoutOverlay, LayoutTracker, init } from "@livegate/player";
import { createMpegtsPlayer } from "@livegate/player/mpegts";
import mpegts from "mpegts.js";

const stage = document.querySelector(".stage");
const video = stage.querySelector("video");
const status = document.querySelector("[role=status]");
const url = new URLSearchParams(location.search).get("url") ?? "/live.flv";

const fail = (text) => {
  document.querySelector("[role=alert]").textContent = text;
};

async function main() {
  await init();
  if (!mpegts.isSupported()) throw new Error("This browser cannot play the stream.");
  const tracker = new LayoutTracker();
  const overlay = new LayoutOverlay(video, tracker);
  overlay.addEventListener("select", ({ uid }) => {
    status.textContent = `${uid} is chosen.`;
  });
  tracker.addEventListener("warning", ({ warning }) => console.warn(warning.code, warning.count));
  tracker.attach(video);

  const { player } = createMpegtsPlayer(mpegts, tracker, { type: "flv", isLive: true, url });
  player.on(mpegts.Events.ERROR, (type, detail) => fail(`The stream cannot be played: ${detail}`));
  player.attachMediaElement(video);
  player.load();
}

document.querySelector("button").addEventListener("click", () => stage.requestFullscreen());
main().catch((error) => fail(error.message));
