import { imagesAddOn } from '../engine/images';
import { dataError } from '../errors';

/** A decoded image: `height × width × 3` bytes, row-major, RGB. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** A rectangle of whole pixels. */
export interface Box extends ImageSize {
  readonly left: number;
  readonly top: number;
}

export type Interpolation = 'bilinear' | 'bicubic';

interface ResizeOptions {
  readonly interpolation: Interpolation;
  /** Part of the input that is cut out before it is scaled, as torchvision's `resized_crop`; all by default. */
  readonly box?: Box;
  /** Part of the result that is wanted, as a crop after scaling; only that is computed. All by default. */
  readonly window?: Box;
}

const channels = 3;
/** Fractional bits of a coefficient: 8 bits of a pixel, 2 bits of headroom and this make 32. */
const precision = 22;
const half = 1 << (precision - 1);

/**
 * Scales an image as PIL's `Image.resize` does: each axis by itself, across then down, with a kernel that
 * widens when the image shrinks (antialiasing), coefficients in fixed point and 8 bits in between; equal to
 * PIL to the bit.
 *
 * @param size of the whole result; with `window` only that part of it is returned.
 * @returns a new image; also where nothing changes.
 * @throws LabError of kind `data` when sizes, box or window do not fit.
 */
export function resizeLikePil(
  pixels: Pixels,
  size: ImageSize,
  { interpolation, box = wholeOf(pixels), window = wholeOf(size) }: ResizeOptions,
): Pixels {
  requireInside('the box', box, pixels);
  requireInside('the window', window, size);
  const rows = kernelOf(box.height, size.height, interpolation);
  const columns = kernelOf(box.width, size.width, interpolation);
  const native = imagesAddOn();
  if (native !== undefined) {
    const data = native.scale(
      pixels.data,
      Int32Array.of(
        ...[pixels.width, box.left, box.top, columns.step, rows.step],
        ...[window.left, window.top, window.width, window.height],
      ),
      columns.numbers,
      rows.numbers,
    );
    return { data, width: window.width, height: window.height };
  }
  // Only the rows that the window's own rows are made of.
  const firstRow = firstTap(rows, window.top);
  const lastRow = lastTap(rows, window.top + window.height - 1);
  const across = resizeAcross(
    pixels,
    { ...box, top: box.top + firstRow, height: lastRow - firstRow + 1 },
    columns,
    window,
  );
  return {
    data: resizeDown(across, rows, { first: firstRow, window }),
    width: window.width,
    height: window.height,
  };
}

/** All of an image. */
export function wholeOf({ width, height }: ImageSize): Box {
  return { left: 0, top: 0, width, height };
}

/** Of each output, `step` numbers apart: the first input that counts, how many do, and their fixed-point weights. */
interface Kernel {
  readonly numbers: Int32Array;
  readonly step: number;
}

const kernels = new Map<string, Kernel>();
const keptKernels = 1024;

/** Cached: images of a data set come in few sizes, random crops again and again in the same ones. */
function kernelOf(inputs: number, outputs: number, interpolation: Interpolation): Kernel {
  const key = `${interpolation} ${inputs} ${outputs}`;
  const known = kernels.get(key);
  if (known !== undefined) return known;
  const made = makeKernel(inputs, outputs, interpolation);
  if (kernels.size >= keptKernels) kernels.clear();
  kernels.set(key, made);
  return made;
}

const filters: Readonly<
  Record<Interpolation, { readonly support: number; readonly weight: (x: number) => number }>
> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
};

