import { createApp, h, ref } from "vue";

import { LayoutVideo } from "./LayoutVideo.js";

const url = new URLSearchParams(location.search).get("url") ?? "/live.flv";

createApp({
  setup() {
    const chosen = ref("Nobody");
    const people = ref(0);
    return () =>
      h("main", [
        h(LayoutVideo, {
          url,
          onSelect: (uid) => (chosen.value = uid),
          onLayout: (layout) => (people.value = layout?.panes.length ?? 0),
        }),
        h("p", { role: "status" }, `${chosen.value} is chosen of ${people.value}.`),
      ]);
  },
}).mount("#root");
