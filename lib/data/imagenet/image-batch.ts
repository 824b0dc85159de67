import { random, type Random } from '../../engine/random';
import { normalisedBytes } from '../batches';
import { type Pixels, resizeLikePil } from '../resample';
import {
  augmentationNamed,
  type ImageAugmentation,
  mixBatch,
  randomErasing,
  randomResizedCrop,
} from './augmentation';
import { evaluationPixels, type EvaluationPreprocessing } from './decode';
import {
  cachedPixels,
  type DecodedPart,
  type EvaluationJob,
  inOrder,
  type JobResults,
  type Normalisation,
  type TrainingJob,
} from './jobs';
import { randAugment } from './rand-augment';

/**
 * Decodes, augments and normalises the images of a training job. What is drawn for an image follows from
 * (seed, epoch, its index), what is drawn for mixing from (seed, epoch, batch): the same images come of
 * it wherever and in whatever company they are made.
 */
export async function trainingImages(job: TrainingJob): Promise<JobResults['training']> {
  const { files, indices, seed, epoch, batch, size, normalisation, cache } = job;
  const placeOf = (row: number): number => indices[row] ?? -1;
  const augmentation = augmentationNamed(job.augmentation);
  const write = normaliser(normalisation);
  const images = new Float32Array(files.length * size * size * 3);
  if (augmentation === undefined) {
    const preprocessing = unaugmented(size);
    await eachDecoded(
      files,
      (file, row) => cachedPixels(cache, placeOf(row), file),
      ({ pixels }, row) =>
        write(evaluationPixels(pixels, preprocessing), imageOf(images, row, size)),
    );
    return { images };
  }
  const draws = Array.from(indices, (index) => random(seed, 'augmentation', epoch, index));
  const drawsOf = (row: number): Random => draws[row] ?? random(seed);
  await eachDecoded(
    files,
    (file, row) =>
      cachedPixels(cache, placeOf(row), file, (whole) => randomResizedCrop(whole, drawsOf(row))),
    (part, row) => {
      const target = imageOf(images, row, size);
      write(augmentedPixels(part, size, augmentation, drawsOf(row), normalisation), target);
      if (augmentation.erasing === undefined) return;
      randomErasing(target, { width: size, height: size }, drawsOf(row), augmentation.erasing);
    },
  );
  if (augmentation.mix === undefined) return { images };
  const whole = { count: files.length, width: size, height: size };
  const draw = random(seed, 'mix', epoch, batch);
  return { images, mix: mixBatch(images, whole, draw, augmentation.mix) };
}

/** Decodes files one by one, each while the one before is worked on. */
async function eachDecoded(
  files: readonly string[],
  decode: (file: string, row: number) => Promise<DecodedPart>,
  work: (part: DecodedPart, row: number) => void,
): Promise<void> {
  for await (const { part, row } of inOrder(
    files.entries(),
    async ([row, file]) => ({ part: await decode(file, row), row }),
    2,
  )) {
    work(part, row);
  }
}

/** Decodes the images of an evaluation job: scaled, the middle cut out, normalised. */
export async function evaluationImages({
  files,
  preprocessing,
  normalisation,
  cache,
  firstPlace = 0,
}: EvaluationJob): Promise<JobResults['evaluation']> {
  const { crop } = preprocessing;
  const write = normaliser(normalisation);
  const images = new Float32Array(files.length * crop * crop * 3);
  await eachDecoded(
    files,
    (file, row) => cachedPixels(cache, firstPlace + row, file),
    ({ pixels }, row) => write(evaluationPixels(pixels, preprocessing), imageOf(images, row, crop)),
  );
  return { images };
}

function augmentedPixels(
  { pixels, box }: DecodedPart,
  side: number,
  { interpolation, randAugment: options }: ImageAugmentation,
  draw: Random,
  { mean }: Normalisation,
): Pixels {
  const square = resizeLikePil(pixels, { width: side, height: side }, { interpolation, box });
  if (draw.uniform() < 0.5) flip(square);
  if (options === undefined) return square;
  const fill = [level(mean[0]), level(mean[1]), level(mean[2])] as const;
  return randAugment(square, draw, options, { interpolation, fill });
}

/** What the usual 256 and 224 are for images of another side. */
function unaugmented(side: number): EvaluationPreprocessing {
  return { resize: Math.round((side * 256) / 224), crop: side, interpolation: 'bilinear' };
}

function imageOf(images: Float32Array, row: number, side: number): Float32Array {
  return images.subarray(row * side * side * 3, (row + 1) * side * side * 3);
}

function level(mean: number): number {
  return Math.min(255, Math.round(255 * mean));
}

/** Mirrors each row, in place. */
function flip({ data, width, height }: Pixels): void {
  for (let y = 0; y < height; y++) {
    let left = y * width * 3;
    let right = left + (width - 1) * 3;
    for (; left < right; left += 3, right -= 3) {
      for (let channel = 0; channel < 3; channel++) {
        const moved = data[left + channel] ?? 0;
        data[left + channel] = data[right + channel] ?? 0;
        data[right + channel] = moved;
      }
    }
  }
}

/** `(pixel/255 − mean)/std` of every channel. */
function normaliser({ mean, std }: Normalisation): (pixels: Pixels, target: Float32Array) => void {
  const red = normalisedBytes(mean[0], std[0]);
  const green = normalisedBytes(mean[1], std[1]);
  const blue = normalisedBytes(mean[2], std[2]);
  return ({ data }, target) => {
    for (let at = 0; at < target.length; at += 3) {
      target[at] = red[data[at] ?? 0] ?? 0;
      target[at + 1] = green[data[at + 1] ?? 0] ?? 0;
      target[at + 2] = blue[data[at + 2] ?? 0] ?? 0;
    }
  };
}
