import { paperTable } from '../paper';

/** How far a published teacher may be from the paper's number before it is said, in points. */
const tolerance = 0.3;
/** The data set of the paper's teachers. */
const paperDataset = 'cifar100';

/** The top-1 accuracy that the paper's CIFAR-100 table prints of a teacher, in percent; null if none. */
export function paperTeacherTop1(name: string): number | null {
  const { pairs, rows } = paperTable('table1');
  const pair = pairs.find(({ teacher }) => teacher === name)?.pair;
  const row = rows.find(({ method }) => method === 'teacher');
  return pair === undefined ? null : (row?.values[pair] ?? null);
}

/**
 * What must be said of a teacher whose measured accuracy is not the paper's: a sentence, or undefined
 * where it is within 0.3 points, the paper has no number of it, or the data are others.
 */
export function teacherWarning({
  name,
  top1,
  dataset,
}: {
  readonly name: string;
  /** Percent. */
  readonly top1: number;
  readonly dataset: string;
}): string | undefined {
  const paper = paperTeacherTop1(name);
  if (paper === null || dataset !== paperDataset) return undefined;
  const difference = top1 - paper;
  // Both are printed with two decimals; the sum of their roundings shall not decide.
  if (Math.abs(difference) <= tolerance + 0.005) return undefined;
  const signed = `${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(2)}`;
  return (
    `teacher ${name} has ${top1.toFixed(2)} % here, the paper's has ${paper.toFixed(2)} % (${signed}): ` +
    'it is another teacher than the paper’s, or the data are not prepared alike'
  );
}
