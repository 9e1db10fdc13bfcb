// A gateway to measure: started on a fresh folder, asked through its API, its rows counted.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { start } from "../gateway.mjs";

export const KEY = "a-key-of-at-most-32-characters";
/** Bytes of a callback's body. */
export const BODY = 800;

const CHANNEL = "@CHANNEL@";
const TRACE = `${"@TRACE".padEnd(31, "-")}@`;

/** How long signatures are made for; a run is shorter. */
const SECONDS = 900;

export async function gateway(scratch) {
  mkdirSync(scratch, { recursive: true });
  const running = await start({ data: join(scratch, "data"), output: "inherit" });
  return new Measured(running, scratch);
}

class Measured {
  constructor(running, scratch) {
    this.running = running;
    this.scratch = scratch;
    this.url = running.url;
    this.pid = running.pid;
  }

  async post(path, body) {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.running.adminToken}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  /** A source of MetaStudio's, with the files that load generators read. */
  async source(name) {
    const made = await this.post("/sources", { name, scheme: "MSS_A_HEAD", key: KEY });
    const path = `/in/${made.id}`;
    const signatures = join(this.scratch, "signatures");
    const first = Math.floor(Date.now() / 1000) - 1;
    // MetaStudio's API reference, "auth_type": HMAC-SHA256 over host, path and hexadecimal seconds.
    const sign = (second) =>
      createHmac("sha256", KEY)
        .update(`127.0.0.1:${this.running.port}${path}${second.toString(16)}`)
        .digest("hex");
    const lines = Array.from({ length: SECONDS }, (_, at) => sign(first + at));
    writeFileSync(signatures, [first, ...lines].join("\n"));
    const template = join(this.scratch, "template");
    writeFileSync(template, callback());
    return { id: made.id, path, signatures, template };
  }

  /** Resident memory of the process, in MB. */
  memory() {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]) / 1024;
  }

  stop() {
    return this.running.stop();
  }

  /** The events that each channel stores, once the gateway has stopped. */
  stored() {
    const objects = join(this.running.data, "objects");
    return JSON.parse(execFileSync("python3", ["-c", COUNT, objects], { encoding: "utf8" }));
  }
}

/** Counts rows with SQLite itself: files that hold events are the channels'. */
const COUNT = `
import glob, json, sqlite3, sys
counts = {}
for path in glob.glob(sys.argv[1] + "/*/*.sqlite"):
    db = sqlite3.connect(path)
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'lanes'").fetchone():
        continue
    name = db.execute("SELECT value FROM facts WHERE name = 'channel'").fetchone()
    if name:
        counts[name[0]] = db.execute("SELECT count(*), count(DISTINCT body) FROM events").fetchone()
print(json.dumps(counts))
`;

/** A callback's body with a place for its channel and one for its trace, each as long as both. */
function callback() {
  const message = {
    room_id: CHANNEL,
    job_id: "e87104f76d7546ce8a46ac6b04c49c3c",
    output_url: "rtmp://push.live.example.com/app/26f065244f754b3aa853b649a21aaf66?auth_key=1761000000-0-0-9f86d081884c7d659a2feaa0c55ad015",
    stream_key: "a3bf4f1b2b0b822cd15d6c15b0f00a08d884c7d659a2feaa0c55ad015a3bf4f1",
    state: "CONNECTED",
    trace: TRACE,
    retry_count: 3,
    region: "cn-north-4",
    detail: { bitrate_kbps: 4096, width: 1920, height: 1080, codec: "h264" },
    note: "",
  };
  const body = () =>
    JSON.stringify({ event_type: "RTMP_STREAM_STATE_CHANGE", message: JSON.stringify(message) });
  message.note = "x".repeat(BODY - body().length);
  assert.equal(body().length, BODY);
  return body();
}
