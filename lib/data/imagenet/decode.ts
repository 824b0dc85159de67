import { readFileSync } from 'node:fs';
// First: decoding threads are counted when sharp is loaded.
import './decoding-threads';
import sharp from 'sharp';
import { errorCode } from '../../files';
import { LabError } from '../../errors';
import type { Box, ImageSize, Pixels } from '../resample';
import { type ImageHeader, readImageHeader } from './header';

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
  boxOf: (size: ImageSize) => Box = ({ width, height }) => ({ left: 0, top: 0, width, height }),
): Promise<Pixels> {
  const bytes = readBytes(file);
  const header = readImageHeader(bytes);
  if (header === undefined || header.width === 0 || header.height === 0) {
    throw undecodable(file, bytes.length === 0 ? 'an empty file' : 'neither a JPEG nor a PNG');
  }
  const box = boxOf(header);
  try {
    return await decodeBox(bytes, header, box);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw undecodable(file, text.trim().split('\n')[0] ?? '', error);
  }
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
    await decodeBox(bytes, header, { left: 0, top: 0, ...header });
    return undefined;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).trim().split('\n')[0] ?? '';
  }
}

async function decodeBox(
  bytes: Buffer,
  { width, height, colours }: ImageHeader,
  { left, top, ...size }: Box,
): Promise<Pixels> {
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

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw undecodable(file, errorCode(error) === 'ENOENT' ? 'no such file' : String(error), error);
  }
}

function undecodable(where: string, found: string, cause?: unknown): LabError {
  return new LabError(
    {
      kind: 'data',
      what: 'an image cannot be decoded',
      where,
      found,
      remedy:
        'Put a whole JPEG or PNG in its place or remove it; --skip-corrupt leaves out what is corrupt before training begins',
    },
    { cause },
  );
}
