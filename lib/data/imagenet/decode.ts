import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { imagesAddOn } from '../../engine/images';
import { dataError, type LabError } from '../../errors';
import { readBytes } from '../../files';
import { requireWithin } from '../../limits';
import {
  type Box,
  type ImageSize,
  type Interpolation,
  type Pixels,
  resizeLikePil,
  wholeOf,
} from '../resample';

/** How many images a process decodes at once unless it is told otherwise: libuv's own number. */
const usual = 4;

// sharp decodes in libuv's threads, of which a process has four whatever the machine, unless this variable
// says otherwise when they are started. sharp starts them as soon as it is loaded.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(usual, availableParallelism()));

/** What the first bytes of an image file say about it. */
export interface ImageHeader extends ImageSize {
  readonly format: 'jpeg' | 'png';
  /** `grey` has one channel, `cmyk` four of ink, `colour` all else. */
  readonly colours: 'grey' | 'cmyk' | 'colour';
  /** EXIF's orientation, 1 (upright) to 8; 1 where there is none. */
  readonly orientation: number;
}

/** The mark that ends a JPEG. */
export const endOfJpeg = Buffer.from([0xff, 0xd9]);
const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Frame headers are C0 to CF without these: tables of codes, an extension, arithmetic conditioning. */
const notFrames: readonly number[] = [0xc4, 0xc8, 0xcc];

/**
 * Reads format, size and kind of colours from the beginning of a file, whatever its name says.
 *
 * @returns undefined when it is no JPEG or PNG, or the bytes end before the size.
 */
export function readImageHeader(bytes: Buffer): ImageHeader | undefined {
  if (bytes.length >= 26 && bytes.subarray(0, 8).equals(pngSignature)) return pngHeader(bytes);
  if (bytes.length >= 4 && bytes.readUInt16BE(0) === 0xffd8) return jpegHeader(bytes);
  return undefined;
}

function pngHeader(bytes: Buffer): ImageHeader {
  // Colour types 0 and 4 are grey, without and with transparency.
  const colours = (bytes[25] ?? 0) % 4 === 0 ? 'grey' : 'colour';
  return {
    format: 'png',
    width: bytes.readUInt32BE(16),
    height: bytes.readUInt32BE(20),
    colours,
    orientation: 1,
  };
}

/** Goes from segment to segment until the frame header, which holds the size. */
function jpegHeader(bytes: Buffer): ImageHeader | undefined {
  let orientation = 1;
  let at = 2;
  while (at + 10 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] ?? 0;
    // Any number of fill bytes may stand before a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = bytes.readUInt16BE(at + 2);
    if (length < 2) return undefined;
    if (marker >= 0xc0 && marker <= 0xcf && !notFrames.includes(marker)) {
      return {
        format: 'jpeg',
        height: bytes.readUInt16BE(at + 5),
        width: bytes.readUInt16BE(at + 7),
        colours: coloursOf(bytes[at + 9] ?? 0),
        orientation,
      };
    }
    if (marker === 0xe1) orientation = exifOrientation(bytes.subarray(at + 4, at + 2 + length));
    at += 2 + length;
  }
  return undefined;
}

function coloursOf(components: number): ImageHeader['colours'] {
  if (components === 1) return 'grey';
  return components === 4 ? 'cmyk' : 'colour';
}

/** The orientation in the first directory of an EXIF segment. */
function exifOrientation(segment: Buffer): number {
  if (segment.toString('latin1', 0, 6) !== 'Exif\0\0') return 1;
  const tiff = segment.subarray(6);
  const little = tiff.toString('latin1', 0, 2) === 'II';
  const short = (at: number): number =>
    at + 2 > tiff.length ? 0 : little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at);
  const long = (at: number): number =>
    at + 4 > tiff.length ? 0 : little ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at);
  const directory = long(4);
  const entries = short(directory);
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + 12 * entry;
    if (short(at) === 0x0112) {
      const value = short(at + 8);
      return value >= 1 && value <= 8 ? value : 1;
    }
  }
  return 1;
}

/** How an image is made ready for a network that is evaluated. */
export interface EvaluationPreprocessing {
  /** What the short side is scaled to. */
  readonly resize: number;
  /** Side of the square that is cut out of the middle. */
  readonly crop: number;
  readonly interpolation: Interpolation;
}

/**
 * The size that an image is scaled to and the part of that which is wanted, as torchvision's `Resize` and
 * `CenterCrop`: the long side is rounded down, the offset to the nearest, halves to even.
 */
export function evaluationCrop(
  { width, height }: ImageSize,
  { resize, crop }: Pick<EvaluationPreprocessing, 'resize' | 'crop'>,
): { readonly size: ImageSize; readonly window: Box } {
  const size =
    width <= height
      ? { width: resize, height: Math.trunc((resize * height) / width) }
      : { width: Math.trunc((resize * width) / height), height: resize };
  return {
    size,
    window: {
      width: crop,
      height: crop,
      left: roundHalfToEven((size.width - crop) / 2),
      top: roundHalfToEven((size.height - crop) / 2),
    },
  };
}

