// What putting SEI into a stream costs, beside ffmpeg at the same task and at copying alone; and the
// parts of it in the core, natively and in wasm.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { root } from "../gateway.mjs";
import { FPS, SECONDS, run, whole } from "./clip.mjs";
import { figure, median, note, section } from "./report.mjs";

const UUID = "6c697665-6761-8074-a565-2d7365692d31";
const TEXT = JSON.stringify({
  canvas: { w: 1280, h: 720, bgnd: "#000000" },
  regions: [
    { uid: "1001", alpha: 1, zorder: 1, x: 0, y: 0, w: 640, h: 720, volume: 80 },
    { uid: "1002", alpha: 1, zorder: 1, x: 640, y: 0, w: 640, h: 720, volume: 0 },
  ],
});

const MODES = { "1 s": "1000ms", "I-frame": "idr", frame: "frame" };
/** A message is in every one of these frames: key frames are 2 s apart. */
const EXPECTED = { "1 s": SECONDS, "I-frame": SECONDS / 2, frame: SECONDS * FPS };

/** Less CPU than ffmpeg's h264_metadata, and than its copy, by at least these factors. */
const AIM_METADATA = 8;
const AIM_COPY = 3;
const AIM_RSS_MB = 4;
const AIM_SCAN_GB_S = 5;
const AIM_FRAME_NS = 2_000;

/** Escaped for an option's value, and that for the list of filters: ffmpeg's "Quoting and escaping". */
const escaped = (text) => text.replace(/[\\':=]/g, "\\$&").replace(/[\\',[\];]/g, "\\$&");

/** Every command by its name: from the clip to a file. */
function commands(binary, from) {
  const input = ["-v", "error", "-nostdin", "-y", "-i", from, "-c", "copy"];
  const ffmpeg = (...args) => (to) => ["ffmpeg", ...input, ...args, "-f", "flv", to];
  const insert = (rhythm) => (to) => [binary, "sei", "insert", from, to, "--every", rhythm, "--text", TEXT];
  return {
    ...Object.fromEntries(Object.entries(MODES).map(([name, rhythm]) => [name, insert(rhythm)])),
    // Not a peer: what the kernel takes to read and write that much.
    dd: (to) => ["dd", `if=${from}`, `of=${to}`, "bs=128k", "status=none"],
    copy: ffmpeg(),
    metadata: ffmpeg("-bsf:v", `h264_metadata=sei_user_data=${escaped(`${UUID}+${TEXT}`)}`),
  };
}

/** Runs a command and prints the CPU seconds of user and system that it took: wait4(2). */
const CPU = `
import os, sys
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_utime + usage.ru_stime)
sys.exit(os.waitstatus_to_exitcode(status))
`;

const cpu = (command) => Number(run("python3", ["-c", CPU, ...command]));

/**
 * The most memory that a command ever held, in MB: it writes into a pipe that is not read to its end,
 * so that it is still there to be looked at.
 */
async function memory(command, size) {
  const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "ignore"] });
  const closed = once(child, "close");
  let read = 0;
  let peak = 0;
  for await (const chunk of child.stdout) {
    const before = read;
    read += chunk.length;
    // More than the pipe holds is still to come.
    const last = size - 1024 * 1024;
    if (before < last && read >= last) {
      peak = Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))[1]) / 1024;
    }
  }
  const [status] = await closed;
  if (status !== 0 || peak === 0) throw new Error(`${command[0]} ended with ${status} after ${read} bytes`);
  return peak;
}

/** Fails unless the file has as many messages as the figure is about. */
function counted(binary, path, expected, name) {
  const lines = run(binary, ["sei", "dump", path, "--json"]).split("\n");
  const found = lines.filter((line) => line.includes(UUID)).length;
  if (Math.abs(found - expected) > 1) throw new Error(`${name}: ${found} messages, not ${expected}`);
}

