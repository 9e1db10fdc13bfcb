/** What went wrong, as a stable name. */
export type PlayerErrorCode =
  | "player.wasm_not_loaded"
  | "player.wasm_not_compiled"
  | "player.not_initialised"
  | "player.stopped"
  | "player.configuration"
  | "player.unsupported";

/** An error of this package: `code` is for programs, `message` says what to do. */
export class PlayerError extends Error {
  override readonly name = "PlayerError";
  readonly code: PlayerErrorCode;

  constructor(code: PlayerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
