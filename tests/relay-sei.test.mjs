// What a task writes into its stream: ffmpeg's decoder sees every message where it should be, and the same
// pictures as without.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";

import { APP, host } from "./lib/relay.mjs";
import { until } from "./lib/wait.mjs";
import { missing, output } from "./media/material.mjs";
import { ffmpeg as decoded, h264Reader, draft } from "./media/oracles.mjs";
import { OURS } from "./media/sei.mjs";
import { AUDIO, clip, of, same, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg, folder, succeeds } from "./rtmp/peers.mjs";

const skip = await missing();
const ROUNDS = ["-stream_loop", "1"];

/** What arrives of the clip, played twice, when a task writes that: pictures, messages, tags. */
async function written(t, sei, { meanwhile = async () => {}, material = clip } = {}) {
  const played = [...ROUNDS, "-i", await material()];
  const [relay, one] = [await host(t), await destination(t)];
  await relay.task([one.url], { sei });
  const args = ["-re", ...played, "-c", "copy", "-f", "flv", relay.publishing()];
  const began = Date.now();
  const publisher = ffmpeg(t, args);
  await relay.reaches("CONNECTED");
  await meanwhile(relay, one);
  await succeeds(publisher);
  await relay.gone();
  const lasted = Date.now() - began;
  await relay.stop();
  await relay.tells(one.url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
  const path = await one.taken();
  const plain = join(await folder(t), "plain.flv");
  await output("ffmpeg", ["-v", "error", ...played, "-c", "copy", plain]);
  const [file, without] = [{ path, codec: "h264", flv: true }, { path: plain, codec: "h264", flv: true }];
  const { pictures, messages } = await decoded(file);
  assert.deepEqual(pictures, (await decoded(without)).pictures);
  same(of(await tags(path), AUDIO), of(await tags(plain), AUDIO), "sound");
  const own = messages.filter(({ uuid }) => uuid === OURS);
  return { path, lasted, own: own.map(({ data, picture }) => ({ ...picture, said: Buffer.from(data, "hex").toString() })) };
}

/**
 * That messages are a second apart: most of them, for a busy machine holds up some frames, and of these no more than
 * one for each second of its clock.
 */
function everySecond({ own, lasted }) {
  const times = own.map(({ ms }) => ms);
  assert.ok(own.length >= 4 && own.length <= lasted / 1_000 + 1, `${times} in ${lasted} ms`);
  const gaps = times.slice(1).map((ms, at) => ms - times[at]).sort((one, other) => one - other);
  assert.ok(Math.abs(gaps[gaps.length >> 1] - 1_000) <= 300, `${times}`);
}

describe("a task that writes into its stream", { concurrency: 3, skip }, () => {
  it("says where users are and how loud", async (t) => {
    const found = await written(t, { layout_volume: { interval_ms: 1_000 } });
    const { own } = found;
    everySecond(found);
    // The clip's tone is a sine of an eighth of full scale: -21 dB, which is 164 of 255.
    for (const { said } of own.slice(2)) {
      const { stream } = JSON.parse(said);
      assert.deepEqual(stream.map(({ uid }) => uid), ["ann"]);
      assert.ok(Math.abs(stream[0].vol - 164) <= 8, said);
    }
  });

  it("says whether there is a voice, which goes on for a while", async (t) => {
    // 4 s: a tone of an eighth of full scale up to 1.5 s, and silence; twice.
    const path = join(await folder(t), "voice.flv");
    const sound = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-af", "volume=0:enable='gte(t,1.5)'", "-c:a", "aac"];
    await output("ffmpeg", ["-v", "error", "-i", await clip(), ...sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-t", "4", path]);
    const found = await written(t, { layout_volume: { interval_ms: 1_000 } }, { material: () => path });
    const { own } = found;
    everySecond(found);
    const seen = own.slice(1).map(({ ms, said }) => [ms % 4_000, JSON.parse(said).stream[0].vad]);
    for (const [at, vad] of seen) {
      // Where a tone begins, the picture may be before it.
      if (Math.min(at, 4_000 - at) < 200) continue;
      // 150 for 200 ms more than the tone, and then less by one every 20 ms.
      const wanted = 150 - Math.max(0, at - 1_500 - 200) / 20;
      assert.ok(Math.abs(vad - wanted) <= 10, `${vad} in place of ${wanted} at ${at} ms`);
    }
    assert.ok(seen.some(([, vad]) => vad === 150) && seen.some(([, vad]) => vad < 100), `${seen}`);
  });

  it("passes a message on", async (t) => {
    const found = await written(t, { pass_through: { content: "to be passed", interval_ms: 1_000 } });
    everySecond(found);
    assert.ok(found.own.every(({ said }) => said.includes("to be passed")));
  });

  it("writes a message of the caller's once", async (t) => {
    const goals = [{ goal: "1:0" }, { goal: "1:1" }];
    const meanwhile = async (relay, one) => {
      for (const [at, goal] of goals.entries()) {
        await until(() => tags(one.out), ({ length }) => length > 100 * (at + 1));
        const body = { custom: JSON.stringify(goal) };
        assert.equal((await relay.api("POST", `relay-tasks/livegate/${APP}/t1/sei`, body)).status, 204);
      }
    };
    const { own } = await written(t, {}, { meanwhile });
    assert.deepEqual(own.map(({ said }) => JSON.parse(said)), goals);
  });

  it("writes with key frames alone, and as another type", async (t) => {
    const { path } = await written(t, { pass_through: { content: "with pictures", follow_idr: true }, payload_type: 100 });
    const { stdout } = await output("ffmpeg", ["-v", "error", "-i", path, "-c", "copy", "-map", "0:v", "-f", "h264", "-"], { encoding: "buffer" });
    const found = await draft("h264", stdout, (own) => h264Reader({ path: own, codec: "h264" }));
    const own = found.filter(({ payload_type }) => payload_type === 100);
    // A key frame a second, 8 s.
    assert.equal(own.length, 8);
    assert.ok(own.every(({ data }) => Buffer.from(data, "hex").includes("with pictures")));
  });
});
