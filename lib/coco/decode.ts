import sharp, { type Sharp } from 'sharp';
import { LabError } from '../errors';
import type { DecodedImage } from './data';

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Decodes an image file to 8-bit RGB and scales it to `size` (linear interpolation with antialiasing,
 * as PIL's bilinear filter, which detectron2 uses). An orientation mark is obeyed only where that gives
 * the size that the annotations tell of: boxes are in their pixels.
 *
 * @throws LabError of kind `data` when the file is damaged or has another size than `expected`.
 */
export async function decodeFile(
  path: string,
  expected: Size & { readonly id: number },
  size?: Size,
): Promise<DecodedImage> {
  try {
    const image = sharp(path, { failOn: 'error', ignoreIcc: true });
    const { width, height, orientation = 1 } = await image.metadata();
    const turned = orientation >= 5;
    const fits = width === expected.width && height === expected.height;
    const fitsTurned = turned && height === expected.width && width === expected.height;
    if (!fits && !fitsTurned) throw otherSize(path, expected, { width, height });
    const upright = fits ? image : image.autoOrient();
    return await pixelsOf(upright.flatten({ background: '#000000' }).toColourspace('srgb'), size);
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw new LabError(
      {
        kind: 'data',
        what: 'an image cannot be decoded',
        where: `${path} (image ${expected.id})`,
        found: error instanceof Error ? (error.message.trim().split('\n')[0] ?? '') : String(error),
        remedy: 'Put a whole JPEG or PNG in its place',
      },
      { cause: error },
    );
  }
}

/** An image in memory scaled to `size` as a decoded file is. */
export async function scaledImage(image: DecodedImage, size: Size): Promise<DecodedImage> {
  const { pixels, width, height } = image;
  if (size.width === width && size.height === height) return image;
  return pixelsOf(sharp(pixels, { raw: { width, height, channels: 3 } }), size);
}

async function pixelsOf(image: Sharp, size: Size | undefined): Promise<DecodedImage> {
  const scaled = size ? image.resize({ ...size, fit: 'fill', kernel: 'linear' }) : image;
  const { data, info } = await scaled.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`${info.channels} channels after decoding`);
  return { pixels: data, width: info.width, height: info.height };
}

function otherSize(path: string, expected: Size & { id: number }, found: Size): LabError {
  return new LabError({
    kind: 'data',
    what: 'an image has another size than its annotations say',
    where: `${path} (image ${expected.id})`,
    found: `${found.width} × ${found.height} instead of ${expected.width} × ${expected.height}`,
    remedy: 'Put the original image there: boxes are in its pixels',
  });
}
