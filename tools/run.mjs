// Serves the gateway until Ctrl-C. Called by tools/run, which has set up and built everything.
//
// Exit status: 0 when it was told to stop, 1 when it could not start or workerd ended by itself.

import { start, StartError } from "./gateway.mjs";

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
  // Whatever ends this process ends workerd: nothing may go on serving unseen.
  process.once("exit", () => {
    try {
      process.kill(gateway.pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  });
  if (!stopping) {
    console.log(`livegate ready ${gateway.url}`);
    console.log(`admin token: ${gateway.adminTokenPath}`);
  }

  const how = await Promise.race([asked.then(() => null), gateway.ended]);
  if (how !== null && !stopping) {
    throw new StartError(`workerd ended by itself (status ${how.code ?? how.signal})`);
  }
  console.error("stopping (once more: at once)");
  for (const name of SIGNALS) process.on(name, () => gateway.kill());
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
