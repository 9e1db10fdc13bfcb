// A live stream of HLS at low latency: a segment is there in parts before it is there as a whole.

/** Parts of a segment, and of these those that are there when the playlist is first asked for. */
const OF_SEGMENT = 2;
const AT_FIRST = 3;

/**
 * Answers for a stream of which another part of a second is there each time that the playlist is asked for: hls.js 1.7
 * refuses a segment that it sees whole before its last part.
 *
 * @param {{init: Buffer, parts: Buffer[]}} stream
 * @param {string[]} asked grows by the names of what is asked for
 */
export function lowLatency({ init, parts }, asked) {
  let there = AT_FIRST - 1;
  const playlist = () => {
    there = Math.min(parts.length, there + 1);
    const lines = ["#EXTM3U", "#EXT-X-VERSION:9", "#EXT-X-TARGETDURATION:2", "#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3.0", "#EXT-X-PART-INF:PART-TARGET=1.0"];
    lines.push("#EXT-X-MEDIA-SEQUENCE:0", '#EXT-X-MAP:URI="init.mp4"');
    for (let part = 0; part < there; part += 1) {
      lines.push(`#EXT-X-PART:DURATION=1.0,URI="part${part}.mp4",INDEPENDENT=YES`);
      if (part % OF_SEGMENT === OF_SEGMENT - 1) lines.push("#EXTINF:2.0,", `segment${Math.floor(part / OF_SEGMENT)}.mp4`);
    }
    return [...lines, ""].join("\n");
  };
  return (request, response) => {
    const name = request.url.split("/").at(-1).split("?")[0];
    asked.push(name);
    const number = Number(/\d+/.exec(name)?.[0]);
    const segment = () => Buffer.concat(parts.slice(number * OF_SEGMENT, (number + 1) * OF_SEGMENT));
    const body = name.endsWith(".m3u8") ? playlist() : name === "init.mp4" ? init : name.startsWith("part") ? parts[number] : segment();
    response.writeHead(200, { "content-type": name.endsWith(".m3u8") ? "application/vnd.apple.mpegurl" : "video/mp4" }).end(body);
  };
}
