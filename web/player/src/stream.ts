// What mpegts.js and flv.js have in common: one file in dist, which both adapters import.

export { type LoaderClass, type LoaderLibrary, loaderClass } from "./stream/loader.js";
export { StreamTap } from "./stream/tap.js";
