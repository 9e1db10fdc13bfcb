// What stands between a relay host and others: TLS, and proxies that harm.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** Listens on a port of its own until the test ends. */
export async function listening(t, server) {
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

/**
 * A proxy in front of an RTMP address that can swallow what passes, or take no more than `rate` bytes a second; `from`
 * is the newest connection.
 */
export async function toxic(t, url) {
  const proxy = { swallows: { out: false, back: false }, rate: 0, returned: 0 };
  const server = createServer((from) => {
    const to = connect(Number(place(url).port), "127.0.0.1");
    proxy.from = from;
    from.on("data", (bytes) => {
      if (!proxy.swallows.out) to.write(bytes);
      if (!proxy.rate) return;
      from.pause();
      setTimeout(() => from.resume(), (1_000 * bytes.length) / proxy.rate);
    });
    to.on("data", (bytes) => {
      proxy.returned += bytes.length;
      if (!proxy.swallows.back) from.write(bytes);
    });
    from.on("close", () => to.destroy());
    to.on("close", () => from.destroy()).on("error", () => from.destroy());
  });
  proxy.url = at(url, "rtmp", await listening(t, server));
  return proxy;
}

/** An RTMP address whose queue of connections is full, so that the kernel answers no other: Linux. */
export async function filled(t) {
  const script = `import socket, sys
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(0)
others = [socket.socket() for _ in range(4)]
for other in others:
    other.setblocking(False)
    other.connect_ex(server.getsockname())
print(server.getsockname()[1], flush=True); sys.stdin.read()`;
  const child = spawn("python3", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((done) => child.once("close", done));
  t.after(() => {
    child.stdin.end();
    return ended;
  });
  const [port] = await once(child.stdout, "data");
  return `rtmp://127.0.0.1:${Number(port)}/live/key`;
}
