// Annex B streams for tests: taken apart at every start code, and written with other zeros around
// them. H.264 and H.265, annex B.

/** The NAL units, without start codes and the zeros around them. */
export function units(bytes) {
  const found = [];
  let from = bytes.indexOf(CODE);
  while (from >= 0) {
    const next = bytes.indexOf(CODE, from + 3);
    let end = next < 0 ? bytes.length : next;
    // No unit ends in a zero, 7.4.1: what stands there is a longer start code's or trailing_zero_8bits.
    while (end > from + 3 && bytes[end - 1] === 0) end -= 1;
    found.push(bytes.subarray(from + 3, end));
    from = next;
  }
  return found;
}

const CODE = Buffer.from([0, 0, 1]);

/** The stream again, each unit with as many zeros before and after it as its turn says. */
export function withZeros(bytes, zeros) {
  const parts = units(bytes).flatMap((nal, number) => {
    const [before, after] = zeros[number % zeros.length];
    return [Buffer.alloc(before), CODE, nal, Buffer.alloc(after)];
  });
  // The first unit's start code has zero_byte, B.1.2.
  return Buffer.concat([Buffer.alloc(1), ...parts]);
}

/** Length-prefixed, 4 bytes each. */
export function sample(nals) {
  return Buffer.concat(
    nals.flatMap((nal) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(nal.length);
      return [length, nal];
    }),
  );
}
