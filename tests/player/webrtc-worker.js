// The receiver's side of tests/player/webrtc.js in a worker.

import { init } from "/dist/index.js";
import { createLayoutTransform } from "/dist/webrtc.js";

const ready = init();
self.onrtctransform = async ({ transformer: { readable, writable, options } }) => {
  await ready;
  readable.pipeThrough(createLayoutTransform(options.port)).pipeTo(writable);
};
