import sharp from 'sharp';
import { dataError, type LabError, optionError, unknownName } from '../errors';
import {
  decodePixels,
  evaluationPixels,
  type EvaluationPreprocessing,
  faultIn,
  readImageFile,
} from './imagenet/decode';
import { imagenetNormalisation, type Normalisation } from './imagenet/jobs';
import type { ImageSize, Pixels } from './resample';

/**
 * Refuses another image size for a data set that has only one.
 *
 * @throws LabError of kind `option`.
 */
export function requireFixedSize(
  name: string,
  { width, height }: ImageSize,
  imageSize: number | undefined,
): void {
  if (imageSize === undefined || (imageSize === width && imageSize === height)) return;
  throw optionError`'${name}' has images of ${width}×${height} only (image size): found ${String(imageSize)}. Leave the image size out; only folder:PATH can be resized`;
}

/**
 * Decodes an image file to `size × size × 3` bytes: grey, CMYK and 16-bit images become 8-bit RGB,
 * transparent parts black; the short side is scaled to `size` and the middle cut out, as torchvision does on
 * PIL's image (bilinear). An embedded orientation or colour profile is not applied, as PIL does not.
 *
 * @throws LabError of kind `data` when the file is damaged, cut off or not an image.
 */
export async function decodeImage(path: string, size: number): Promise<Uint8Array> {
  const fault = (found: string, cause?: unknown): LabError =>
    dataError.because(
      cause,
    )`an image cannot be decoded (${path}): found ${found}. Remove the file or put a whole JPEG or PNG in its place`;
  const { bytes } = readImageFile(path, fault);
  try {
    const { data, info } = await sharp(bytes, { failOn: 'error', ignoreIcc: true })
      .flatten({ background: '#000000' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels after decoding`);
    const whole = { data, width: info.width, height: info.height };
    return evaluationPixels(whole, { resize: size, crop: size, interpolation: 'bilinear' }).data;
  } catch (error) {
    throw fault(faultIn(error), error);
  }
}

/** How an image becomes what a model sees in evaluation; `imageFolderSource` takes both parts. */
export interface Preprocessing {
  readonly evaluation: EvaluationPreprocessing;
  readonly normalisation: Normalisation;
}

const halves: Normalisation = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
/** timm keeps 9/10 of the side for its vision transformers: ⌊224 / 0.9⌋ = 248. */
const bicubic248 = { resize: 248, crop: 224, interpolation: 'bicubic' } as const;

/** torchvision's first weights (`IMAGENET1K_V1`), and the published students. */
const torchvision: Preprocessing = {
  evaluation: { resize: 256, crop: 224, interpolation: 'bilinear' },
  normalisation: imagenetNormalisation,
};
const visionTransformer: Preprocessing = { evaluation: bicubic248, normalisation: halves };
const deit: Preprocessing = { evaluation: bicubic248, normalisation: imagenetNormalisation };
/** timm keeps 7/8 of the side for RegNets, DeiT's teacher among them. */
const regNet: Preprocessing = {
  evaluation: { resize: 256, crop: 224, interpolation: 'bicubic' },
  normalisation: imagenetNormalisation,
};

/** By the names of the models: what torchvision and timm publish with the weights. */
const byModel: Readonly<Record<string, Preprocessing>> = {
  resnet18: torchvision,
  resnet34: torchvision,
  resnet50: torchvision,
  resnet101: torchvision,
  resnet152: torchvision,
  resnet18_half: torchvision,
  resnet34_half: torchvision,
  mobilenet_v1: torchvision,
  vit_tiny_patch16_224: visionTransformer,
  vit_small_patch16_224: visionTransformer,
  vit_base_patch16_224: visionTransformer,
  deit_tiny_distilled_patch16_224: deit,
  deit_small_distilled_patch16_224: deit,
  deit_base_distilled_patch16_224: deit,
  regnety_002: regNet,
  regnety_160: regNet,
};

/** Evaluation as the reference values name it. */
export const preprocessingPresets = { torchvision, vit: visionTransformer } as const;

/**
 * The preprocessing that a published model of ImageNet was evaluated with.
 *
 * @param crop another side of the input; the short side then keeps its proportion to it.
 * @throws LabError of kind `option` for a model that has none, or a side that cannot be.
 */
export function preprocessingOf(model: string, crop?: number): Preprocessing {
  const known = Object.hasOwn(byModel, model) ? byModel[model] : undefined;
  if (known === undefined) {
    throw unknownName('model with published preprocessing', model, Object.keys(byModel));
  }
  const { evaluation, normalisation } = known;
  if (crop === undefined || crop === evaluation.crop) return known;
  if (!Number.isInteger(crop) || crop < 1) {
    throw optionError`the side of the input is not a whole number of at least 1 (${model}): found ${String(crop)}. Give a size such as 64 or 224`;
  }
  const resize = Math.floor((evaluation.resize * crop) / evaluation.crop);
  return { evaluation: { ...evaluation, crop, resize }, normalisation };
}

/**
 * Decodes an image, scales its short side and cuts out the middle, as torchvision's `Resize` and
 * `CenterCrop` do on PIL's image: bytes, not yet normalised.
 *
 * @throws LabError of kind `data` when the file cannot be decoded.
 */
export async function preprocessImage(
  file: string,
  preprocessing: EvaluationPreprocessing,
): Promise<Pixels> {
  return evaluationPixels(await decodePixels(file), preprocessing);
}
