import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { decodePixels } from '../data/imagenet/decode';
import { preprocessImage, preprocessingPresets } from '../data/images';
import type { Pixels } from '../data/resample';
import {
  type CaseOutcome,
  type Checker,
  compareText,
  type Mismatch,
  NotAvailable,
  readReference,
} from './compare';

const form = z.object({
  cases: z.array(
    z.object({
      file: z.string(),
      preset: z.enum(['torchvision', 'vit']),
      sourceSize: z.tuple([z.number().int(), z.number().int()]),
      blockMeans: z.array(z.number()),
    }),
  ),
});
type PreprocessCase = z.infer<typeof form>['cases'][number];

/** Side of the blocks whose means are compared. */
const block = 8;
/** Grey levels by which decoders of JPEG may differ: on average, and at most. */
const allowedMean = 0.5;
const allowedLargest = 4;

/**
 * Resizing and cropping of real images before evaluation: `preprocess.json`.
 *
 * @param images the folder with the images that it names; its cases cannot run without.
 */
export function preprocessChecker(images?: string): Checker {
  return {
    entry: 'preprocess.json',
    cases: (path) =>
      readReference(path, form).cases.map((entry) => ({
        name: `${entry.file}, ${entry.preset}`,
        run: () => check(entry, images),
      })),
  };
}

async function check(entry: PreprocessCase, images: string | undefined): Promise<CaseOutcome> {
  const { file, preset, sourceSize, blockMeans } = entry;
  if (images === undefined) throw new NotAvailable('no images; name their folder with --images');
  const path = join(images, file);
  if (!existsSync(path)) throw new NotAvailable(`no image ${path}`);
  const pixels = await decodePixels(path);
  const size = compareText(
    'size of the image',
    sourceSize.join(' × '),
    `${pixels.width} × ${pixels.height}`,
  );
  if (size.length > 0) return { mismatches: size };
  const found = meansOfBlocks(await preprocessImage(path, preprocessingPresets[preset].evaluation));
  return { mismatches: compareBlocks(blockMeans, found) };
}

/** Means of 8 × 8 pixels, in the order channel, row, column. */
function meansOfBlocks({ data, width, height }: Pixels): Float64Array {
  const across = width / block;
  const down = height / block;
  const means = new Float64Array(3 * across * down);
  data.forEach((value, at) => {
    const pixel = Math.floor(at / 3);
    const row = Math.floor(Math.floor(pixel / width) / block);
    const column = Math.floor((pixel % width) / block);
    const index = ((at % 3) * down + row) * across + column;
    means[index] = (means[index] ?? 0) + value / block ** 2;
  });
  return means;
}

function compareBlocks(expected: readonly number[], found: Float64Array): Mismatch[] {
  const number = compareText('number of blocks', expected.length, found.length);
  if (number.length > 0) return number;
  const differences = expected.map((mean, index) => Math.abs(mean - (found[index] ?? NaN)));
  const average = differences.reduce((sum, value) => sum + value, 0) / differences.length;
  const largest = differences.reduce((a, b) => Math.max(a, b), 0);
  // Written so that a difference that is not a number is one too many.
  return [
    ...(average <= allowedMean ? [] : [off('mean difference of blocks', allowedMean, average)]),
    ...(largest <= allowedLargest
      ? []
      : [off('largest difference of a block', allowedLargest, largest)]),
  ];
}

function off(quantity: string, allowed: number, found: number): Mismatch {
  return { quantity, expected: `at most ${allowed} grey levels`, found: String(found) };
}
