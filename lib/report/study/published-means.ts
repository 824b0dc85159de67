import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { max, mean, min } from 'simple-statistics';
import { z } from 'zod';
import { readReleasedRows } from '../../distill/released-class-means';
import { fileError, type LabError } from '../../errors';

/** Norms of class means, a teacher each, as this package keeps them. */
export const publishedMeansSchema = z.array(
  z.strictObject({
    teacher: z.string(),
    classes: z.int(),
    dimension: z.int(),
    /** Mean, smallest and largest norm over the classes. */
    mean: z.number(),
    smallest: z.number(),
    largest: z.number(),
  }),
);

/** Norms of the class means of a teacher, as its authors published them. */
export type PublishedMeans = z.infer<typeof publishedMeansSchema>[number];

const remedy =
  'Name a folder of files like resnet56.json, each an object of lists of numbers by class';

/**
 * The norms of the class means in a folder's JSON files, which hold a list of numbers for each class.
 *
 * @throws LabError of kind `file` that names what cannot be read.
 */
export function readPublishedMeans(folder: string): PublishedMeans[] {
  return filesIn(folder).map((name) => {
    const means = readReleasedRows(join(folder, name));
    const norms = means.map((values) => Math.hypot(...values));
    const [first = []] = means;
    return {
      teacher: basename(name, '.json'),
      classes: means.length,
      dimension: first.length,
      mean: mean(norms),
      smallest: min(norms),
      largest: max(norms),
    };
  });
}

function filesIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
    if (names.length > 0) return names.sort();
  } catch {
    throw fault('a folder of class means cannot be read', folder, 'no such folder');
  }
  throw fault('a folder of class means holds none', folder, 'no .json file');
}

function fault(what: string, where: string, found: string): LabError {
  return fileError`${what} (${where}): found ${found}. ${remedy}`;
}
