// Callers of a relay host who may not, cannot or will not do it right: they are refused or closed, the log
// says why, the host's memory stays what it was, and others are served.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { command, connecting, dial, message, nothing, number, object, publishing, shaken, string } from "./lib/raw-rtmp.mjs";
import { CHANNEL, USER, host, token } from "./lib/relay.mjs";
import { until } from "./lib/wait.mjs";
import { missing } from "./media/material.mjs";
import { VIDEO, clip, of, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg, ours, folder } from "./rtmp/peers.mjs";

const skip = await missing();
const MIB = 1 << 20;

const publish = async (t, url) => ffmpeg(t, ["-re", "-i", await clip(), "-c", "copy", "-f", "flv", url]);

describe("a relay host and callers who do harm", { concurrency: 4, skip }, () => {
  it("refuses publishers without a token that counts, before any media", async (t) => {
    const relay = await host(t);
    const good = token();
    const cases = [
      ["ingest.token_missing", `user=${USER}`],
      ["ingest.token_malformed", `user=${USER}&token=lgp1.x`],
      ["ingest.token_mismatch", `user=${USER}&token=${good.slice(0, -2)}AA`],
      ["ingest.token_mismatch", `user=${USER}&token=${token({ key: "0".repeat(32) })}`],
      ["ingest.token_expired", `user=${USER}&token=${token({ seconds: -1 })}`],
      ["ingest.token_channel", `user=${USER}&token=${token({ channel: "room2" })}`],
      ["ingest.token_user", `user=ben&token=${good}`],
      ["ingest.token_source", `user=${USER}&source=screen&token=${token({ picture: "camera" })}`],
      ["ingest.token_app", `user=${USER}&token=${token({ app: "vod" })}`],
      ["ingest.name", `user=${USER}&source=window&token=${good}`],
    ];
    for (const [code, query] of cases) {
      const peer = await shaken(relay.ports.rtmp);
      peer.socket.write(publishing(`${CHANNEL}?${query}`));
      await peer.closed;
      assert.match(peer.said.toString("latin1"), /NetStream\.Publish\.Denied/, code);
      await until(() => relay.log.includes(`code="${code}"`));
      relay.log = relay.log.replaceAll(code, "");
    }
    const encoder = await publish(t, `${relay.playing()}?user=${USER}`);
    assert.notEqual(await encoder.end(), 0);
    assert.deepEqual(await relay.streams(), []);
    assert.deepEqual(relay.told(), []);
    assert.ok(!relay.log.includes(good));
  });

  it("refuses names that are none", async (t) => {
    const relay = await host(t);
    const names = ["", "?", "%", "%ff?user=a", "a%00b", "x".repeat(300), `${CHANNEL}?user=${"y".repeat(300)}`, `${CHANNEL}?token=${"z".repeat(60_000)}`];
    for (const name of names) {
      const peer = await shaken(relay.ports.rtmp);
      peer.socket.write(publishing(name));
      await peer.closed;
    }
    assert.deepEqual(await relay.streams(), []);
    const encoder = await publish(t, relay.publishing());
    assert.equal(await encoder.end(), 0, encoder.text);
  });

  it("closes what is no RTMP, and says why", async (t) => {
    const relay = await host(t);
    const deep = Buffer.concat(Array.from({ length: 2_000 }, () => Buffer.from([3, 0, 1, 0x61])));
    const cases = [
      ["rtmp.handshake_version", dial, Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
      ["rtmp.handshake_version", dial, Buffer.from([0x16, 3, 1, 2, 0])],
      ["rtmp.chunk_size", shaken, message(1, Buffer.from([0, 0, 0, 0]), { channel: 2 })],
      ["rtmp.message_too_long", shaken, message(20, Buffer.from([2]), { length: 0xffffff })],
      ["rtmp.message_too_long", shaken, message(9, Buffer.from([0x17]), { length: 0xffffff, stream: 1 })],
      ["rtmp.amf0_depth", shaken, command("connect", number(1), deep)],
      ["rtmp.amf0_marker", shaken, command("connect", number(1), Buffer.from([0x7f]))],
      ["rtmp.amf0_truncated", shaken, command("connect", number(1), Buffer.from([2, 0xff, 0xff, 0x61]))],
      ["rtmp.chunk_without_header", shaken, Buffer.from([0xc3, 1, 2, 3])],
      ["rtmp.command_order", shaken, command("createStream", number(2), nothing)],
      ["rtmp.not_publishing", shaken, Buffer.concat([connecting(), message(8, Buffer.from([0xaf, 1, 0]), { stream: 1 })])],
    ];
    for (const [code, begin, bytes] of cases) {
      const peer = await begin(relay.ports.rtmp);
      // Longer messages are one chunk each.
      if (begin === shaken && code.startsWith("rtmp.amf0")) peer.socket.write(message(1, Buffer.from([0, 1, 0, 0]), { channel: 2 }));
      peer.socket.write(bytes);
      await peer.closed;
      await until(() => relay.log.includes(`code="${code}"`)).catch(() => assert.fail(`${code}: ${relay.log}`));
      relay.log = relay.log.replaceAll(code, "");
    }
  });

  it("does not wait longer than it says", async (t) => {
    const relay = await host(t, { settings: { opening_ms: 2_000 } });
    const peers = [await dial(relay.ports.rtmp), await dial(relay.ports.rtmp), await shaken(relay.ports.rtmp), await shaken(relay.ports.rtmp)];
    const [, slow, , busy] = peers;
    // A byte at a time; and one that never stops, and asks nothing.
    const greeting = Buffer.concat([Buffer.from([3]), Buffer.alloc(1_536)]);
    let at = 0;
    const trickle = setInterval(() => slow.socket.write(greeting.subarray(at, (at += 1))), 50);
    const ping = message(4, Buffer.from([0, 7, 0, 0, 0, 1]), { channel: 2 });
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => ping));
    const flood = setInterval(() => busy.socket.writableLength < MIB && busy.socket.write(many), 1);
    t.after(() => [trickle, flood].forEach(clearInterval));
    await until(() => peers.every(({ isClosed }) => isClosed));
    assert.ok(at < greeting.length, "it was waited for");
    // The log is written by a thread of its own.
    await until(() => relay.log.match(/code="rtmp\.timed_out"/g)?.length === 4);
  });

  it("answers nobody who does not read", async (t) => {
    const relay = await host(t, { settings: { opening_ms: 60_000 } });
    const before = await relay.memory();
    const peer = await shaken(relay.ports.rtmp);
    peer.socket.write(connecting());
    peer.socket.pause();
    // Each has an answer of 18 bytes, so that 64 MB of questions have more.
    const ping = message(4, Buffer.from([0, 6, 0, 0, 0, 1]), { channel: 2 });
    const many = Buffer.concat(Array.from({ length: 10_000 }, () => ping));
    let sent = 0;
    let most = 0;
    while (sent < 64 * MIB && !relay.log.includes('code="rtmp.output"')) {
      if (peer.socket.writableLength < MIB) sent += many.length * Number(peer.socket.write(many) || 1);
      await new Promise((later) => setTimeout(later, 2));
      most = Math.max(most, await relay.memory());
    }
    await until(() => relay.log.includes('code="rtmp.output"'));
    assert.ok(most - before < 8 * MIB, `${before} to ${most}`);
  });

  it("bears ten thousand connections that say nothing", async (t) => {
    const relay = await host(t, { settings: { connections: 12_000 } });
    const before = await relay.memory();
    const peers = [];
    t.after(() => peers.forEach(({ socket }) => socket.destroy()));
    for (let round = 0; round < 100; round += 1) {
      peers.push(...(await Promise.all(Array.from({ length: 100 }, () => dial(relay.ports.rtmp)))));
    }
    const { url, out, taken } = await destination(t);
    await relay.task([url]);
    const encoder = await publish(t, relay.publishing());
    await relay.reaches("CONNECTED");
    const most = await relay.memory();
    t.diagnostic(`${Math.round((most - before) / peers.length)} bytes a connection, ${most >> 20} MiB in all`);
    assert.ok(most - before < peers.length * 8_192, `${before} to ${most}`);
    assert.equal(await encoder.end(), 0, encoder.text);
    // 15 s after it came each is closed.
    await until(() => peers.every(({ isClosed }) => isClosed));
    await relay.stop();
    await taken();
    assert.ok(of(await tags(out), VIDEO).length > 90);
  });

  it("lets in no more than it may", async (t) => {
    const relay = await host(t, { settings: { connections: 16, opening_ms: 60_000 } });
    const peers = [];
    for (let count = 0; count < 20; count += 1) peers.push(await dial(relay.ports.rtmp));
    t.after(() => peers.forEach(({ socket }) => socket.destroy()));
    await until(() => peers.filter(({ isClosed }) => isClosed).length === 4);
    peers.filter(({ isClosed }) => !isClosed)[0].socket.destroy();
    const metrics = async () => (await fetch(`http://127.0.0.1:${relay.ports.http}/metrics`)).text();
    await until(metrics, (text) => /^livegate_connections\{protocol="rtmp"\} 15$/m.test(text));
    const encoder = await publish(t, relay.publishing());
    assert.equal(await encoder.end(), 0, encoder.text);
  });

  it("closes publishers who bring nothing", async (t) => {
    const relay = await host(t, { settings: { idle_ms: 2_000, publisher_stall_ms: 3_000 } });
    const silent = await shaken(relay.ports.rtmp);
    silent.socket.write(publishing(`${CHANNEL}?user=${USER}&token=${token()}`));
    const who = { channel: "room2" };
    const stalled = await shaken(relay.ports.rtmp);
    const sound = message(8, Buffer.from([0xaf, 1, 0]), { stream: 1 });
    stalled.socket.write(Buffer.concat([publishing(`room2?user=${USER}&token=${token(who)}`), sound]));
    await Promise.all([silent.closed, stalled.closed]);
    await until(() => /code="ingest\.idle"/.test(relay.log));
    await until(() => /code="ingest\.stalled"/.test(relay.log));
    await until(async () => (await relay.streams()).length === 0);
  });

  it("refuses a second publisher", async (t) => {
    const relay = await host(t);
    const first = await publish(t, relay.publishing());
    await until(async () => (await relay.streams()).length === 1);
    const second = await publish(t, relay.publishing());
    assert.notEqual(await second.end(), 0);
    await until(() => /code="ingest\.publisher_exists"/.test(relay.log));
    assert.equal(await first.end(), 0, first.text);
  });

  it("replaces a publisher where it is told to, and the stream goes on", async (t) => {
    const relay = await host(t, { application: { duplicate: "replace" } });
    const { url, taken } = await destination(t);
    await relay.task([url]);
    const first = await publish(t, relay.publishing());
    await relay.reaches("CONNECTED");
    const second = await publish(t, relay.publishing());
    assert.notEqual(await first.end(), 0);
    assert.equal(await second.end(), 0, second.text);
    await until(() => /code="ingest\.replaced"/.test(relay.log));
    await relay.stop();
    const times = of(await tags(await taken()), VIDEO).map(({ time }) => time);
    assert.ok(times.length > 100 && times.every((time, at) => at === 0 || time >= times[at - 1]));
    await relay.tells(url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
  });

  it("lets nobody watch what is not there", async (t) => {
    const relay = await host(t);
    const player = await ours(t, ["pull", relay.playing(), `${await folder(t)}/out.flv`]);
    assert.notEqual(await player.end(), 0);
    assert.match(player.text, /NetStream\.Play\.StreamNotFound/);
  });
});
