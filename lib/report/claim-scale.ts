import type { RunConfig } from '../runs/schema';
import { paperTable } from '../paper';
import { type ClaimScale, hasConverged } from '../statistics/verdicts';

/** From the strongest to the weakest. */
const order: readonly ClaimScale[] = ['full', 'reduced', 'toy'];

/**
 * The scale of verdicts on claims: `full` on one of the paper's data sets with its schedule and batch,
 * `reduced` on one of them when every run has converged, else `toy`.
 *
 * @param curves - top-1 after each epoch, of each run behind the claims
 */
export function claimScaleOf(
  {
    dataset,
    scale,
    epochs,
    batchSize,
  }: Pick<RunConfig, 'dataset' | 'scale' | 'epochs' | 'batchSize'>,
  curves: readonly (readonly number[])[],
): ClaimScale {
  const paper = (['table1', 'table2'] as const)
    .map((name) => paperTable(name).setting)
    .find((setting) => setting.dataset === dataset);
  if (paper === undefined) return 'toy';
  if (scale === 'paper' && epochs === paper.epochs && batchSize === paper.batchSize) return 'full';
  return curves.length > 0 && curves.every(hasConverged) ? 'reduced' : 'toy';
}

/** The scale of a claim on runs of several scales. */
export function weakestScale(scales: readonly ClaimScale[]): ClaimScale {
  return order.filter((scale) => scales.includes(scale)).at(-1) ?? 'toy';
}
