// In the page: H.264 from one connection to another, both here. The sender's transform puts a message with a running
// number into each frame; what the receiver's side has read, and shows, is kept.

const UUID = [0x6c, 0x69, 0x76, 0x65, 0x67, 0x61, 0x80, 0x74, 0xa5, 0x65, 0x2d, 0x73, 0x65, 0x69, 0x2d, 0x31];
const SIZE = { width: 320, height: 180 };

/** The message as a NAL unit behind a start code (H.264 7.3.2.3); no two bytes of it that follow each other are zero. */
function sei(number) {
  const stream = [{ uid: `${number}`, paneid: 0, zorder: 0, x: 0, y: 0, w: 0.5, h: 1, type: 0, ms: 0, vol: 9, vad: 9 }];
  const content = new TextEncoder().encode(JSON.stringify({ stream }));
  const size = UUID.length + content.length;
  return Uint8Array.from([0, 0, 0, 1, 6, 5, ...(size < 255 ? [size] : [255, size - 255]), ...UUID, ...content, 0x80]);
}

/** Where the first slice's start code begins (types 1 and 5). */
function sliceAt(bytes) {
  for (let at = 0; at + 3 < bytes.length; at += 1) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1) continue;
    const type = bytes[at + 3] & 31;
    if (type === 1 || type === 5) return at > 0 && bytes[at - 1] === 0 ? at - 1 : at;
  }
  return -1;
}

/** The number in a frame's message, as it is found by its text. */
const numberIn = (bytes) => Number(new TextDecoder("latin1").decode(bytes.subarray(0, 600)).match(/"uid":"(\d+)"/)?.[1] ?? NaN);

const each = (change) => new TransformStream({ transform: (frame, control) => control.enqueue((change(frame), frame)) });

/** Runs for so many frames; `how` is `streams` (in the page) or `script` (in a worker). */
export async function call(how, frames) {
  const { listening } = await import("/test/play.js");
  const { tracker, kept } = listening();
  Object.assign(kept, { sent: 0, arrived: {}, shown: [] });

  const canvas = document.createElement("canvas");
  Object.assign(canvas, SIZE);
  const pen = canvas.getContext("2d");
  let drawn = 0;
  const drawing = setInterval(() => {
    drawn += 1;
    pen.fillStyle = `hsl(${(drawn * 7) % 360} 80% 50%)`;
    pen.fillRect(0, 0, SIZE.width, SIZE.height);
    pen.fillStyle = "#000";
    pen.fillRect((drawn * 5) % 300, 60, 20, 60);
  }, 40);

  const inPage = how === "streams";
  const from = new RTCPeerConnection({ encodedInsertableStreams: true });
  const to = new RTCPeerConnection({ encodedInsertableStreams: inPage });
  from.onicecandidate = ({ candidate }) => candidate && to.addIceCandidate(candidate);
  to.onicecandidate = ({ candidate }) => candidate && from.addIceCandidate(candidate);

  const transceiver = from.addTransceiver(canvas.captureStream(25).getVideoTracks()[0], { direction: "sendonly" });
  const codecs = RTCRtpSender.getCapabilities("video").codecs.filter(({ mimeType }) => mimeType === "video/H264");
  if (codecs.length === 0) return "no H.264";
  transceiver.setCodecPreferences(codecs);
  const sent = transceiver.sender.createEncodedStreams();
  const write = (frame) => {
    const bytes = new Uint8Array(frame.data);
    const at = sliceAt(bytes);
    if (at < 0) return;
    const message = sei(kept.sent);
    kept.sent += 1;
    const whole = new Uint8Array(bytes.length + message.length);
    whole.set(bytes.subarray(0, at));
    whole.set(message, at);
    whole.set(bytes.subarray(at), at + message.length);
    frame.data = whole.buffer;
  };
  sent.readable.pipeThrough(each(write)).pipeTo(sent.writable);

  const video = document.createElement("video");
  Object.assign(video, { muted: true, autoplay: true });
  document.body.append(video);
  tracker.attach(video);
  to.ontrack = ({ receiver, track }) => {
    video.srcObject = new MediaStream([track]);
    if (inPage) {
      const received = receiver.createEncodedStreams();
      const note = (frame) => (kept.arrived[frame.getMetadata().rtpTimestamp] = numberIn(new Uint8Array(frame.data)));
      received.readable.pipeThrough(each(note)).pipeThrough(lib.createLayoutTransform(tracker)).pipeTo(received.writable);
    } else {
      const worker = new Worker("/test/webrtc-worker.js", { type: "module" });
      const { port1, port2 } = new MessageChannel();
      lib.trackPort(tracker, port1);
      receiver.transform = new RTCRtpScriptTransform(worker, { port: port2 }, [port2]);
    }
  };
  const next = (_, { rtpTimestamp }) => {
    video.requestVideoFrameCallback(next);
    kept.shown.push({ rtp: rtpTimestamp, uid: tracker.current?.panes[0]?.uid ?? null });
  };
  video.requestVideoFrameCallback(next);

  await from.setLocalDescription();
  await to.setRemoteDescription(from.localDescription);
  await to.setLocalDescription();
  await from.setRemoteDescription(to.localDescription);
  const deadline = performance.now() + 120_000;
  while (kept.messages.length < frames && performance.now() < deadline) await new Promise((later) => setTimeout(later, 50));
  clearInterval(drawing);
  from.close();
  to.close();
  return kept;
}
