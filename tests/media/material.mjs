import { join } from "node:path";
import { root } from "../../tools/gateway.mjs";
export const folder = process.env.CARGO_TARGET_DIR ?? join(root, "target");
