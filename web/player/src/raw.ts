/** What the module offers (crates/player). Times are microseconds. */
export interface RawTracker {
  free(): void;
  room(length: number): number;
  configure(codec: number, lengthSize: number): void;
  configure_record(codec: number, length: number): number;
  push(have: number, total: number, time: number): number;
  flv_tag(have: number, total: number, time: number): number;
  flv(length: number): number;
  ts(length: number, shift: number): number;
  mp4(length: number, shift: number): number;
  base_us(): number;
  base_of_video_us(): number;
  shift(time: number): void;
  reset(all: number): void;
  at(time: number): number;
  time_of(length: number, time: number): number;
  layout(id: number): string;
  messages(): string;
  place(
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