/** Keys' kernel with a = −1/2. */
function cubic(x: number): number {
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

function makeKernel(inputs: number, outputs: number, interpolation: Interpolation): Kernel {
  const { support, weight } = filters[interpolation];
  const scale = inputs / outputs;
  const widening = Math.max(1, scale);
  const reach = support * widening;
  const step = 2 + 2 * Math.ceil(reach) + 1;
  const numbers = new Int32Array(outputs * step);
  for (let output = 0; output < outputs; output++) {
    const centre = (output + 0.5) * scale;
    const from = Math.max(0, Math.trunc(centre - reach + 0.5));
    const to = Math.min(inputs, Math.trunc(centre + reach + 0.5));
    const exact = Array.from({ length: to - from }, (_, tap) =>
      weight((from + tap - centre + 0.5) * (1 / widening)),
    );
    const sum = exact.reduce((total, value) => total + value, 0);
    const fixed = exact.map((value) => {
      const scaled = (sum === 0 ? value : value * (1 / sum)) * 2 ** precision;
      return Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
    });
    numbers.set([from, fixed.length, ...fixed], output * step);
  }
  return { numbers, step };
}

function firstTap({ numbers, step }: Kernel, output: number): number {
  return numbers[output * step] ?? 0;
}

function lastTap({ numbers, step }: Kernel, output: number): number {
  return (numbers[output * step] ?? 0) + (numbers[output * step + 1] ?? 1) - 1;
}

let scratchBytes = new Uint8Array(0);
let scratchSums = new Int32Array(0);

/** Kept for what no caller sees: memory that is new for each image costs more than the sums in it. */
function scratchOf(bytes: number): Uint8Array {
  if (scratchBytes.length < bytes) scratchBytes = new Uint8Array(bytes);
  return scratchBytes;
}

/** The box's rows scaled across, of which the window's columns are computed, in memory that the next call takes. */
function resizeAcross(
  { data, width: rowPixels }: Pixels,
  box: Box,
  { numbers, step }: Kernel,
  window: Box,
): Pixels {
  const { left, width } = window;
  const result = scratchOf(box.height * width * channels);
  let to = 0;
  for (let row = 0; row < box.height; row++) {
    const start = ((box.top + row) * rowPixels + box.left) * channels;
    for (let column = left; column < left + width; column++) {
      let red = half;
      let green = half;
      let blue = half;
      const begin = column * step + 2;
      const end = begin + (numbers[begin - 1] ?? 0);
      let from = start + (numbers[begin - 2] ?? 0) * channels;
      let tap = begin;
      for (; tap + 1 < end; tap += 2) {
        const here = numbers[tap] ?? 0;
        const next = numbers[tap + 1] ?? 0;
        red = (red + Math.imul(data[from] ?? 0, here) + Math.imul(data[from + 3] ?? 0, next)) | 0;
        green =
          (green + Math.imul(data[from + 1] ?? 0, here) + Math.imul(data[from + 4] ?? 0, next)) | 0;
        blue =
          (blue + Math.imul(data[from + 2] ?? 0, here) + Math.imul(data[from + 5] ?? 0, next)) | 0;
        from += 6;
      }
      if (tap < end) {
        const last = numbers[tap] ?? 0;
        red = (red + Math.imul(data[from] ?? 0, last)) | 0;
        green = (green + Math.imul(data[from + 1] ?? 0, last)) | 0;
        blue = (blue + Math.imul(data[from + 2] ?? 0, last)) | 0;
      }
      result[to] = toByte(red);
      result[to + 1] = toByte(green);
      result[to + 2] = toByte(blue);
      to += channels;
    }
  }
  return { data: result, width, height: box.height };
}

/** Rows, the first of which is row `first` of the input, scaled down the columns. */
function resizeDown(
  { data, width }: Pixels,
  kernel: Kernel,
  { first, window }: { first: number; window: Box },
): Uint8Array {
  const rowBytes = width * channels;
  const result = new Uint8Array(window.height * rowBytes);
  if (scratchSums.length < rowBytes) scratchSums = new Int32Array(rowBytes);
  const sums = scratchSums.subarray(0, rowBytes);
  for (let row = 0; row < window.height; row++) {
    const output = window.top + row;
    let from = (firstTap(kernel, output) - first) * rowBytes;
    const begin = output * kernel.step + 2;
    const end = begin + (kernel.numbers[begin - 1] ?? 0);
    sums.fill(half);
    // Two rows at once: the sums are read and written half as often.
    let tap = begin;
    for (; tap + 1 < end; tap += 2) {
      const upper = kernel.numbers[tap] ?? 0;
      const lower = kernel.numbers[tap + 1] ?? 0;
      const next = from + rowBytes;
      for (let index = 0; index < rowBytes; index++) {
        sums[index] =
          ((sums[index] ?? 0) +
            Math.imul(data[from + index] ?? 0, upper) +
            Math.imul(data[next + index] ?? 0, lower)) |
          0;
      }
      from = next + rowBytes;
    }
    if (tap < end) {
      const last = kernel.numbers[tap] ?? 0;
      for (let at = 0; at < rowBytes; at++) {
        sums[at] = ((sums[at] ?? 0) + Math.imul(data[from + at] ?? 0, last)) | 0;
      }
    }
    const to = row * rowBytes;
    for (let place = 0; place < rowBytes; place++) result[to + place] = toByte(sums[place] ?? 0);
  }
  return result;
}

function toByte(fixed: number): number {
  const value = fixed >> precision;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function requireInside(what: string, box: Box, { width, height }: ImageSize): void {
  const { left, top } = box;
  const whole = [left, top, box.width, box.height, width, height].every(Number.isInteger);
  const fits = left >= 0 && top >= 0 && left + box.width <= width && top + box.height <= height;
  if (whole && fits && box.width >= 1 && box.height >= 1) return;
  throw dataError`${what} does not lie in the image: found ${box.width} × ${box.height} at (${left}, ${top}) of ${width} × ${height}. Give whole pixels inside it, and at least one each way`;
}
