// What is published comes out as it went in: every byte of sound, pictures and metadata at its time, at
// destinations and for players, whatever the codec and the times are.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";

import { host } from "./lib/relay.mjs";
import { authority } from "./lib/receiver.mjs";
import { behindTls } from "./lib/toxic.mjs";
import { until } from "./lib/wait.mjs";
import { find } from "./media/clips.mjs";
import { write } from "./media/flv.mjs";
import { missing } from "./media/material.mjs";
import { AUDIO, DATA, VIDEO, clip, later, of, republished, same, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg, folder, nginx, ours, succeeds, withoutNginx } from "./rtmp/peers.mjs";

const skip = await missing();

describe("a relay host passes on exactly", { concurrency: 3, skip }, () => {
  it("what ffmpeg publishes, to destinations and players", async (t) => {
    const [relay, one, two] = [await host(t), await destination(t), await destination(t)];
    await relay.task([one.url, two.url]);
    const publisher = ffmpeg(t, ["-re", "-i", await clip(), "-c", "copy", "-f", "flv", relay.publishing()]);
    await until(async () => (await relay.streams()).length === 1);
    const played = join(await folder(t), "played.flv");
    const player = await ours(t, ["pull", relay.playing(), played]);
    await succeeds(publisher);
    await succeeds(player);
    await relay.drained();
    await relay.gone();
    await relay.stop();
    const wanted = await republished(await clip());
    for (const path of [await one.taken(), await two.taken()]) same(await tags(path), wanted, path);
    // A player gets what is left of the stream when it has come, from a key frame on.
    const [found, media] = [await tags(played), wanted].map((all) => all.filter(isMedia));
    const key = found.find(({ type }) => type === VIDEO);
    assert.equal(key.body[0], 0x17);
    for (const type of [AUDIO, VIDEO]) {
      const own = of(found, type);
      same(own, of(media, type).slice(-own.length), `${type} as it is played`);
    }
    await relay.tells(one.url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
  });

  it("to two nginx-rtmp, whose players get it", { skip: withoutNginx() }, async (t) => {
    const relay = await host(t);
    const places = [`${await nginx(t)}/one`, `${await nginx(t)}/two`];
    const out = await folder(t);
    const players = [];
    for (const [at, url] of places.entries()) players.push(await ours(t, ["pull", url, join(out, `${at}.flv`)]));
    for (const player of players) await until(() => /^started/m.test(player.text));
    await relay.task(places);
    await succeeds(ffmpeg(t, ["-re", "-i", await clip(), "-c", "copy", "-f", "flv", relay.publishing()]));
    await relay.drained();
    await relay.gone();
    await relay.stop();
    const wanted = await republished(await clip());
    for (const [at, player] of players.entries()) {
      await succeeds(player);
      const played = await tags(join(out, `${at}.flv`));
      for (const type of [AUDIO, VIDEO]) same(of(played, type).filter(isMedia), of(wanted, type).filter(isMedia), `${at}`);
    }
  });

  it("sound alone, and pictures alone with more than 8 s between key frames", async (t) => {
    const relay = await host(t);
    const all = [];
    for (const [channel, recipe] of Object.entries(ALONE)) {
      all.push(
        (async () => {
          const { url, taken } = await destination(t);
          await relay.task([url], { id: channel, channel });
          const path = await clip(`${channel}.flv`, recipe);
          await succeeds(ffmpeg(t, ["-re", "-i", path, "-c", "copy", "-f", "flv", relay.publishing({ channel })]));
          await relay.drained(channel);
          await relay.gone(channel);
          await relay.stop(channel);
          same(await tags(await taken()), await republished(path), channel);
          await relay.tells(url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
        })(),
      );
    }
    await Promise.all(all);
  });

  for (const name of ["hevc.h265.flv", "enhanced.h265.flv", "enhanced-x.h265.flv", "enhanced.h264.flv"]) {
    it(`${name}, through a second host too`, async (t) => {
      const [first, second, last] = [await host(t), await host(t), await destination(t)];
      await first.task([second.publishing()]);
      await second.task([last.url]);
      const { path } = await find(name);
      await succeeds(await ours(t, ["push", first.publishing(), path], { SPEED: "2", LINGER_MS: "200" }));
      await first.gone();
      await first.stop();
      await second.gone();
      await second.stop();
      same(await tags(await last.taken()), await tags(path), name);
    });
  }

  it("times of more than 24 bits", async (t) => {
    // 0xFFFFFF ms are 16,777.215 s.
    const path = await later(16_775);
    const [found, sent] = await through(t, path);
    assert.ok(sent.at(0).time < 0xffffff && sent.at(-1).time > 0xffffff);
    same(found, sent, "times");
  });

  it("times that begin anew after 2^32", async (t) => {
    const start = 2 ** 32 - 2_000;
    const moved = (await tags(await clip())).map((tag) => ({ ...tag, time: (tag.time + start) % 2 ** 32 }));
    const path = join(await folder(t), "wrapping.flv");
    await writeFile(path, write({ header: Buffer.from("464c56010500000009", "hex"), tags: moved }));
    const [found, sent] = await through(t, path);
    assert.ok(sent.at(0).time >= start && sent.at(-1).time < 3_000);
    same(found, sent, "times");
  });

  it("over TLS in and out", async (t) => {
    const own = authority();
    t.after(own.remove);
    const args = ["--rtmps", "127.0.0.1:0", "--certificate", own.certificate, "--certificate-key", own.key];
    const relay = await host(t, { args: [...args, "--authorities", own.path] });
    const plain = await destination(t);
    const url = await behindTls(t, plain.url, own.tls);
    await relay.task([url]);
    const secure = relay.publishing().replace("rtmp:", "rtmps:").replace(`:${relay.ports.rtmp}`, `:${relay.ports.rtmps}`);
    await succeeds(ffmpeg(t, ["-re", "-i", await clip(), "-c", "copy", "-f", "flv", secure]));
    await relay.drained();
    await relay.gone();
    await relay.stop();
    same(await tags(await plain.taken()), await republished(await clip()), "over TLS");
    await relay.tells(url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
  });

  it("without a pause between messages", async (t) => {
    const [found, sent] = await through(t, await clip(), { settings: { coalesce_ms: 0 } });
    same(found, sent, "at once");
  });
});

const LONG = 10;
const ALONE = {
  sound: ["-f", "lavfi", "-i", "sine=sample_rate=44100", "-t", "4", "-c:a", "aac", "-b:a", "64k"],
  pictures: [
    ...["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-t", `${LONG}`, "-c:v", "libx264", "-preset", "veryfast"],
    ...["-threads", "1", "-pix_fmt", "yuv420p", "-x264-params", "keyint=100000:scenecut=0:bframes=2"],
  ],
};

/** The media that a destination gets of a file, and that of the file. */
async function through(t, path, options) {
  const [relay, { url, taken }] = [await host(t, options), await destination(t)];
  await relay.task([url]);
  await succeeds(await ours(t, ["push", relay.publishing(), path], { SPEED: "2", LINGER_MS: "300" }));
  await relay.drained();
  await relay.gone();
  await relay.stop();
  const [found, sent] = [await tags(await taken()), await tags(path)];
  // Headers have the time of what follows them.
  const bodies = (all) => all.filter((tag) => !isMedia(tag)).map(({ body }) => body.toString("hex"));
  assert.deepEqual(bodies(found), bodies(sent));
  return [found.filter(isMedia), sent.filter(isMedia)];
}

/** Neither metadata nor the configuration of H.264 or AAC, nor the end of a sequence. */
const isMedia = ({ type, body }) => type !== DATA && body[1] === 1;