async function insertion({ output, scratch, short }) {
  mkdirSync(scratch, { recursive: true });
  const binary = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "release/livegate");
  const from = whole(output);
  const size = statSync(from).size;
  const all = Object.entries(commands(binary, from));
  const file = join(scratch, "out.flv");
  const outputs = { "/dev/null": "/dev/null", "a file": file };
  const none = () => Object.fromEntries(all.map(([name]) => [name, []]));
  const spent = Object.fromEntries(Object.keys(outputs).map((to) => [to, none()]));

  // What is in a cache is there for all of them.
  readFileSync(from);
  for (const [name, command] of all) {
    cpu(command(file));
    if (name in EXPECTED) counted(binary, file, EXPECTED[name], name);
  }
  for (let round = 0; round < (short ? 3 : 9); round += 1) {
    for (const [to, path] of Object.entries(outputs)) {
      for (const [name, command] of all) {
        if (path === file) rmSync(file, { force: true });
        spent[to][name].push(cpu(command(path)));
      }
    }
  }
  rmSync(file, { force: true });

  for (const to of Object.keys(outputs)) {
    section(`SEI into ${SECONDS} s of FLV, ${(size / 1e6).toFixed(0)} MB, to ${to}: CPU seconds an hour of media`);
    const hour = (name) => (median(spent[to][name]) * 3_600) / SECONDS;
    const titles = { dd: "dd bs=128k: copying alone", copy: "ffmpeg -c copy", metadata: "ffmpeg -bsf:v h264_metadata" };
    for (const [name] of all) {
      const speed = size / 1e6 / median(spent[to][name]);
      const beside = `${speed.toFixed(0)} MB/s`;
      figure(titles[name] ?? `livegate, every ${name}`, hour(name), { unit: " s", digits: 2, beside });
    }
    // To a file most of it is the kernel's copying, which is the same for all, dd too: no aim there.
    const least = (value) => (to === "/dev/null" ? { least: value } : {});
    for (const name of Object.keys(MODES)) {
      const ratio = (other) => hour(other) / hour(name);
      figure(`h264_metadata : every ${name}`, ratio("metadata"), { unit: " x", digits: 1, ...least(AIM_METADATA) });
      figure(`copy : every ${name}`, ratio("copy"), { unit: " x", digits: 1, ...least(AIM_COPY) });
    }
  }
  section("Most memory held");
  for (const [name, command] of all.filter(([name]) => name !== "dd")) {
    const ours = name in MODES;
    const peak = await memory(command(ours ? "-" : "pipe:1"), size);
    const aim = ours ? { most: AIM_RSS_MB } : {};
    figure(ours ? `livegate, every ${name}` : `ffmpeg, ${name}`, peak, { unit: " MB", digits: 1, ...aim });
  }
}

const BENCH = ["bench", "--quiet", "-p", "livegate-core", "--features", "std", "--bench", "media"];

function show(title, cases, wasm) {
  section(title);
  for (const { name, ns, bytes } of cases) {
    if (bytes > 0) {
      const scan = name.startsWith("Annex B") && !wasm ? { least: AIM_SCAN_GB_S } : {};
      figure(name, bytes / ns, { unit: " GB/s", digits: 1, ...scan });
    } else {
      const aim = wasm && !name.includes("our") && name.startsWith("frame") ? { most: AIM_FRAME_NS } : {};
      figure(name, ns, { unit: " ns", digits: ns < 100 ? 1 : 0, ...aim });
    }
  }
}

/** The same cases in wasm: the least of many short rounds, the cases taking turns. */
function inWasm({ MediaBench }, short) {
  const bench = new MediaBench();
  const cases = MediaBench.names()
    .split("\n")
    .map((name, number) => ({ name, number, ns: Infinity, bytes: bench.bytes(number) }));
  const calls = ({ bytes }) => (bytes > 0 ? 5 : 500);
  for (const one of cases) bench.run(one.number, calls(one) * 20);
  for (let round = 0; round < (short ? 40 : 200); round += 1) {
    for (const one of cases) {
      const began = process.hrtime.bigint();
      bench.run(one.number, calls(one));
      one.ns = Math.min(one.ns, Number(process.hrtime.bigint() - began) / calls(one));
    }
  }
  return cases;
}

/** Instructions a call, as valgrind counts them: what as many calls again add. */
function instructions(cases) {
  section("Instructions natively, by valgrind");
  if (spawnSync("valgrind", ["--version"]).status !== 0) {
    note("skipped: valgrind is not installed");
    return;
  }
  const built = run("cargo", [...BENCH, "--no-run", "--message-format=json"]);
  const lines = built.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const { executable } = lines.find(({ executable, target }) => executable && target.name === "media");
  const collected = (number, times) => {
    const args = ["--tool=callgrind", "--callgrind-out-file=/dev/null", executable, "--run", `${number}`, `${times}`];
    const { stderr, status } = spawnSync("valgrind", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`valgrind: ${stderr}`);
    return Number(/Collected : (\d+)/.exec(stderr)[1]);
  };
  cases.forEach(({ name, bytes }, number) => {
    const times = bytes > 0 ? 2 : 200;
    const each = (collected(number, 2 * times) - collected(number, times)) / times;
    if (bytes > 0) figure(name, each / (bytes / 1_024), { unit: "", digits: 1, beside: "a KiB" });
    else figure(name, each, { beside: "a call" });
  });
}

export async function media(how) {
  if (spawnSync("ffmpeg", ["-version"]).status === 0) await insertion(how);
  else note("skipped: there is no ffmpeg to compare with");
  const cases = JSON.parse(run("cargo", [...BENCH, "--", "--json"]));
  show("SEI and layouts, natively", cases, false);
  show("The same in wasm", inWasm(how.require(join(how.output, "wasm", "livegate_bench_wasm.js")), how.short), true);
  instructions(cases);
}
