import { LayoutOverlay, LayoutTracker, init } from "@livegate/player";
import { createMpegtsPlayer } from "@livegate/player/mpegts";
import mpegts from "mpegts.js";
import { defineComponent, h, onBeforeUnmount, onMounted, ref, watch } from "vue";

/** A live stream with the names of those in it. */
export const LayoutVideo = defineComponent({
  props: { url: { type: String, required: true } },
  emits: ["select", "layout"],
  setup(props, { emit }) {
    const video = ref(null);
    const failure = ref("");
    // What has begun, in its order; it ends in the other one.
    const ends = [];
    let turn = 0;

    async function play() {
      stop();
      const mine = turn;
      failure.value = "";
      try {
        await start(mine);
      } catch (error) {
        if (mine !== turn) return;
        stop();
        failure.value = error.message;
      }
    }
    async function start(mine) {
      await init();
      if (mine !== turn) return;
      if (!mpegts.isSupported()) throw new Error("This browser cannot play the stream.");
      const tracker = new LayoutTracker();
      ends.push(() => tracker.close());
      const overlay = new LayoutOverlay(video.value, tracker);
      ends.push(() => overlay.destroy());
      overlay.addEventListener("select", ({ uid }) => emit("select", uid));
      tracker.addEventListener("layout", ({ layout }) => emit("layout", layout));
      tracker.attach(video.value);
      const { player, stop: untap } = createMpegtsPlayer(mpegts, tracker, { type: "flv", isLive: true, url: props.url });
      ends.push(() => player.destroy(), untap);
      player.on(mpegts.Events.ERROR, (type, detail) => (failure.value = `The stream cannot be played: ${detail}`));
      player.attachMediaElement(video.value);
      player.load();
    }
    function stop() {
      turn += 1;
      while (ends.length > 0) ends.pop()();
    }

    onMounted(play);
    watch(() => props.url, play);
    onBeforeUnmount(stop);
    return () =>
      h("div", [
        h("p", { role: "alert" }, failure.value),
        // The overlay puts its container behind the video; this element is the component's own, so Vue leaves it be.
        h("div", { style: "position: relative" }, [
          h("video", { ref: video, muted: true, autoplay: true, playsinline: true, style: "width: 100%" }),
        ]),
      ]);
  },
});
