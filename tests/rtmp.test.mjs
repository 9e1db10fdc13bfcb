// livegate-rtmp against real programs: ffmpeg, nginx-rtmp and GStreamer publish to it, play from it, and
// take what it publishes. What arrives is what was sent: every byte of audio and video at its time.

import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";

import { freePort } from "./lib/ports.mjs";
import { until } from "./lib/wait.mjs";
import { find } from "./media/clips.mjs";
import { missing } from "./media/material.mjs";
import { AUDIO, DATA, VIDEO, clip, later, of, republished, same, tags } from "./rtmp/flv.mjs";
import {
  ffmpeg,
  folder,
  inMemory,
  nginx,
  ours,
  pipeline,
  serving,
  succeeds,
  withoutGstreamer,
  withoutNginx,
} from "./rtmp/peers.mjs";

const skip = await missing();
const skipGstreamer = skip || (await withoutGstreamer());
const skipNginx = skip || withoutNginx();

test("other implementations agree in memory", async () => {
  await inMemory();
});

test("ffmpeg publishes, and every byte arrives at its time", { skip }, async (t) => {
  const out = join(await folder(t), "out.flv");
  const server = await serving(t, ["take", out]);
  await succeeds(ffmpeg(t, ["-i", await clip(), "-c", "copy", "-f", "flv", `${server.url}/key?token=t0p`]));
  const said = await succeeds(server.running);
  assert.deepEqual(said.slice(1), ["connect live", "publish key?token=t0p live", "ended", "closed after its end"]);
  // Metadata too: ffmpeg knows neither duration nor size in both cases.
  same(await tags(out), await republished(await clip()), "what arrived");
});

test("times pass the 24 bits of a header", { skip }, async (t) => {
  const out = join(await folder(t), "out.flv");
  const server = await serving(t, ["take", out]);
  // 0xFFFFFF ms are 16,777.215 s.
  const more = ["-output_ts_offset", "16775"];
  await succeeds(ffmpeg(t, ["-i", await clip(), "-c", "copy", ...more, "-f", "flv", `${server.url}/key`]));
  await succeeds(server.running);
  const arrived = await tags(out);
  same(arrived, await republished(await clip(), more), "what arrived");
  const video = of(arrived, VIDEO);
  assert.ok(video.some(({ time }) => time < 0xffffff) && video.some(({ time }) => time > 0xffffff));
});

test("ffmpeg is told why it is refused", { skip }, async (t) => {
  const out = join(await folder(t), "out.flv");
  const server = await serving(t, ["take", out], { REFUSE: "the token is over" });
  const publisher = ffmpeg(t, ["-i", await clip(), "-c", "copy", "-f", "flv", `${server.url}/key`]);
  assert.notEqual(await publisher.end(), 0);
  assert.match(publisher.text, /the token is over/);
  await succeeds(server.running);
  assert.deepEqual(await tags(out), []);
});

test("ffmpeg plays", { skip }, async (t) => {
  const out = join(await folder(t), "out.flv");
  const server = await serving(t, ["give", await clip()]);
  await succeeds(ffmpeg(t, ["-i", `${server.url}/key`, "-c", "copy", "-f", "flv", out]));
  await succeeds(server.running);
  same(of(await tags(out), AUDIO, VIDEO), of(await tags(await clip()), AUDIO, VIDEO), "what was played");
});

for (const handshake of ["digest", "simple"]) {
  test(`ffmpeg listens and we publish, ${handshake} handshake`, { skip }, async (t) => {
    const out = join(await folder(t), "out.flv");
    const url = `rtmp://127.0.0.1:${await freePort()}/live/key`;
    const server = ffmpeg(t, ["-listen", "1", "-i", url, "-c", "copy", "-f", "flv", out]);
    // It takes one connection, so that nobody can ask whether it listens yet.
    const said = await until(async () => {
      const client = await ours(t, ["push", url, await clip()], { SPEED: "8", HANDSHAKE: handshake });
      await client.end();
      return client.text;
    }, (text) => !text.includes("Connection refused"));
    assert.match(said, /^started 1$/m);
    await server.end();
    same(of(await tags(out), AUDIO, VIDEO), of(await tags(await clip()), AUDIO, VIDEO), "what arrived");
  });
}