/** Scales a decoded image and cuts out the middle. */
export function evaluationPixels(pixels: Pixels, preprocessing: EvaluationPreprocessing): Pixels {
  const { size, window } = evaluationCrop(pixels, preprocessing);
  return resizeLikePil(pixels, size, { interpolation: preprocessing.interpolation, window });
}

function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

// A worker decodes one image at a time, in one thread.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Decodes an image file, or a part of it, as PIL's `convert('RGB')`: grey becomes three equal channels,
 * CMYK is turned into RGB by (255 − K)(255 − C)/255, transparency, colour profile and EXIF orientation are
 * passed over. The kind of file is told by its bytes, not its name. JPEGs are decoded in full resolution
 * down to the last row of the box.
 *
 * @param boxOf chooses the part from the size of the image.
 * @throws LabError of kind `data` when the file is missing, cut off or no image.
 */
export async function decodePixels(
  file: string,
  boxOf: (size: ImageSize) => Box = wholeOf,
): Promise<Pixels> {
  const { bytes, header } = readImageFile(file, (found, cause) => undecodable(file, found, cause));
  const box = boxOf(header);
  try {
    return await decodeBox(bytes, header, box);
  } catch (error) {
    throw undecodable(file, faultIn(error), error);
  }
}

/**
 * The bytes of an image file that may be decoded: a JPEG or a PNG by its first bytes, of no more pixels than the
 * limit. Other decoders would follow what a file names (SVG) or are less used to strangers.
 */
export function readImageFile(
  file: string,
  fault: (found: string, cause?: unknown) => LabError,
): { readonly bytes: Buffer; readonly header: ImageHeader } {
  const bytes = readBytes(file, fault);
  const header = readImageHeader(bytes);
  if (header === undefined || header.width === 0 || header.height === 0) {
    throw fault(bytes.length === 0 ? 'an empty file' : 'neither a JPEG nor a PNG');
  }
  requireWithin('imagePixels', header.width * header.height, file);
  return { bytes, header };
}

/**
 * Decodes bytes to the end of the image.
 *
 * @returns what is wrong with them, or undefined when nothing is.
 */
export async function findFault(bytes: Buffer): Promise<string | undefined> {
  const header = readImageHeader(bytes);
  if (header === undefined) return 'neither a JPEG nor a PNG';
  try {
    requireWithin('imagePixels', header.width * header.height, 'an image');
    await decodeBox(bytes, header, { left: 0, top: 0, ...header });
    return undefined;
  } catch (error) {
    return faultIn(error);
  }
}

/** The first line of what a decoder says; the others are about its own code. */
export function faultIn(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n')[0] ?? '';
}

async function decodeBox(
  bytes: Buffer,
  { format, width, height, colours }: ImageHeader,
  { left, top, ...size }: Box,
): Promise<Pixels> {
  // In this thread, and of what lies around the box the entropy code only. What is cut off and what the add-on finds
  // fault with sharp puts into words.
  if (format === 'jpeg' && colours !== 'cmyk' && bytes.subarray(-2).equals(endOfJpeg)) {
    const data = imagesAddOn()?.decode(bytes, left, top, size.width, size.height);
    if (data !== undefined) return { data, ...size };
  }
  const image = sharp(bytes, { failOn: 'error', ignoreIcc: true, sequentialRead: true });
  if (size.width !== width || size.height !== height) image.extract({ left, top, ...size });
  if (colours === 'cmyk') image.pipelineColourspace('cmyk').toColourspace('cmyk');
  else image.removeAlpha().toColourspace('srgb');
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const channels = colours === 'cmyk' ? 4 : 3;
  if (info.channels !== channels) throw new Error(`${info.channels} channels after decoding`);
  return {
    data: colours === 'cmyk' ? withoutInk(data) : data,
    width: info.width,
    height: info.height,
  };
}

/** CMYK to RGB. */
function withoutInk(inks: Uint8Array): Uint8Array {
  const pixels = inks.length / 4;
  const colours = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const light = 255 - (inks[4 * pixel + 3] ?? 0);
    for (let channel = 0; channel < 3; channel++) {
      const ink = inks[4 * pixel + channel] ?? 0;
      colours[3 * pixel + channel] = light - Math.round((ink * light) / 255);
    }
  }
  return colours;
}

function undecodable(where: string, found: string, cause?: unknown): LabError {
  return dataError.because(
    cause,
  )`an image cannot be decoded (${where}): found ${found}. Put a whole JPEG or PNG in its place or remove it; --skip-corrupt leaves out what is corrupt before training begins`;
}
