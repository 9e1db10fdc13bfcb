// A page that is hidden while its video goes on: browsers call no frame callbacks then, but tell the playing position.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { alibaba, annexb } from "./lib/frames.mjs";

let player;
before(async () => {
  player = await import("../web/player/dist/node.js").catch(() => assert.fail("run tools/build-player"));
  await player.init();
});

/** What a tracker uses of a video and its page. */
class Video extends EventTarget {
  currentTime = 0;
  readyState = 4;
  srcObject = null;
  ownerDocument = Object.assign(new EventTarget(), { hidden: false });
  #callbacks = new Map();
  #last = 0;

  requestVideoFrameCallback(callback) {
    this.#callbacks.set((this.#last += 1), callback);
    return this.#last;
  }

  cancelVideoFrameCallback(handle) {
    this.#callbacks.delete(handle);
  }

  /** Displays a frame. */
  show(mediaTime, rtpTimestamp) {
    this.currentTime = mediaTime;
    const callbacks = [...this.#callbacks.values()];
    this.#callbacks.clear();
    for (const callback of callbacks) callback(0, { mediaTime, rtpTimestamp });
  }

  hide(hidden) {
    this.ownerDocument.hidden = hidden;
  }
}

const uid = (time) => `at-${time.toFixed(0)}`;

test("the layouts of a call that went on unseen are there when it is seen again", () => {
  const video = new Video();
  video.srcObject = {};
  const tracker = new player.LayoutTracker();
  tracker.configure({ codec: "h264", format: "annexb" });
  tracker.attach(video);
  const shown = [];
  tracker.addEventListener("layout", ({ layout }) => shown.push(layout?.panes[0].uid ?? null));
  // From shortly before timestamps begin anew; five minutes of 30 frames a second.
  const rtp = (seconds) => (2 ** 32 - 90_000 + Math.round(seconds * 90_000)) % 2 ** 32;
  const push = (from, to) => {
    for (let frame = from * 30; frame < to * 30; frame += 1) tracker.pushRtp(annexb(alibaba([uid(frame / 30), 0, 0, 1, 1], [`${frame}`, 0, 0, 1, 1])), rtp(frame / 30));
  };
  push(0, 2);
  video.show(0, rtp(1));
  video.hide(true);
  for (let second = 2; second < 300; second += 1) {
    push(second, second + 1);
    video.dispatchEvent(new Event("timeupdate"));
  }
  video.hide(false);
  shown.length = 0;
  video.show(0, rtp(299.5));
  assert.equal(tracker.current.panes[0].uid, uid(299.5));
  assert.ok(!shown.includes(null));
  // Where the pushed times are the media's, nothing is known of a hidden call.
  const other = new player.LayoutTracker();
  other.configure({ codec: "h264", format: "annexb" });
  other.attach(video);
  other.push(annexb(alibaba(["a", 0, 0, 1, 1])), 1);
  video.show(1, rtp(300));
  video.hide(true);
  video.dispatchEvent(new Event("timeupdate"));
  assert.equal(other.current?.panes[0].uid, "a");
});

test("a video that is moved is hidden with the page that it is in", () => {
  const video = new Video();
  const [first, second] = [video.ownerDocument, Object.assign(new EventTarget(), { hidden: false })];
  const tracker = new player.LayoutTracker();
  tracker.configure({ codec: "h264", format: "annexb" });
  tracker.attach(video);
  for (let second = 0; second < 9; second += 1) tracker.push(annexb(alibaba([uid(second), 0, 0, 1, 1])), second);
  const plays = (seconds) => {
    video.currentTime = seconds + 0.5;
    video.dispatchEvent(new Event("timeupdate"));
    return tracker.current?.panes[0].uid;
  };
  // As a picture in picture of the document: the page behind it may be hidden.
  video.ownerDocument = second;
  video.show(1);
  first.hidden = true;
  assert.equal(plays(3), uid(1), "frames alone count");
  second.hidden = true;
  assert.equal(plays(4), uid(4));
  video.ownerDocument = first;
  second.hidden = false;
  assert.equal(plays(5), uid(5));
  first.hidden = false;
  assert.equal(plays(6), uid(5));
});

test("what is there when a video is attached is what is at its position, and not what comes within 2 ms", () => {
  const video = new Video();
  const tracker = new player.LayoutTracker();
  tracker.configure({ codec: "h264", format: "annexb" });
  for (let second = 0; second < 9; second += 1) tracker.push(annexb(alibaba([uid(second), 0, 0, 1, 1])), second);
  for (const [position, wanted] of [[3.9985, 3], [3.9999, 3], [4, 4], [4.001, 4]]) {
    video.currentTime = position;
    tracker.attach(video);
    assert.equal(tracker.current.panes[0].uid, uid(wanted), `${position}`);
  }
});

test("the layouts of a video that went on unseen are there when it is seen again", () => {
  const video = new Video();
  const tracker = new player.LayoutTracker();
  tracker.configure({ codec: "h264", format: "annexb" });
  const stop = tracker.attach(video);
  const push = (from, to) => {
    for (let frame = from * 30; frame < to * 30; frame += 1) tracker.push(annexb(alibaba([uid(frame / 30), 0, 0, 1, 1], [`${frame}`, 0, 0, 1, 1])), frame / 30);
  };
  // Twenty seconds are buffered ahead, and five minutes go by: 9,000 layouts, of which 4,096 are kept.
  push(0, 25);
  video.show(5);
  video.hide(true);
  for (let second = 6; second < 300; second += 1) {
    push(second + 19, second + 20);
    video.currentTime = second;
    video.dispatchEvent(new Event("timeupdate"));
  }
  video.hide(false);
  for (const time of [299, 305, 319]) assert.equal(tracker.at(time)?.panes[0].uid, uid(time), `${time} s`);
  video.show(299.5);
  assert.ok(tracker.current.time > 299);
  // While it is seen frames alone count: the position may be ahead of them.
  video.currentTime = 310;
  video.dispatchEvent(new Event("timeupdate"));
  assert.ok(tracker.current.time < 300);
  stop();
  video.hide(true);
  video.dispatchEvent(new Event("timeupdate"));
  assert.ok(tracker.current.time < 300);
});
