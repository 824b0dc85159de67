import type { ImageSize } from '../resample';

/** What the first bytes of an image file say about it. */
export interface ImageHeader extends ImageSize {
  readonly format: 'jpeg' | 'png';
  /** `grey` has one channel, `cmyk` four of ink, `colour` all else. */
  readonly colours: 'grey' | 'cmyk' | 'colour';
  /** EXIF's orientation, 1 (upright) to 8; 1 where there is none. */
  readonly orientation: number;
}

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
