import type { Run } from '../runs/store';
import {
  meanImprovement,
  probabilityOfImprovement,
  stratifiedBootstrap,
  type ComparisonEstimate,
  type Stratum,
} from '../statistics/bootstrap';
import { bySeed, lastTop1 } from '../runs/measures';
import { basesOf, inRowOrder } from './methods';

/** A `++` method against one of its bases over all the pairs that have runs of both. */
export interface MethodComparison {
  readonly method: string;
  readonly base: string;
  readonly pairs: readonly string[];
  /** Finished runs of the method and of its base. */
  readonly runs: number;
  readonly baseRuns: number;
  /** The probability that a run of the method beats one of the base, with its 95 % interval. */
  readonly probability: ComparisonEstimate;
  /** The mean gain in points of top-1 over the pairs, with its 95 % interval. */
  readonly gain: ComparisonEstimate;
}

/**
 * Compares each `++` method with both its bases (its recipe with ND 0, and the base's published
 * recipe) over the pairs that have them, by stratified bootstrap over the seeds.
 */
export function compareOverPairs(runs: readonly Run[]): MethodComparison[] {
  const methods = inRowOrder(runs.map(({ config }) => config.method));
  const pairs = [...new Set(runs.map(({ config }) => config.pair))].sort();
  const scores = (pair: string, method: string): Stratum => [
    ...bySeed(
      runs.filter(({ config }) => config.pair === pair && config.method === method),
      lastTop1,
    ).values(),
  ];
  const couples = methods.flatMap((method) => basesOf(method).map((base) => ({ method, base })));
  return couples.flatMap(({ method, base }) => {
    const shared = pairs.filter(
      (pair) => scores(pair, method).length > 0 && scores(pair, base).length > 0,
    );
    if (shared.length === 0) return [];
    const first = shared.map((pair) => scores(pair, method));
    const second = shared.map((pair) => scores(pair, base));
    return [
      {
        method,
        base,
        pairs: shared,
        runs: first.flat().length,
        baseRuns: second.flat().length,
        probability: stratifiedBootstrap(first, second, probabilityOfImprovement),
        gain: stratifiedBootstrap(first, second, meanImprovement),
      },
    ];
  });
}
