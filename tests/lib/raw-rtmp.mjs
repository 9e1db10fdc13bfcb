// RTMP by hand, for what no client does: Adobe's RTMP 1.0 §5.2 (handshake), §5.3.1 (chunks), AMF0.

import { once } from "node:events";
import { connect } from "node:net";

const HANDSHAKE = 1_536;

/** A string of AMF0, long if it has to be. */
export function string(text) {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(bytes.length > 0xffff ? 5 : 3);
  head[0] = bytes.length > 0xffff ? 12 : 2;
  head.writeUIntBE(bytes.length, 1, head.length - 1);
  return Buffer.concat([head, bytes]);
}

export function number(value) {
  const bytes = Buffer.alloc(9);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

export const nothing = Buffer.from([5]);

/** An object of AMF0: names to encoded values. */
export function object(properties) {
  const all = Object.entries(properties).flatMap(([name, value]) => [string(name).subarray(1), value]);
  return Buffer.concat([Buffer.from([3]), ...all, Buffer.from([0, 0, 9])]);
}

/** A message as one chunk, or as much of it as is there. */
export function message(type, body, { stream = 0, time = 0, length = body.length, channel = 3 } = {}) {
  const head = Buffer.alloc(12);
  head[0] = channel;
  head.writeUIntBE(time, 1, 3);
  head.writeUIntBE(length, 4, 3);
  head[7] = type;
  head.writeUInt32LE(stream, 8);
  return Buffer.concat([head, body]);
}

const COMMAND = 20;
export const command = (name, ...values) => message(COMMAND, Buffer.concat([string(name), ...values]));
export const connecting = (app = "live") =>
  command("connect", number(1), object({ app: string(app), tcUrl: string(`rtmp://127.0.0.1/${app}`) }));
/** The chunk size that is large enough for anything here, then `connect`, `createStream` and `publish`. */
export const publishing = (name) =>
  Buffer.concat([
    message(1, Buffer.from([0, 1, 0, 0]), { channel: 2 }),
    connecting(),
    command("createStream", number(2), nothing),
    message(COMMAND, Buffer.concat([string("publish"), number(3), nothing, string(name), string("live")]), { stream: 1 }),
  ]);

/** A connection, and when and how it was closed. */
export async function dial(port) {
  const socket = connect(port, "127.0.0.1");
  const peer = { socket, said: Buffer.alloc(0), isClosed: false };
  socket.on("error", () => {});
  socket.on("data", (bytes) => (peer.said = Buffer.concat([peer.said, bytes])));
  peer.closed = new Promise((done) =>
    socket.on("close", () => {
      peer.isClosed = true;
      done();
    }),
  );
  await once(socket, "connect");
  return peer;
}

/** A connection whose handshake is done. */
export async function shaken(port) {
  const peer = await dial(port);
  peer.socket.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(HANDSHAKE)]));
  while (peer.said.length < 1 + 2 * HANDSHAKE) await once(peer.socket, "data");
  peer.socket.write(peer.said.subarray(1, 1 + HANDSHAKE));
  peer.said = peer.said.subarray(1 + 2 * HANDSHAKE);
  return peer;
}
