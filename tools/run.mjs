// Serves the gateway, and a relay host under it, until Ctrl-C. Called by tools/run, which has set up and
// built everything. Where there is no LIVEGATE, there is no host.
//
// Exit status: 0 when it was told to stop, 1 when it could not start or workerd ended by itself.

import { start, StartError } from "./gateway.mjs";
import { startRelay } from "./relay.mjs";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

function portOf(text) {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port < 1 || port > 65535) {
    throw new StartError(`PORT is ${JSON.stringify(text)}: it must be a number from 1 to 65535`);
  }
  return port;
}

async function main() {
  const { PORT, DATA, EGRESS, PUBLIC_URL, TRUSTED_CERTIFICATES, LIVEGATE_LOCK_FD } = process.env;
  const { LIVEGATE, RTMP, HTTP, RELAY_PLACES } = process.env;
  let stopping = false;
  const asked = new Promise((stop) => {
    for (const name of SIGNALS) {
      process.on(name, () => {
        stopping = true;
        stop(name);
      });
    }
  });

  const gateway = await start({
    data: DATA || ".livegate",
    port: portOf(PORT || "8787"),
    egress: EGRESS || "development",
    publicUrl: PUBLIC_URL,
    trustedCertificates: TRUSTED_CERTIFICATES,
    inherit: LIVEGATE_LOCK_FD ? [Number(LIVEGATE_LOCK_FD)] : [],
  });
  let relay;
  // Whatever ends this process ends both: nothing may go on serving unseen.
  process.once("exit", () => {
    relay?.kill();
    try {
      process.kill(gateway.pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  });
  if (!stopping) {
    console.log(`livegate ready ${gateway.url}`);
    console.log(`admin token: ${gateway.adminTokenPath}`);
    const options = { binary: LIVEGATE, gateway, rtmp: RTMP, http: HTTP, egress: EGRESS, places: RELAY_PLACES };
    if (LIVEGATE) relay = await startRelay(options);
  }

  const how = await Promise.race([asked.then(() => null), gateway.ended]);
  if (how !== null && !stopping) {
    await relay?.stop();
    throw new StartError(`workerd ended by itself (status ${how.code ?? how.signal})`);
  }
  console.error("stopping (once more: at once)");
  for (const name of SIGNALS) {
    process.on(name, () => {
      relay?.kill();
      gateway.kill();
    });
  }
  // The host first: the gateway still hears how its pushes end.
  await relay?.stop();
  await gateway.stop();
}

try {
  await main();
  process.exit(0);
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(`error: ${error.message}`);
  process.exit(1);
}
