import { LayoutOverlay, LayoutTracker, init } from "@livegate/player";
import { createMpegtsPlayer } from "@livegate/player/mpegts";
import mpegts from "mpegts.js";
import { useEffect, useRef, useState } from "react";

/** A live stream with the names of those in it. */
export function LayoutVideo({ url, onSelect, onLayout }) {
  const video = useRef(null);
  const [failure, setFailure] = useState("");
  // Those of the last rendering, so that a new function does not begin the stream anew.
  const listeners = useRef({});
  listeners.current = { onSelect, onLayout };

  useEffect(() => {
    const element = video.current;
    // What has begun, in its order; it ends in the other one.
    const ends = [];
    let ended = false;
    const end = () => {
      ended = true;
      while (ends.length > 0) ends.pop()();
    };
    const fail = (text) => {
      if (!ended) setFailure(text);
    };
    const start = () => {
      if (ended) return;
      if (!mpegts.isSupported()) throw new Error("This browser cannot play the stream.");
      const tracker = new LayoutTracker();
      ends.push(() => tracker.close());
      const overlay = new LayoutOverlay(element, tracker);
      ends.push(() => overlay.destroy());
      overlay.addEventListener("select", ({ uid }) => listeners.current.onSelect?.(uid));
      tracker.addEventListener("layout", ({ layout }) => listeners.current.onLayout?.(layout));
      tracker.attach(element);
      const { player, stop } = createMpegtsPlayer(mpegts, tracker, { type: "flv", isLive: true, url });
      ends.push(() => player.destroy(), stop);
      player.on(mpegts.Events.ERROR, (type, detail) => fail(`The stream cannot be played: ${detail}`));
      player.attachMediaElement(element);
      player.load();
    };
    setFailure("");
    init()
      .then(start)
      .catch((error) => {
        fail(error.message);
        end();
      });
    return end;
  }, [url]);

  return (
    <>
      {/* The overlay lies behind it in the page: what React adds and takes away stands before. */}
      <p role="alert">{failure}</p>
      <div style={{ position: "relative" }}>
        <video ref={video} muted autoPlay playsInline style={{ width: "100%" }} />
      </div>
    </>
  );
}
