// Streams that a relay host fetches: from nginx-rtmp and from another host, that come late, go, and come
// again.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { host } from "./lib/relay.mjs";
import { until } from "./lib/wait.mjs";
import { missing } from "./media/material.mjs";
import { AUDIO, VIDEO, clip, of, republished, same, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg, nginx, withoutNginx } from "./rtmp/peers.mjs";

const skip = await missing();
const SETTINGS = { pull_first_ms: 200, pull_longest_ms: 1_000, first_pause_ms: 200 };

/** Publishes the clip again and again until it is told to end. */
const publish = async (t, url) =>
  ffmpeg(t, ["-re", "-stream_loop", "-1", "-i", await clip(), "-c", "copy", "-f", "flv", url]);

const end = async (publisher) => {
  publisher.signal("SIGINT");
  await publisher.end();
};

describe("a relay host that fetches", { concurrency: 4, skip }, () => {
  for (const [what, begin] of [
    ["nginx-rtmp", withoutNginx() ? undefined : async (t) => ((url) => ({ pull: url, publish: url }))(`${await nginx(t)}/key`)],
    ["another host", async (t) => ((other) => ({ pull: other.playing(), publish: other.publishing() }))(await host(t))],
  ]) {
    it(`passes on a stream of ${what} that comes, goes and comes again`, { skip: !begin && withoutNginx() }, async (t) => {
      const from = await begin(t);
      const relay = await host(t, { settings: { ...SETTINGS, pull_stall_ms: 2_000 } });
      const { url, out, taken } = await destination(t);
      // There is nothing yet.
      await relay.task([url], { pull: from.pull, user: "" });
      await until(() => relay.log.match(/a pull begins anew/g)?.length >= 2);
      for (let times = 0; times < 2; times += 1) {
        const publisher = await publish(t, from.publish);
        const before = (await tags(out)).length;
        await until(() => tags(out), (all) => of(all.slice(before), VIDEO).length > 40);
        await end(publisher);
        await until(async () => (await relay.streams()).length === 0);
      }
      assert.equal(await relay.stop(), 204);
      const all = await tags(await taken());
      for (const type of [AUDIO, VIDEO]) {
        const times = of(all, type).map(({ time }) => time);
        assert.ok(times.every((time, at) => at === 0 || time >= times[at - 1]));
      }
      // Every frame is one of those that were published.
      const known = new Set((await republished(await clip())).map(({ body }) => body.toString("base64")));
      assert.ok(of(all, AUDIO, VIDEO).every(({ body }) => known.has(body.toString("base64"))));
      await relay.tells(url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
    });
  }

  it("fetches once what two tasks want, and passes on every byte", async (t) => {
    const [from, relay] = [await host(t), await host(t, { settings: SETTINGS })];
    const [one, two, there] = [await destination(t), await destination(t), await destination(t)];
    const pull = from.playing();
    await from.task([there.url]);
    const publisher = await publish(t, from.publishing());
    await until(async () => (await from.streams()).length === 1);
    await relay.task([one.url], { id: "a", pull, user: "cam" });
    await relay.task([two.url], { id: "b", pull, user: "cam" });
    for (const id of ["a", "b"]) await relay.reaches("CONNECTED", { id });
    const [{ viewers }] = await from.streams();
    assert.equal(viewers, 1);
    await relay.stop("a");
    await one.taken();
    assert.equal((await relay.show("b")).pushes[0].state, "CONNECTED");
    const before = (await tags(two.out)).length;
    await until(() => tags(two.out), (all) => all.length > before + 100);
    await end(publisher);
    for (const host of [from, relay]) await host.gone();
    await from.stop();
    await relay.stop("b");
    // What the host pushes that is fetched from.
    const [found, wanted] = (await Promise.all([two.taken(), there.taken()].map(async (out) => tags(await out)))).map((all) =>
      all.filter(({ type, body }) => type === VIDEO && body[1] === 1),
    );
    const start = wanted.findIndex(({ time, body }) => time === found[0].time && body.equals(found[0].body));
    same(found, wanted.slice(start), "from the key frame on");
  });

  it("fetches nothing any more when its task has stopped", async (t) => {
    const [from, relay] = [await host(t), await host(t, { settings: SETTINGS })];
    const { url } = await destination(t);
    const publisher = await publish(t, from.publishing());
    await until(async () => (await from.streams()).length === 1);
    await relay.task([url], { pull: from.playing(), user: "" });
    await relay.reaches("CONNECTED");
    await relay.stop();
    await until(async () => (await relay.streams()).length === 0);
    await until(async () => (await from.streams())[0].viewers === 0);
    await end(publisher);
  });
});
