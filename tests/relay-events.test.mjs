// What a relay host tells of its channels and users, and in whose format it tells of its pushes; and who may
// watch, over either door.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";

import { receive } from "./lib/receiver.mjs";
import { APP, CHANNEL, USER, host, token } from "./lib/relay.mjs";
import { mss } from "./lib/sign.mjs";
import { until } from "./lib/wait.mjs";
import { missing } from "./media/material.mjs";
import { clip, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg, folder, ours } from "./rtmp/peers.mjs";

const skip = await missing();

/** Publishes the clip again and again until the test ends, its sound alone if `args` say so. */
const live = async (t, url, args = ["-c", "copy"]) =>
  ffmpeg(t, ["-re", "-stream_loop", "-1", "-i", await clip(), ...args, "-f", "flv", url]);

const end = async (publisher) => {
  publisher.signal("SIGINT");
  await publisher.end();
};

/** What was told of a user, oldest first. */
const of = (relay, user) =>
  relay
    .told()
    .filter((event) => event.user === user)
    .map(({ type, role }) => (role ? `${type} ${role}` : type));

const play = (who) => token({ version: "lgv1", ...who });

describe("what a relay host tells", { concurrency: 4, skip }, () => {
  it("a screen beside a camera, and what of a camera is on", async (t) => {
    const relay = await host(t, { settings: { rejoin_ms: 500 } });
    const camera = await live(t, relay.publishing());
    await until(() => of(relay, USER).length === 3);
    const screen = await live(t, `${relay.publishing()}&source=screen`);
    await until(() => of(relay, USER).includes("screen.start"));
    await end(camera);
    await until(() => of(relay, USER).includes("video.stop"));
    const sound = await live(t, relay.publishing(), ["-map", "0:a", "-c", "copy"]);
    await until(() => of(relay, USER).filter((told) => told === "audio.start").length === 2);
    await end(screen);
    await end(sound);
    await until(() => of(relay, USER).includes("user.leave"));
    const all = of(relay, USER);
    assert.deepEqual([all[0], all.at(-1)], ["user.join streamer", "user.leave"]);
    assert.deepEqual(all.slice(1, 3).sort(), ["audio.start", "video.start"]);
    assert.deepEqual(all.slice(4, 6).sort(), ["audio.stop", "video.stop"]);
    assert.deepEqual([all[3], all[6]], ["screen.start", "audio.start"]);
    assert.deepEqual(all.slice(7, -1).sort(), ["audio.stop", "screen.stop"]);
    await until(() => relay.told().at(-1).type === "channel.end");
    assert.equal(relay.told().filter(({ type }) => type.startsWith("channel.")).length, 2);
  });

  it("a player that becomes a publisher, and one that only watches again", async (t) => {
    const relay = await host(t, { application: { play: "token" }, settings: { rejoin_ms: 500 } });
    const other = await live(t, relay.publishing({ user: "ben" }));
    await until(async () => (await relay.streams()).length === 1);
    const out = join(await folder(t), "watched.flv");
    const url = `${relay.playing()}?user=ben&viewer=${USER}&token=${play({ user: "ben" })}`;
    const player = await ours(t, ["pull", url, out]);
    await until(() => of(relay, USER).length === 1);
    const publisher = await live(t, relay.publishing());
    await until(() => of(relay, USER).length === 4);
    await end(publisher);
    await until(() => of(relay, USER).length === 7);
    player.signal("SIGKILL");
    await until(() => of(relay, USER).at(-1) === "user.leave");
    const all = of(relay, USER);
    assert.deepEqual(all.slice(0, 2), ["user.join viewer", "user.role streamer"]);
    assert.deepEqual(all.slice(2, 4).sort(), ["audio.start", "video.start"]);
    assert.deepEqual(all.slice(4, 6).sort(), ["audio.stop", "video.stop"]);
    assert.deepEqual(all.slice(6), ["user.role viewer", "user.leave"]);
    await end(other);
  });

  it("lets watch whom a token is for, over HTTP and RTMP alike", async (t) => {
    const relay = await host(t, { application: { play: "token" } });
    for (const user of [USER, "ben"]) await live(t, relay.publishing({ user }));
    await until(async () => (await relay.streams()).length === 2);
    const http = async (query) => {
      const ended = new AbortController();
      const url = `http://127.0.0.1:${relay.ports.http}/live/${APP}/${CHANNEL}.flv${query}`;
      const { status } = await fetch(url, { signal: ended.signal });
      ended.abort();
      return status === 200;
    };
    const rtmp = async (query) => {
      const out = join(await folder(t), "out.flv");
      const player = await ours(t, ["pull", `${relay.playing()}${query}`, out]);
      await until(async () => player.status !== undefined || (await tags(out)).length > 3);
      const plays = player.status === undefined;
      player.signal("SIGKILL");
      await player.end();
      return plays;
    };
    for (const [query, may] of [
      ["", false],
      [`?token=${play()}`, true],
      [`?user=${USER}&token=${play()}`, true],
      [`?user=ben&token=${play()}`, false],
      // For a user who is not there it is not somebody else's.
      [`?token=${play({ user: "main" })}`, false],
      [`?user=ben&token=${play({ user: "*" })}`, true],
      [`?token=${play({ user: "*" })}`, true],
      [`?token=${play({ channel: "room2" })}`, false],
      [`?token=${play({ app: "other" })}`, false],
      [`?token=${play({ seconds: -1 })}`, false],
      [`?token=${play({ key: "f".repeat(32) })}`, false],
      // One to publish with is none.
      [`?token=${token()}`, false],
    ]) {
      assert.deepEqual([query, await http(query), await rtmp(query)], [query, may, may]);
    }
  });

  it("how its pushes are, in MetaStudio's format", async (t) => {
    const there = await receive(t, 204);
    const key = "GCTbw44s6MPLh4GqgDpnfuFHgy25Enly";
    const callback = { url: there.url, format: "metastudio", secret: key };
    const relay = await host(t, { application: { callback } });
    const { url, taken } = await destination(t);
    await relay.task([url]);
    await live(t, relay.publishing());
    await relay.reaches("CONNECTED");
    await relay.stop();
    await taken();
    await there.count(3);
    for (const { headers } of there.calls) {
      const at = Number.parseInt(headers["x-hw-mss-time"], 16);
      assert.equal(headers["x-hw-mss-secret"], mss(there.url, key, { at }).secret);
    }
    const messages = there.bodies.map(({ event_type, message }) => ({ event_type, ...JSON.parse(message) }));
    const shown = (state) => ({
      ...{ event_type: "RTMP_STREAM_STATE_CHANGE", room_id: CHANNEL, job_id: "t1" },
      ...{ output_url: url.replace(/key$/, "***"), stream_key: "", state },
    });
    assert.deepEqual(messages, ["CONNECTING", "CONNECTED", "END"].map(shown));
  });

  it("how its pushes are, in ARTC's format", async (t) => {
    const there = await receive(t, 204);
    const relay = await host(t, { application: { callback: { url: there.url, format: "alibaba" } } });
    const { url, taken } = await destination(t);
    await relay.task([url]);
    await live(t, relay.publishing());
    await relay.reaches("CONNECTED");
    await relay.stop();
    await taken();
    await there.count(3);
    const told = there.bodies.map(({ AppId, TaskId, Payload }) => [AppId, TaskId, Payload.EventCode, Payload.DstUrl]);
    const masked = url.replace(/key$/, "***");
    // docs/spec/events.md §8.2: connecting, live, ended.
    assert.deepEqual(told, [0, 1, 2].map((code) => [APP, "t1", code, masked]));
    assert.equal(new Set(there.bodies.map(({ MsgId }) => MsgId)).size, 3);
  });
});
