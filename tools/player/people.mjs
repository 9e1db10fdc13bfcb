// Two people for a test picture, drawn here so that nobody's face has to be kept: flat shapes with soft
// edges, as layers that a mixer moves. Each is a PAM file (netpbm's pam(5)), which ffmpeg reads.

export const WIDTH = 1280;
export const HEIGHT = 720;

/**
 * Whoever is in the picture. Their backgrounds differ most in red and blue, so that a few pixels tell
 * whose pane they are in.
 */
export const PEOPLE = [
  {
    uid: "Ann",
    back: [[38, 70, 146], [18, 30, 84]],
    light: [108, 160, 255],
    skin: [246, 200, 168],
    shade: [226, 168, 134],
    hair: [58, 36, 44],
    shirt: [245, 238, 226],
    long: true,
  },
  {
    uid: "Ben",
    back: [[196, 98, 56], [108, 40, 28]],
    light: [255, 196, 110],
    skin: [168, 112, 78],
    shade: [138, 86, 58],
    hair: [28, 22, 22],
    shirt: [34, 74, 78],
    long: false,
  },
];

/** A shape says how far a point is outside it, in pixels; less than 0 is inside. */
const ellipse = (cx, cy, rx, ry) => (x, y) => (Math.hypot((x - cx) / rx, (y - cy) / ry) - 1) * Math.min(rx, ry);
const box = (cx, cy, w, h, r) => (x, y) => {
  const [dx, dy] = [Math.abs(x - cx) - w + r, Math.abs(y - cy) - h + r];
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - r;
};
const above = (shape, edge) => (x, y) => Math.max(shape(x, y), y - edge(x));

/** A mouth that is closed. */
const smile = (x, y) => Math.max(Math.abs(y - 428 + ((x - 640) / 34) ** 2 * 9) - 4, Math.abs(x - 640) - 34);

/** Paints shapes one above the other: each is [shape, colour, how soft its edge is]. */
function paint(width, height, shapes) {
  const pixels = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let [r, g, b, a] = [0, 0, 0, 0];
      for (const [shape, [red, green, blue], soft = 1, most = 1] of shapes) {
        const cover = most * Math.min(1, Math.max(0, 0.5 - shape(x + 0.5, y + 0.5) / soft));
        if (cover === 0) continue;
        const rest = a * (1 - cover);
        const sum = cover + rest;
        [r, g, b] = [(red * cover + r * rest) / sum, (green * cover + g * rest) / sum, (blue * cover + b * rest) / sum];
        a = sum;
      }
      pixels.set([r, g, b, 255 * a].map(Math.round), (y * width + x) * 4);
    }
  }
  return pam(width, height, pixels);
}

const pam = (width, height, pixels) =>
  Buffer.concat([
    Buffer.from(`P7\nWIDTH ${width}\nHEIGHT ${height}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n`),
    pixels,
  ]);

/** Where a figure's layer lies in a person's picture. */
export const FIGURE = { x: 330, y: 120, width: 620, height: 640 };
export const MOUTH = { x: 590, y: 392, width: 100, height: 60 };
export const LIGHT = { size: 420 };

/** A person's layers by name. */
export function layers({ back: [top, bottom], light, skin, shade, hair, shirt, long }) {
  const at = (shape) => (x, y) => shape(x + FIGURE.x, y + FIGURE.y);
  const background = Buffer.alloc(WIDTH * HEIGHT * 4);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      // Darker towards the corners.
      const far = Math.min(1, (y / HEIGHT) * 0.7 + Math.hypot(x / WIDTH - 0.5, y / HEIGHT - 0.4) * 0.5);
      const mixed = top.map((one, part) => Math.round(one + (bottom[part] - one) * far));
      background.set([...mixed, 255], (y * WIDTH + x) * 4);
    }
  }
  const eyes = [590, 690].flatMap((x) => [
    [ellipse(x, 332, 11, 13), [30, 24, 28], 1.5],
    [ellipse(x + 4, 327, 4, 4), [255, 255, 255], 1.5],
    [box(x, 296, 24, 4, 4), hair, 2],
  ]);
  const fringe = long
    ? above(ellipse(640, 330, 134, 160), (x) => 268 - ((x - 560) / 120) ** 2 * 26)
    : above(ellipse(640, 322, 132, 150), (x) => 246 + Math.cos((x - 640) / 26) * 7);
  return {
    background: pam(WIDTH, HEIGHT, background),
    light: paint(LIGHT.size, LIGHT.size, [[ellipse(210, 210, 120, 120), light, 170, 0.3]]),
    figure: paint(FIGURE.width, FIGURE.height, [
      ...(long ? [[at(box(640, 400, 158, 210, 120)), hair, 1.5]] : []),
      [at(box(640, 830, 280, 270, 170)), shirt, 1.5],
      [at(ellipse(640, 572, 88, 44)), shade, 1.5],
      [at(box(640, 520, 50, 80, 36)), shade, 1.5],
      ...[516, 764].map((x) => [at(ellipse(x, 345, 22, 32)), shade, 1.5]),
      [at(ellipse(640, 340, 124, 152)), skin, 1.5],
      ...eyes.map(([shape, ...rest]) => [at(shape), ...rest]),
      [at(ellipse(640, 372, 10, 16)), shade, 3],
      [at(smile), [150, 62, 62], 2],
      [at(fringe), hair, 1.5],
    ]),
    mouth: paint(MOUTH.width, MOUTH.height, [
      [ellipse(50, 32, 36, 22), [110, 34, 42], 1.5],
      [above(ellipse(50, 32, 32, 18), () => 24), [255, 255, 255], 1.5],
      [ellipse(50, 48, 18, 7), [214, 96, 100], 2],
    ]),
  };
}
