import type { Box, ImageSize, Pixels } from '../resample';
import { decodePixels } from './decode';

/**
 * Decoded images that threads share, packed one after the other: a data set that fits is decoded in its
 * first epoch only. Images that do not fit are decoded each time.
 */
export interface PixelCache {
  /** Of all images, in RGB; memory is taken as they are written. */
  readonly pixels: Uint8Array<SharedArrayBuffer>;
  /** Where each image begins, −1 for those that do not fit. */
  readonly offsets: Float64Array<SharedArrayBuffer>;
  /** Width and height of each image. */
  readonly sizes: Int32Array<SharedArrayBuffer>;
  /** Of each image one of the states below. */
  readonly states: Int32Array<SharedArrayBuffer>;
}

const empty = 0;
const beingWritten = 1;
const written = 2;

const channels = 3;

/** A decoded image and the part of it that is wanted. */
export interface DecodedPart {
  readonly pixels: Pixels;
  readonly box: Box;
}

/**
 * Makes room for images, the first ones first, up to so many bytes.
 *
 * @returns undefined when there is room for none.
 */
export function pixelCache(sizes: readonly ImageSize[], mostBytes: number): PixelCache | undefined {
  let bytes = 0;
  const offsets = new Float64Array(
    new SharedArrayBuffer(sizes.length * Float64Array.BYTES_PER_ELEMENT),
  );
  sizes.forEach(({ width, height }, place) => {
    const own = width * height * channels;
    const fits = bytes + own <= mostBytes;
    offsets[place] = fits ? bytes : -1;
    if (fits) bytes += own;
  });
  if (bytes === 0) return undefined;
  const sides = sharedIntegers(2 * sizes.length);
  sides.set(sizes.flatMap(({ width, height }) => [width, height]));
  return {
    pixels: new Uint8Array(new SharedArrayBuffer(bytes)),
    offsets,
    sizes: sides,
    states: sharedIntegers(sizes.length),
  };
}

/** How many images have room, and how many bytes that is. */
export function roomOf({ pixels, offsets }: PixelCache): { images: number; bytes: number } {
  return { images: offsets.filter((offset) => offset >= 0).length, bytes: pixels.length };
}

/**
 * An image from the cache, or decoded and then kept there. What it gives is the same to the byte either
 * way.
 *
 * @param place which of the cache's images it is.
 * @param boxOf chooses the part from the size of the image.
 * @throws LabError as `decodePixels` does.
 */
export async function cachedPixels(
  cache: PixelCache | undefined,
  place: number,
  file: string,
  boxOf: (size: ImageSize) => Box = wholeOf,
): Promise<DecodedPart> {
  const offset = cache?.offsets[place] ?? -1;
  if (cache === undefined || offset < 0) {
    const pixels = await decodePixels(file, boxOf);
    return { pixels, box: wholeOf(pixels) };
  }
  const size = { width: cache.sizes[2 * place] ?? 0, height: cache.sizes[2 * place + 1] ?? 0 };
  const length = size.width * size.height * channels;
  if (Atomics.load(cache.states, place) === written) {
    const pixels = { data: cache.pixels.subarray(offset, offset + length), ...size };
    return { pixels, box: boxOf(pixels) };
  }
  const pixels = await decodePixels(file);
  // A file that has changed since it was looked at has no room.
  const asExpected = pixels.data.length === length && pixels.width === size.width;
  const mine = Atomics.compareExchange(cache.states, place, empty, beingWritten) === empty;
  if (asExpected && mine) {
    cache.pixels.set(pixels.data, offset);
    Atomics.store(cache.states, place, written);
  }
  return { pixels, box: boxOf(pixels) };
}

function wholeOf({ width, height }: ImageSize): Box {
  return { left: 0, top: 0, width, height };
}

function sharedIntegers(length: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
}
