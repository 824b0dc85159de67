import type { DetectionRun } from '../../runs/store';
import type { Block } from '../study/document';
import { categoryTable } from './category-table';
import { curvesBlock, type NamedEvaluation } from './curves-block';

/**
 * What the detectors of a pair find, beyond their AP: precision–recall curves and AP by category of one
 * run a method, the one with the smallest seed. Nothing where no run is finished.
 *
 * @param runs the teacher’s first
 */
export function detectionBlocks(
  pair: string,
  runs: readonly DetectionRun[],
  labelOf: (method: string) => string,
): Block[] {
  const detectors = oneOfEach(runs).flatMap(({ config, evaluation }): NamedEvaluation[] =>
    evaluation === null
      ? []
      : [{ method: config.method, label: labelOf(config.method), evaluation }],
  );
  if (detectors.length === 0) return [];
  const curves = curvesBlock(pair, detectors);
  return [...(curves === null ? [] : [curves]), categoryTable(pair, detectors)];
}

/** Of each method the finished run with the smallest seed, in the order given. */
export function oneOfEach(runs: readonly DetectionRun[]): DetectionRun[] {
  const finished = runs.filter(({ evaluation }) => evaluation !== null);
  return [...new Set(finished.map(({ config }) => config.method))].flatMap((method) =>
    finished
      .filter(({ config }) => config.method === method)
      .sort((a, b) => a.config.seed - b.config.seed)
      .slice(0, 1),
  );
}
