// What stands between a relay host and others: TLS, and proxies that harm.

import { connect, createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** Listens on a port of its own until the test ends. */
async function listening(t, server) {
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server.address().port;
}

/** The place of an RTMP address, and the address at another one. */
const place = (url) => new URL(url.replace(/^rtmps?:/, "http:"));
const at = (url, scheme, port) => url.replace(/^rtmp:\/\/[^/]*/, `${scheme}://127.0.0.1:${port}`);

/** An address of RTMPS in front of one of RTMP. */
export async function behindTls(t, url, tls) {
  const server = createTlsServer(tls, (secure) => {
    const plain = connect(Number(place(url).port), "127.0.0.1");
    plain.on("error", () => secure.destroy());
    secure.on("error", () => plain.destroy());
    secure.pipe(plain).pipe(secure);
  });
  return at(url, "rtmps", await listening(t, server));
}

/** A proxy in front of an RTMP address, that can swallow what passes. */
export async function toxic(t, url) {
  const proxy = { swallows: { out: false, back: false }, stalls: false, bytes: 0, connections: 0 };
  const server = createServer((from) => {
    const to = connect(Number(place(url).port), "127.0.0.1");
    proxy.connections += 1;
    proxy.from = from;
    from.on("data", (bytes) => {
      proxy.bytes += bytes.length;
      if (!proxy.swallows.out) to.write(bytes);
    });
    to.on("data", (bytes) => proxy.swallows.back || from.write(bytes));
    from.on("close", () => to.destroy());
    to.on("close", () => from.destroy()).on("error", () => from.destroy());
  });
  proxy.url = at(url, "rtmp", await listening(t, server));
  return proxy;
}
