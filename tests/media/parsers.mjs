// The SEI parsers of browser players, from the NAL units of one frame on: in node and in pages, for benchmarks.

/**
 * What each takes of one frame of H.264: `lengths` are those that read FLV, of lengths of 4 bytes; `startCodes` those
 * that read transport streams. Each makes of a function for what is found one that takes a frame.
 *
 * @param {object} players the module that tests/media/players.mjs bundles
 */
export function parsersOf({ MpegtsFlv, xgplayerNal, HlsAvc }) {
  const mpegts = (use) => {
    const demuxer = new MpegtsFlv({ match: true, consumed: 0, dataOffset: 0, hasAudioTrack: false, hasVideoTrack: true }, {});
    demuxer.onSeiArrived = use;
    return (frame) => {
      demuxer._parseAVCVideoData(frame.buffer, frame.byteOffset, frame.length, 0, 0, 2, 0);
      // What it hands on to its remuxer.
      Object.assign(demuxer._videoTrack, { samples: [], length: 0 });
    };
  };
  const read = (units, use) => {
    for (const unit of units) {
      if ((unit[0] & 0x1f) === 6) use(xgplayerNal.parseSEI(xgplayerNal.removeEPB(unit), false));
    }
  };
  const hls = (use) => {
    const parser = new HlsAvc();
    const track = { samples: [], naluState: 0, codec: "avc1.64001f", len: 0, nbNalu: 0, dropped: 0 };
    const text = { samples: [] };
    return (frame) => {
      parser.parsePES(track, text, { data: frame, pts: 0, dts: 0, len: frame.length }, false, {});
      track.samples.length = 0;
      for (const found of text.samples) use(found);
      text.samples.length = 0;
    };
  };
  return {
    lengths: { "mpegts.js": mpegts, xgplayer: (use) => (frame) => read(xgplayerNal.parseAvcC(frame, 4), use) },
    startCodes: { "hls.js": hls, xgplayer: (use) => (frame) => read(xgplayerNal.parseAnnexB(frame), use) },
  };
}

/** What each player's parser hands on, as the message's bytes. */
export const CONTENT = {
  "mpegts.js": ({ user_data: data }) => data,
  xgplayer: ({ payload, size }) => payload.subarray(0, size - 16),
  "hls.js": ({ userDataBytes }) => userDataBytes,
};
