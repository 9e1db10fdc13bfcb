/**
 * What the module offers (crates/player): nothing but numbers, so it is called as it is. `tracker` is what `open` gave;
 * times are microseconds. What a push finds is how many messages it had, and 65,536 more if something was wrong beside
 * them.
 */
export interface RawModule {
  readonly memory: WebAssembly.Memory;
  open(maxAge: number): number;
  close(tracker: number): void;
  room(tracker: number, length: number): number;
  configure(tracker: number, codec: number, lengthSize: number): void;
  configure_record(tracker: number, codec: number, length: number): number;
  push(tracker: number, have: number, total: number, time: number): number;
  flv_tag(tracker: number, have: number, total: number, time: number): number;
  flv(tracker: number, length: number): number;
  ts(tracker: number, length: number, shift: number): number;
  mp4(tracker: number, length: number, shift: number): number;
  base_us(tracker: number): number;
  base_of_video_us(tracker: number): number;
  shift(tracker: number, time: number): void;
  reset(tracker: number, all: number): void;
  at(tracker: number, time: number): number;
  time_of(tracker: number, length: number, time: number): number;
  layout(tracker: number, id: number): number;
  messages(tracker: number): number;
  text(tracker: number): number;
  place(
    tracker: number,
    id: number,
    videoWidth: number,
    videoHeight: number,
    boxWidth: number,
    boxHeight: number,
    fit: number,
    positionX: number,
    positionY: number,
  ): number;
}