/** Plays from a server and publishes to it: what was played, what was published, what was said. */
async function through(t, url, path, env) {
  const out = join(await folder(t), "out.flv");
  const player = await ours(t, ["pull", url, out], env);
  await until(() => /^started/m.test(player.text));
  const publisher = await ours(t, ["push", url, path], { SPEED: "4", LINGER_MS: "300", ...env });
  const said = await succeeds(publisher);
  await succeeds(player);
  return { played: await tags(out), said };
}

for (const handshake of ["digest", "simple"]) {
  test(`nginx-rtmp passes on what we publish to it, ${handshake} handshake`, { skip: skipNginx }, async (t) => {
    const url = `${await nginx(t)}/key`;
    const { played, said } = await through(t, url, await clip(), { HANDSHAKE: handshake });
    same(of(played, AUDIO), of(await tags(await clip()), AUDIO), "audio");
    same(of(played, VIDEO), of(await tags(await clip()), VIDEO), "video");
    const [, acknowledged, sent] = said.join("\n").match(/^acknowledged (\d+) of (\d+)$/m);
    // It is asked to say so after each 256 KiB.
    assert.ok(sent - acknowledged < 300_000 && acknowledged > 0, said.join("\n"));
  });
}

test("nginx-rtmp passes on times of more than 24 bits", { skip: skipNginx }, async (t) => {
  const url = `${await nginx(t)}/key`;
  // 0xFFFFFF ms are 16,777.215 s.
  const path = await later(16_775);
  const { played } = await through(t, url, path);
  const sent = of(await tags(path), VIDEO).filter(frames);
  assert.ok(sent.at(0).time < 0xffffff && sent.at(-1).time > 0xffffff);
  same(of(played, VIDEO).filter(frames), sent, "video");
});

/** Not the configurations, which nginx-rtmp sends again at a time of its own. */
const frames = ({ body }) => body[1] === 1;

// ffmpeg 5.1 and GStreamer 1.22 send none, and nginx-rtmp 1.2.2 passes none on.
test("H.265 by enhanced RTMP arrives as it is", { skip }, async (t) => {
  const out = join(await folder(t), "out.flv");
  const { path } = await find("enhanced.h265.flv");
  const server = await serving(t, ["take", out]);
  await succeeds(await ours(t, ["push", `${server.url}/key`, path], { SPEED: "8" }));
  const said = await succeeds(server.running);
  assert.ok(said.includes("connect live av01,hvc1,vp09"), said.join("\n"));
  const sent = await tags(path);
  assert.ok(of(sent, VIDEO).every(({ body }) => body.subarray(1, 5).equals(Buffer.from("hvc1"))));
  same(await tags(out), sent, "what arrived");
});

test("GStreamer publishes", { skip: skipGstreamer }, async (t) => {
  const out = join(await folder(t), "out.flv");
  const server = await serving(t, ["take", out]);
  const line = `filesrc location=${await clip()} ! flvdemux name=in flvmux name=out streamable=true
    ! rtmp2sink location=${server.url}/key
    in.video ! queue ! h264parse ! out.video in.audio ! queue ! aacparse ! out.audio`;
  await succeeds(pipeline(t, line));
  await succeeds(server.running);
  // It writes headers of its own around the same units.
  const units = (all, type, header) => of(all, type).filter(({ body }) => body[1] === 1).map(({ body }) => body.subarray(header));
  const [arrived, sent] = [await tags(out), await tags(await clip())];
  for (const [type, header] of [[VIDEO, 5], [AUDIO, 2]]) {
    const [found, wanted] = [units(arrived, type, header), units(sent, type, header)];
    assert.equal(found.length, wanted.length, `type ${type}`);
    assert.ok(found.every((unit, at) => unit.equals(wanted[at])), `the bytes of type ${type}`);
  }
  assert.equal(of(arrived, DATA).length > 0, true, "it sends metadata");
});

test("GStreamer plays", { skip: skipGstreamer }, async (t) => {
  const out = join(await folder(t), "out.flv");
  const server = await serving(t, ["give", await clip()]);
  await succeeds(pipeline(t, `rtmp2src location=${server.url}/key ! filesink location=${out}`));
  await succeeds(server.running);
  const [played, sent] = [await tags(out), await tags(await clip())];
  // When the stream ends, it lets go of what it has not passed on.
  assert.ok(played.length > sent.length - 25, `${played.length} of ${sent.length}`);
  same(played, sent.slice(0, played.length), "what was played");
});
