import type { Random } from '../../engine/random';
import type { Interpolation, Pixels } from '../resample';

/** From a place (x, y) of the result to that of the source: (a x + b y + c, d x + e y + f), in pixels. */
type AffineMap = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export type Colour = readonly [number, number, number];

/** The map that turns an image about its middle, counterclockwise for positive degrees. */
function rotation(degrees: number, { width, height }: Pixels): AffineMap {
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
function transformAffine(
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

/** What becomes of each of the 256 levels. */
type Table = (level: number) => number;

/** Spreads each channel so that its least level becomes 0 and its highest 255. */
function autoContrast(pixels: Pixels): Pixels {
  return mapChannels(pixels, (counts) => {
    const least = counts.findIndex((count) => count > 0);
    const most = counts.findLastIndex((count) => count > 0);
    if (most <= least) return (level) => level;
    const scale = 255 / (most - least);
    return (level) => Math.min(255, Math.max(0, Math.trunc(level * scale - least * scale)));
  });
}

/** Makes the levels of each channel as even as their histogram allows, as PIL's `ImageOps.equalize`. */
function equalize(pixels: Pixels): Pixels {
  return mapChannels(pixels, (counts) => {
    const last = counts.findLast((count) => count > 0) ?? 0;
    const total = counts.reduce((sum, count) => sum + count, 0);
    const step = Math.floor((total - last) / 255);
    if (step === 0) return (level) => level;
    const table = new Uint8Array(256);
    let before = Math.floor(step / 2);
    for (let level = 0; level < 256; level++) {
      table[level] = Math.min(255, Math.floor(before / step));
      before += counts[level] ?? 0;
    }
    return (level) => table[level] ?? level;
  });
}

function mapChannels(pixels: Pixels, tableOf: (counts: Int32Array) => Table): Pixels {
  const counts = [new Int32Array(256), new Int32Array(256), new Int32Array(256)];
  const { data } = pixels;
  counts.forEach((count, channel) => {
    for (let at = channel; at < data.length; at += 3) {
      const level = data[at] ?? 0;
      count[level] = (count[level] ?? 0) + 1;
    }
  });
  return withTables(pixels, counts.map(tableOf));
}

function withTables({ data, width, height }: Pixels, tables: readonly Table[]): Pixels {
  const result = new Uint8Array(data.length);
  tables.forEach((table, channel) => {
    const levels = Uint8Array.from({ length: 256 }, (_, level) => table(level));
    for (let at = channel; at < data.length; at += 3) result[at] = levels[data[at] ?? 0] ?? 0;
  });
  return { data: result, width, height };
}

/**
 * Away from, or for a factor above 1 beyond, a plainer picture: `plain + factor (image − plain)`, cut to
 * whole levels from 0 to 255, as PIL's `ImageEnhance` does.
 */
function blend(
  { data, width, height }: Pixels,
  factor: number,
  plainAt: (index: number) => number,
): Pixels {
  const blended = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const plain = plainAt(at);
    // PIL reckons in 32-bit floats, which tell apart less than a cut at a whole level would.
    const value = Math.fround(plain + Math.fround(factor * ((data[at] ?? 0) - plain)));
    blended[at] = Math.min(255, Math.max(0, Math.trunc(value)));
  }
  return { data: blended, width, height };
}

/** ITU-R 601 luma, rounded. */
function greyLevels({ data, width, height }: Pixels): Uint8Array {
  const grey = new Uint8Array(width * height);
  for (let pixel = 0; pixel < grey.length; pixel++) {
    const red = data[3 * pixel] ?? 0;
    const green = data[3 * pixel + 1] ?? 0;
    const blue = data[3 * pixel + 2] ?? 0;
    grey[pixel] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
  }
  return grey;
}

/** Mean of 3 × 3 pixels in which the middle counts five times; the outermost pixels stay as they are. */
function smoothed({ data, width, height }: Pixels): Uint8Array {
  const result = Uint8Array.from(data);
  const row = 3 * width;
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * row + 3; at < (y + 1) * row - 3; at++) {
      let sum = 4 * (data[at] ?? 0);
      for (let above = at - row; above <= at + row; above += row) {
        sum += (data[above - 3] ?? 0) + (data[above] ?? 0) + (data[above + 3] ?? 0);
      }
      result[at] = Math.floor(sum / 13 + 0.5);
    }
  }
  return result;
}

/** timm's `rand-mM-nN-mstdS-inc1`: RandAugment whose operations grow stronger with the magnitude. */
export interface RandAugmentOptions {
  /** 0 to 10. */
  readonly magnitude: number;
  /** Standard deviation of the magnitude of each operation. */
  readonly deviation: number;
  /** Operations drawn for an image, each applied with probability ½. */
  readonly operations: number;
}

/** How the operations that move pixels look up between them, and what colour they bring in. */
interface Surroundings {
  readonly interpolation: Interpolation;
  readonly fill: Colour;
}

