// What stands between a relay host and others: TLS, and proxies that harm.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** Listens until the test ends, on a port of its own unless one is named. */
export async function listening(t, server, port = 0, address = "127.0.0.1") {
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
  });
  await new Promise((done) => server.listen(port, address, done));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server.address().port;
}

/** The place of an RTMP address, and the address at another one. */
const place = (url) => new URL(url.replace(/^rtmps?:/, "http:"));
const at = (url, scheme, port) => url.replace(/^\w+:\/\/[^/]*/, `${scheme}://127.0.0.1:${port}`);

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
 * A proxy in front of an address that can swallow what passes, or take no more than `rate` bytes a second. `from` is
 * the newest connection, and `links` has every one so far, with when it was opened and closed.
 */
export async function toxic(t, url) {
  const proxy = { swallows: { out: false, back: false }, rate: 0, returned: 0, passed: 0, links: [] };
  const server = createServer((from) => {
    const to = connect(Number(place(url).port), "127.0.0.1");
    const link = { opened: Date.now(), closed: Infinity, cut: () => from.destroy() };
    proxy.links.push(link);
    proxy.from = from;
    from.on("data", (bytes) => {
      if (!proxy.swallows.out) {
        proxy.passed += bytes.length;
        to.write(bytes);
      }
      if (!proxy.rate) return;
      from.pause();
      setTimeout(() => from.resume(), (1_000 * bytes.length) / proxy.rate);
    });
    to.on("data", (bytes) => {
      proxy.returned += bytes.length;
      if (!proxy.swallows.back) from.write(bytes);
    });
    from.on("close", () => {
      link.closed = Date.now();
      to.destroy();
    });
    to.on("close", () => from.destroy()).on("error", () => from.destroy());
  });
  /** Nothing passes any more, in neither direction, and nobody is told. */
  proxy.blacken = () => (proxy.swallows = { out: true, back: true });
  /** Connections pass again; what stood is gone. */
  proxy.heal = () => {
    for (const { cut } of proxy.links) cut();
    proxy.swallows = { out: false, back: false };
  };
  proxy.url = at(url, url.match(/^\w+/)[0], await listening(t, server));
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
