// Ports that nobody else comes to have while a test process runs: what is started again at its old port finds
// it free, and what is to be refused there is.

import { createServer } from "node:net";

/** Below those that a system gives by itself: Linux, ip(7), ip_local_port_range; RFC 6335 §6. */
const [FIRST, LAST] = [10_240, 32_767];
/** Who listens here has the same port of 127.0.0.1: all test processes ask here first. */
const CLAIMS = "127.77.0.1";

/** Listens there; or says why not. */
function listen(port, address) {
  const server = createServer();
  return new Promise((done) => {
    server.once("error", ({ code }) => done({ code }));
    server.listen(port, address, () => done({ server }));
  });
}

/** A port of 127.0.0.1 that is this process's until it ends. */
export async function freePort() {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    const claim = await listen(port, CLAIMS);
    // A system may have no such address.
    if (!claim.server && claim.code !== "EADDRNOTAVAIL") continue;
    const { server } = await listen(port, "127.0.0.1");
    if (server) {
      claim.server?.unref();
      await new Promise((closed) => server.close(closed));
      return port;
    }
    claim.server?.close();
  }
}
