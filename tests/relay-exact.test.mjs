// What is published comes out as it went in: every byte of sound, pictures and metadata at its time, at
// destinations and for players, whatever the codec and the times are.

import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";

import { host } from "./lib/relay.mjs";
import { until } from "./lib/wait.mjs";
import { missing } from "./media/material.mjs";
import { ffmpeg, folder, ours, serving, succeeds } from "./rtmp/peers.mjs";
import { clip, republished, same, tags } from "./rtmp/flv.mjs";

const skip = await missing();

test("a destination and a player get what ffmpeg publishes", { skip }, async (t) => {
  const at = await folder(t);
  const relay = await host(t);
  const destination = await serving(t, ["take", join(at, "out.flv")]);
  await relay.task([`${destination.url}/key`]);
  const publisher = ffmpeg(t, ["-re", "-i", await clip(), "-c", "copy", "-f", "flv", relay.publishing()]);
  await until(async () => (await relay.streams()).length === 1);
  const player = await ours(t, ["pull", relay.playing(), join(at, "played.flv")]);
  await relay.reaches("CONNECTED");
  await succeeds(publisher);
  await relay.stop();
  await succeeds(destination.running);
  await succeeds(player);
  const wanted = await republished(await clip());
  same(await tags(join(at, "out.flv")), wanted, "at the destination");
  same(await tags(join(at, "played.flv")), wanted, "played");
  console.log(await relay.states(`${destination.url}/key`));
});
