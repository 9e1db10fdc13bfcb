// The SEI parsers of browser players, from the NAL units of one frame on: in node and in pages.

/**
 * What each takes of one frame of H.264 behind lengths of 4 bytes. Each makes of a function for what is found one that
 * takes a frame.
 *
 * @param {object} players the module that tests/media/players.mjs bundles
 */
export const parsersOf = ({ MpegtsFlv, xgplayerNal, hlsSei }) => ({
  mpegts: (use) => {
    const demuxer = new MpegtsFlv({ match: true, consumed: 0, dataOffset: 0, hasAudioTrack: false, hasVideoTrack: true }, {});
    demuxer.onSeiArrived = use;
    return (frame) => {
      demuxer._parseAVCVideoData(frame.buffer, frame.byteOffset, frame.length, 0, 0, 2, 0);
      // What it hands on to its remuxer.
      Object.assign(demuxer._videoTrack, { samples: [], length: 0 });
    };
  },
  xgplayer: (use) => (frame) => {
    for (const unit of xgplayerNal.parseAvcC(frame, 4)) {
      if ((unit[0] & 0x1f) === 6) use(xgplayerNal.parseSEI(xgplayerNal.removeEPB(unit), false));
    }
  },
  // The loop is a part of a larger function there.
  hls: (use) => {
    const samples = [];
    return (frame) => {
      for (let at = 0; at < frame.length; ) {
        const size = frame[at] * 2 ** 24 + ((frame[at + 1] << 16) | (frame[at + 2] << 8) | frame[at + 3]);
        if ((frame[at + 4] & 0x1f) === 6) hlsSei(frame.subarray(at + 4, at + 4 + size), 1, 0, samples);
        at += 4 + size;
      }
      for (const found of samples) use(found);
      samples.length = 0;
    };
  },
});
