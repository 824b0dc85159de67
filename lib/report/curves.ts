import type { Run } from '../runs/store';

/** What one run's test images gave after each epoch. */
export interface Curve {
  readonly method: string;
  readonly seed: number;
  /** In percent. */
  readonly top1: readonly number[];
  /** Mean norm of the embeddings. */
  readonly studentNorm: readonly number[];
  /** Of the teacher's embeddings; null without one. */
  readonly teacherNorm: readonly (number | null)[];
  /** Mean cosine to the teacher's mean embedding of the image's own class; null without one. */
  readonly cosine: readonly (number | null)[];
}

/** Epoch by epoch, of each run that has ended one. */
export function curvesOf(runs: readonly Run[]): Curve[] {
  return runs
    .filter(({ metrics }) => metrics.length > 0)
    .map(({ config, metrics }) => ({
      method: config.method,
      seed: config.seed,
      top1: metrics.map(({ testTop1 }) => testTop1),
      studentNorm: metrics.map(({ studentNorm }) => studentNorm),
      teacherNorm: metrics.map(({ teacherNorm }) => teacherNorm),
      cosine: metrics.map(({ cosineToClassMean }) => cosineToClassMean),
    }));
}
