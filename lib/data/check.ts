import { dataDirectory } from './directory';
import type { OnDataProgress } from './progress';
import { findSource } from './registry';
import type { DatasetVerification } from './source';

/** What `checkDataset` found out; the counts are absent for things that are no data set. */
export interface DatasetReport extends DatasetVerification {
  readonly name: string;
  readonly images?: {
    readonly train: number;
    readonly test: number;
    readonly classes: number;
    readonly height: number;
    readonly width: number;
    readonly mean: readonly number[];
    readonly std: readonly number[];
    /** The fewest and the most training images of a class. */
    readonly perClass: readonly [number, number];
    readonly hash: string;
  };
}

/**
 * Loads a data set completely, checks every size and label, and compares it with the official files
 * where their checksums are known.
 *
 * @throws LabError at the first fault.
 */
export async function checkDataset(
  name: string,
  {
    dataDir,
    imageSize,
    onProgress,
  }: {
    dataDir?: string | undefined;
    imageSize?: number | undefined;
    onProgress?: OnDataProgress | undefined;
  } = {},
): Promise<DatasetReport> {
  const source = findSource(name);
  const directory = dataDirectory(dataDir);
  const dataset = await source.load?.({ dataDir: directory, imageSize, onProgress });
  const verification = await source.verify(directory);
  if (dataset === undefined) return { name, ...verification };

  const { train, test, classes, height, width, mean, std, hash } = dataset;
  const perClass = new Int32Array(classes.length);
  for (const label of train.labels) perClass[label] = (perClass[label] ?? 0) + 1;
  return {
    name,
    ...verification,
    images: {
      train: train.count,
      test: test.count,
      classes: classes.length,
      height,
      width,
      mean,
      std,
      perClass: [Math.min(...perClass), Math.max(...perClass)],
      hash,
    },
  };
}