/**
 * @param share of the full strength, 0 to 1.
 * @param sign 1 or −1, for operations that go both ways.
 */
type Operation = (pixels: Pixels, share: number, sign: number, around: Surroundings) => Pixels;

/** timm's 15, by its names and in its order; the comments' ranges are for shares from 0 to 1. */
const operations = {
  AutoContrast: autoContrast,
  Equalize: equalize,
  Invert: mapping(() => (level) => 255 - level),
  // Up to 30 degrees.
  Rotate: (pixels, share, sign, around) =>
    share === 0 ? pixels : transformAffine(pixels, rotation(sign * share * 30, pixels), around),
  // The highest bits of each level are kept: from 4 down to none.
  PosterizeIncreasing: mapping((share) => {
    const mask = 256 - 2 ** (4 + Math.trunc(share * 4));
    return (level) => level & mask;
  }),
  // Levels v from a threshold on, 256 down to 0, become 255 − v.
  SolarizeIncreasing: mapping((share) => {
    const threshold = 256 - Math.trunc(share * 256);
    return (level) => (level < threshold ? level : 255 - level);
  }),
  // Levels below 128 get more, up to 110.
  SolarizeAdd: mapping((share) => {
    const amount = Math.trunc(share * 110);
    return (level) => (level < 128 ? Math.min(255, level + amount) : level);
  }),
  // Away from the grey image.
  ColorIncreasing: enhancing((pixels) => {
    const grey = greyLevels(pixels);
    return (at) => grey[Math.floor(at / 3)] ?? 0;
  }),
  // Away from the mean grey level everywhere.
  ContrastIncreasing: enhancing((pixels) => {
    const grey = greyLevels(pixels);
    const mean = Math.trunc(grey.reduce((sum, level) => sum + level, 0) / grey.length + 0.5);
    return () => mean;
  }),
  // Away from black.
  BrightnessIncreasing: enhancing(() => () => 0),
  // Away from the image smoothed.
  SharpnessIncreasing: enhancing((pixels) => {
    const smooth = smoothed(pixels);
    return (at) => smooth[at] ?? 0;
  }),
  // Up to 0.3 of a pixel for each row or column.
  ShearX: moving((amount) => [1, 0.3 * amount, 0, 0, 1, 0]),
  ShearY: moving((amount) => [1, 0, 0, 0.3 * amount, 1, 0]),
  // Up to 0.45 of the side.
  TranslateXRel: moving((amount, { width }) => [1, 0, 0.45 * amount * width, 0, 1, 0]),
  TranslateYRel: moving((amount, { height }) => [1, 0, 0, 0, 1, 0.45 * amount * height]),
} satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;

/** The names of the operations, in the order in which they are drawn. */
export const operationNames = Object.keys(operations).filter(isOperation);

/** One operation with a magnitude from 0 to 10, its sign already drawn. */
export function applyOperation(
  name: OperationName,
  pixels: Pixels,
  { magnitude, sign, ...around }: Surroundings & { magnitude: number; sign: 1 | -1 },
): Pixels {
  const operation: Operation = operations[name];
  return operation(pixels, magnitude / 10, sign, around);
}

/**
 * RandAugment as timm has it: for each of `operations` times one of 15 is drawn, and whether it is applied
 * at all; then a magnitude from a normal distribution, kept within 0 to 10, and a sign.
 */
export function randAugment(
  pixels: Pixels,
  random: Random,
  { magnitude, deviation, operations: times }: RandAugmentOptions,
  around: Surroundings,
): Pixels {
  let result = pixels;
  for (let time = 0; time < times; time++) {
    const name = operationNames[random.integer(operationNames.length)];
    if (random.uniform() >= 0.5 || name === undefined) continue;
    const drawn = magnitude + deviation * random.normal();
    const kept = Math.min(10, Math.max(0, drawn));
    const sign = random.uniform() < 0.5 ? 1 : -1;
    result = applyOperation(name, result, { magnitude: kept, sign, ...around });
  }
  return result;
}

/** What becomes of each level, all channels alike. */
function mapping(tableOf: (share: number) => Table): Operation {
  return (pixels, share) => {
    const table = tableOf(share);
    return withTables(pixels, [table, table, table]);
  };
}

/** Away from a plainer picture by a factor that differs from 1 by 0.9 at most, to either side, and is at least 0.1. */
function enhancing(plainOf: (pixels: Pixels) => (index: number) => number): Operation {
  return (pixels, share, sign) =>
    blend(pixels, Math.max(0.1, 1 + sign * 0.9 * share), plainOf(pixels));
}

function moving(mapOf: (amount: number, pixels: Pixels) => AffineMap): Operation {
  return (pixels, share, sign, around) =>
    transformAffine(pixels, mapOf(sign * share, pixels), around);
}

function isOperation(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}
