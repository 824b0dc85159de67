import sharp, { type Sharp } from 'sharp';
import { resizeLikePil } from '../../data/resample';
import { faultIn, readImageFile } from '../../data/imagenet/decode';
import { dataError, LabError } from '../../errors';
import type { ImageSize } from '../boxes';
import type { CocoEntry, DecodedImage, PixelForm } from './data';

/** detectron2's pixels for its ResNets from Caffe: blue first, only the mean taken away. */
export const caffePixels: PixelForm = {
  order: 'bgr',
  mean: [103.53, 116.28, 123.675],
  std: [1, 1, 1],
};

/** torchvision's pixels: red first, mean and standard deviation of ImageNet; the R18 students' form. */
export const torchvisionPixels: PixelForm = {
  order: 'rgb',
  mean: [123.675, 116.28, 103.53],
  std: [58.395, 57.12, 57.375],
};

/**
 * The size of an image whose shorter side becomes `shortSide`, or less where the longer one would
 * exceed `longest`; rounded to the nearest as detectron2's `ResizeShortestEdge` does.
 */
export function resizedSize(
  { width, height }: ImageSize,
  shortSide: number,
  longest: number,
): ImageSize {
  const scale = shortSide / Math.min(width, height);
  let newWidth = width <= height ? shortSide : scale * width;
  let newHeight = width <= height ? scale * height : shortSide;
  const longer = Math.max(newWidth, newHeight);
  if (longer > longest) {
    newWidth *= longest / longer;
    newHeight *= longest / longer;
  }
  const rounded = (side: number): number => Math.max(1, Math.floor(side + 0.5));
  return { width: rounded(newWidth), height: rounded(newHeight) };
}

/** An image's boxes in its resized, and perhaps mirrored, form. */
export function resizedBoxes(
  { boxes, width, height }: Pick<CocoEntry, 'boxes' | 'width' | 'height'>,
  size: ImageSize,
  mirrored: boolean,
): Float32Array {
  const scaleX = size.width / width;
  const scaleY = size.height / height;
  const result = new Float32Array(boxes.length);
  for (let at = 0; at < boxes.length; at += 4) {
    const left = (boxes[at] ?? 0) * scaleX;
    const right = (boxes[at + 2] ?? 0) * scaleX;
    result[at] = mirrored ? size.width - right : left;
    result[at + 1] = (boxes[at + 1] ?? 0) * scaleY;
    result[at + 2] = mirrored ? size.width - left : right;
    result[at + 3] = (boxes[at + 3] ?? 0) * scaleY;
  }
  return result;
}

/**
 * Decodes an image file to 8-bit RGB and scales it to `size` by PIL's bilinear filter, which detectron2 uses. An orientation mark is obeyed only where that gives
 * the size that the annotations tell of: boxes are in their pixels.
 *
 * @throws LabError of kind `data` when the file is damaged or has another size than `expected`.
 */
export async function decodeFile(
  path: string,
  expected: ImageSize & { readonly id: number },
  size?: ImageSize,
): Promise<DecodedImage> {
  const fault = (found: string, cause?: unknown): LabError =>
    dataError.because(
      cause,
    )`an image cannot be decoded (${path} (image ${expected.id})): found ${found}. Put a whole JPEG or PNG in its place`;
  const { bytes } = readImageFile(path, fault);
  try {
    const image = sharp(bytes, { failOn: 'error', ignoreIcc: true });
    const { width, height, orientation = 1 } = await image.metadata();
    const turned = orientation >= 5;
    const fits = width === expected.width && height === expected.height;
    const fitsTurned = turned && height === expected.width && width === expected.height;
    if (!fits && !fitsTurned) throw otherSize(path, expected, { width, height });
    const upright = fits ? image : image.autoOrient();
    const flat = upright.flatten({ background: '#000000' }).toColourspace('srgb');
    const decoded = await pixelsOf(flat);
    return size === undefined ? decoded : scaledImage(decoded, size);
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw fault(faultIn(error), error);
  }
}

/** An image in memory scaled to `size` as a decoded file is. */
export function scaledImage(image: DecodedImage, size: ImageSize): DecodedImage {
  const { pixels: data, width, height } = image;
  if (size.width === width && size.height === height) return image;
  const scaled = resizeLikePil({ data, width, height }, size, { interpolation: 'bilinear' });
  return { pixels: scaled.data, width: scaled.width, height: scaled.height };
}

async function pixelsOf(image: Sharp): Promise<DecodedImage> {
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`${info.channels} channels after decoding`);
  return { pixels: data, width: info.width, height: info.height };
}

function otherSize(path: string, expected: ImageSize & { id: number }, found: ImageSize): LabError {
  return dataError`an image has another size than its annotations say (${path} (image ${expected.id})): found ${found.width} × ${found.height} instead of ${expected.width} × ${expected.height}. Put the original image there: boxes are in its pixels`;
}
