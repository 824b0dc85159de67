import { z } from 'zod';
import { LabError } from '../../errors';
import { readSafetensors, writeSafetensors } from '../../formats/safetensors';

/** A teacher's class means, and what they were gathered over. */
export interface StoredClassMeans {
  /** [(classes + 1) · embeddingSize], background last. */
  readonly means: Float32Array;
  /** Regions of each class that were seen. */
  readonly counts: Int32Array;
  readonly teacherHash: string;
  readonly datasetHash: string;
  readonly iterations: number;
}

const metadataSchema = z.object({
  kind: z.literal('class means of a detector'),
  teacherHash: z.string(),
  datasetHash: z.string(),
  iterations: z.coerce.number(),
});

/** Writes class means with the hashes of their teacher and data set (safetensors). */
export function writeDetectorClassMeans(path: string, stored: StoredClassMeans): void {
  const { means, counts, teacherHash, datasetHash, iterations } = stored;
  const classes = counts.length;
  writeSafetensors(
    path,
    new Map([
      ['means', { shape: [classes, means.length / classes], data: means }],
      ['counts', { shape: [classes], data: Float32Array.from(counts) }],
    ]),
    {
      kind: 'class means of a detector',
      teacherHash,
      datasetHash,
      iterations: String(iterations),
    },
  );
}

/**
 * Reads what `writeDetectorClassMeans` wrote.
 *
 * @throws LabError of kind `file` when it is missing, broken, another kind of file, or of another teacher,
 * data set or number of iterations than `expected`.
 */
export function readDetectorClassMeans(
  path: string,
  expected: Pick<StoredClassMeans, 'teacherHash' | 'datasetHash' | 'iterations'>,
): StoredClassMeans {
  const { tensors, metadata } = readSafetensors(path);
  const parsed = metadataSchema.safeParse(metadata);
  const means = tensors.get('means')?.data;
  const counts = tensors.get('counts')?.data;
  const fault = (what: string, found: string): LabError =>
    new LabError({
      kind: 'file',
      what,
      where: path,
      found,
      remedy: 'Delete the file: it is made anew',
    });
  if (!parsed.success || !means || !counts) {
    throw fault('not class means of a detector', 'another kind of file');
  }
  const { teacherHash, datasetHash, iterations } = parsed.data;
  for (const [name, value, wanted] of [
    ['teacher', teacherHash, expected.teacherHash],
    ['data set', datasetHash, expected.datasetHash],
    ['number of iterations', iterations, expected.iterations],
  ] as const) {
    if (value !== wanted) throw fault(`class means of another ${name}`, String(value).slice(0, 12));
  }
  return {
    means: Float32Array.from(means),
    counts: Int32Array.from(counts),
    teacherHash,
    datasetHash,
    iterations,
  };
}
