import { LayoutOverlay, LayoutTracker, init } from "@livegate/player";
import { createMpegtsPlayer } from "@livegate/player/mpegts";
import mpegts from "mpegts.js";
import { useEffect, useRef } from "react";

/** A live stream with the names of those in it. */
export function LayoutVideo({ url, onSelect, onLayout }) {
  const video = useRef(null);
  // Those of the last rendering, so that a new function does not begin the stream anew.
  const listeners = useRef({});
  listeners.current = { onSelect, onLayout };

  useEffect(() => {
    const element = video.current;
    let end = () => {};
    let ended = false;
    init().then(() => {
      if (ended) return;
      const tracker = new LayoutTracker();
      const overlay = new LayoutOverlay(element, tracker);
      overlay.addEventListener("select", ({ uid }) => listeners.current.onSelect?.(uid));
      tracker.addEventListener("layout", ({ layout }) => listeners.current.onLayout?.(layout));
      tracker.attach(element);
      const { player, stop } = createMpegtsPlayer(mpegts, tracker, { type: "flv", isLive: true, url });
      player.attachMediaElement(element);
      player.load();
      end = () => {
        stop();
        player.destroy();
        overlay.destroy();
        tracker.close();
      };
    });
    return () => {
      ended = true;
      end();
    };
  }, [url]);

  return <video ref={video} muted autoPlay playsInline style={{ width: "100%" }} />;
}
