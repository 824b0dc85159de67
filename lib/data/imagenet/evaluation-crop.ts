import {
  type Box,
  type ImageSize,
  type Interpolation,
  type Pixels,
  resizeLikePil,
} from '../resample';

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
