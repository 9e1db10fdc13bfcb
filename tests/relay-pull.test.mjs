// Streams that a relay host fetches: from nginx-rtmp and from another host, that come late, go, and come
// again.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";

import { host } from "./lib/relay.mjs";
import { until } from "./lib/wait.mjs";
import { missing } from "./media/material.mjs";
import { AUDIO, VIDEO, clip, of, republished, same, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg, folder, nginx, ours, succeeds, withoutNginx } from "./rtmp/peers.mjs";

const skip = await missing();
const SETTINGS = { pull_first_ms: 200, pull_longest_ms: 1_000, first_pause_ms: 200 };

const publish = async (t, url) => ffmpeg(t, ["-re", "-i", await clip(), "-c", "copy", "-f", "flv", url]);

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
      await succeeds(await publish(t, from.publish));
      const first = (await tags(out)).length;
      assert.ok(of(await tags(out), VIDEO).length > 40, `${first} tags of the first time`);
      await until(async () => (await relay.streams()).length === 0);
      await succeeds(await publish(t, from.publish));
      await until(async () => (await relay.streams()).length === 0);
      assert.equal(await relay.stop(), 204);
      const all = await tags(await taken());
      assert.ok(of(all.slice(first), VIDEO).length > 40, `${all.length - first} tags of the second time`);
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
    const [one, two] = [await destination(t), await destination(t)];
    const pull = from.playing();
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
    await succeeds(publisher);
    await relay.gone();
    await relay.stop("b");
    const found = (await tags(await two.taken())).filter(({ type, body }) => type === VIDEO && body[1] === 1);
    const wanted = (await republished(await clip())).filter(({ type, body }) => type === VIDEO && body[1] === 1);
    const start = wanted.findIndex(({ body }) => body.equals(found[0].body));
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
    await until(async () => from.told().some(({ type, role }) => type === "user.leave" && role !== "streamer"));
    await succeeds(publisher);
  });
});
