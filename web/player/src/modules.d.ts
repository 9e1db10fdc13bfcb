declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

// All of Node.js that is used, so that its types are nobody's dependency.
declare module "node:fs/promises" {
  export function readFile(path: URL): Promise<Uint8Array<ArrayBuffer>>;
}
