import type { Interpolation, Pixels } from '../resample';

/** From a place (x, y) of the result to that of the source: (a x + b y + c, d x + e y + f), in pixels. */
export type AffineMap = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export type Colour = readonly [number, number, number];

/** The map that turns an image about its middle, counterclockwise for positive degrees. */
export function rotation(degrees: number, { width, height }: Pixels): AffineMap {
  const angle = (-degrees * Math.PI) / 180;
  const cosine = Math.cos(angle);
  const sine = Math.sin(angle);
  const x = width / 2;
  const y = height / 2;
  return [cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y];
}

/**
 * Moves the pixels of an image as PIL's `Image.transform` with an affine map does: the centre of each
 * pixel of the result is looked up in the source, between pixels by interpolation from the nearest
 * 2 × 2 or 4 × 4, those beyond the edge taken as the edge's; what falls outside gets the fill colour.
 * PIL's bicubic kernel for this is the one with a = −1.
 */
export function transformAffine(
  source: Pixels,
  [a, b, c, d, e, f]: AffineMap,
  { interpolation, fill }: { interpolation: Interpolation; fill: Colour },
): Pixels {
  const { width, height } = source;
  const data = new Uint8Array(width * height * 3);
  const taps = interpolation === 'bicubic' ? 4 : 2;
  const weigh = interpolation === 'bicubic' ? cubicWeights : linearWeights;
  const across = new Float64Array(taps);
  const down = new Float64Array(taps);
  const columns = new Int32Array(taps);
  const rows = new Int32Array(taps);
  for (let y = 0, write = 0; y < height; y++) {
    for (let x = 0; x < width; x++, write += 3) {
      const fromX = a * (x + 0.5) + b * (y + 0.5) + c;
      const fromY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (!(fromX >= 0 && fromX < width && fromY >= 0 && fromY < height)) {
        data[write] = fill[0];
        data[write + 1] = fill[1];
        data[write + 2] = fill[2];
        continue;
      }
      place(fromX - 0.5, width, 3, weigh, across, columns);
      place(fromY - 0.5, height, 3 * width, weigh, down, rows);
      gather(source.data, { across, down, columns, rows }, data, write);
    }
  }
  return { data, width, height };
}

type Weigh = (fraction: number, weights: Float64Array) => void;

/** Weights of the neighbours of a place on one axis, and where they lie; the outermost stand for those beyond. */
function place(
  position: number,
  count: number,
  stride: number,
  weigh: Weigh,
  weights: Float64Array,
  offsets: Int32Array,
): void {
  const whole = Math.floor(position);
  weigh(position - whole, weights);
  const first = whole + 1 - weights.length / 2;
  for (let tap = 0; tap < weights.length; tap++) {
    offsets[tap] = Math.min(count - 1, Math.max(0, first + tap)) * stride;
  }
}

function linearWeights(fraction: number, weights: Float64Array): void {
  weights[0] = 1 - fraction;
  weights[1] = fraction;
}

/** Keys' kernel with a = −1. */
function cubicWeights(t: number, weights: Float64Array): void {
  weights[0] = t * (-1 + t * (2 - t));
  weights[1] = 1 + t * t * (t - 2);
  weights[2] = t * (1 + t * (1 - t));
  weights[3] = t * t * (t - 1);
}

function gather(
  pixels: Uint8Array,
  near: { across: Float64Array; down: Float64Array; columns: Int32Array; rows: Int32Array },
  target: Uint8Array,
  write: number,
): void {
  const { across, down, columns, rows } = near;
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let row = 0; row < rows.length; row++) {
    for (let column = 0; column < columns.length; column++) {
      const weight = (down[row] ?? 0) * (across[column] ?? 0);
      const at = (rows[row] ?? 0) + (columns[column] ?? 0);
      red += weight * (pixels[at] ?? 0);
      green += weight * (pixels[at + 1] ?? 0);
      blue += weight * (pixels[at + 2] ?? 0);
    }
  }
  target[write] = toByte(red);
  target[write + 1] = toByte(green);
  target[write + 2] = toByte(blue);
}

/** Fractions of a grey level are cut off, but for what arithmetic alone made of a whole one. */
function toByte(value: number): number {
  return Math.min(255, Math.max(0, Math.floor(value + 1e-6)));
}
