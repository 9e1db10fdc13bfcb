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
    let end = () => {};
    let turn = 0;

    async function play() {
      stop();
      const mine = turn;
      failure.value = "";
      try {
        await start(mine);
      } catch (error) {
        failure.value = error.message;
      }
    }
    async function start(mine) {
      await init();
      if (mine !== turn) return;
      const tracker = new LayoutTracker();
      const overlay = new LayoutOverlay(video.value, tracker);
      overlay.addEventListener("select", ({ uid }) => emit("select", uid));
      tracker.addEventListener("layout", ({ layout }) => emit("layout", layout));
      tracker.attach(video.value);
      const { player, stop: untap } = createMpegtsPlayer(mpegts, tracker, { type: "flv", isLive: true, url: props.url });
      player.on(mpegts.Events.ERROR, (type, detail) => (failure.value = `The stream cannot be played: ${detail}`));
      player.attachMediaElement(video.value);
      player.load();
      end = () => {
        untap();
        player.destroy();
        overlay.destroy();
        tracker.close();
      };
    }
    function stop() {
      turn += 1;
      end();
      end = () => {};
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
