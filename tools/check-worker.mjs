// Prints the size of a built Worker and refuses one that is too large or cannot start.
//
//   node tools/check-worker.mjs FOLDER
//
// The import section is read from the bytes, so that the answer does not depend on which proposals
// this version of node can compile. Format: WebAssembly Core Specification, section 5.5.5.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Upper bound for the gzipped module and script together, in bytes. */
const LIMIT = 800_000;

const IMPORT_SECTION = 2;

/** A cursor over a module's bytes. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  byte() {
    if (this.at >= this.bytes.length) throw new Error("the module ends too early");
    return this.bytes[this.at++];
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  number() {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error("a number is longer than 32 bits");
  }

  name() {
    const length = this.number();
    const text = this.bytes.subarray(this.at, this.at + length).toString("utf8");
    this.at += length;
    return text;
  }

  limits() {
    const flags = this.byte();
    this.number();
    if (flags & 1) this.number();
  }

  valueType() {
    // (ref null T) and (ref T) carry a heap type; the others are one byte.
    const byte = this.byte();
    if (byte === 0x63 || byte === 0x64) this.number();
  }
}

/** The imports of a module as "module.field", in order. */
function importsOf(bytes) {
  const reader = new Reader(bytes);
  reader.at = 8;
  while (reader.at < bytes.length) {
    const section = reader.byte();
    const size = reader.number();
    if (section !== IMPORT_SECTION) {
      reader.at += size;
      continue;
    }
    const names = [];
    for (let count = reader.number(); count > 0; count--) {
      names.push({ module: reader.name(), field: reader.name() });
      const kind = reader.byte();
      if (kind === 0) reader.number();
      else if (kind === 1) (reader.valueType(), reader.limits());
      else if (kind === 2) reader.limits();
      else if (kind === 3) (reader.valueType(), reader.byte());
      else if (kind === 4) (reader.byte(), reader.number());
      else throw new Error(`an import of unknown kind ${kind}`);
    }
    return names;
  }
  return [];
}

function main(folder) {
  const module = readFileSync(join(folder, "index_bg.wasm"));
  const script = readFileSync(join(folder, "index.js"));
  if (module.readUInt32LE(0) !== 0x6d736100) throw new Error("index_bg.wasm is no WebAssembly module");

  const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
  const zipped = gzipSync(module).length + gzipSync(script).length;
  console.log(
    `worker: wasm ${kib(module.length)}, script ${kib(script.length)}, gzipped ${kib(zipped)} of ${kib(LIMIT)}`,
  );

  const foreign = importsOf(module).filter(({ module }) => module === "env");
  if (foreign.length > 0) {
    const names = foreign.map(({ field }) => field).join(", ");
    throw new Error(`the module imports from "env", which no Worker has: ${names}`);
  }
  if (zipped > LIMIT) {
    throw new Error(`the Worker is too large: ${zipped} bytes gzipped, allowed are ${LIMIT}`);
  }
}

try {
  main(process.argv[2] ?? "build");
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
