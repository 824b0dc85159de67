import type { Run } from '../results/store';
import {
  meanImprovement,
  probabilityOfImprovement,
  stratifiedBootstrap,
  type ComparisonEstimate,
  type Stratum,
} from './bootstrap';
import { baseOf } from './gain';
import { bySeed, lastTop1 } from './group';
import { place } from './paper-order';

/** A `++` method against its base over all the pairs that have runs of both. */
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
 * Compares each `++` method with its base over pairs, by stratified bootstrap over the seeds.
 *
 * @param order - the methods' order; the others follow by name
 */
export function compareOverPairs(
  runs: readonly Run[],
  order: readonly string[] = [],
): MethodComparison[] {
  const methods = [...new Set(runs.map(({ config }) => config.method))].sort(
    (a, b) => place(order, a) - place(order, b) || (a < b ? -1 : 1),
  );
  const pairs = [...new Set(runs.map(({ config }) => config.pair))].sort();
  const scores = (pair: string, method: string): Stratum => [
    ...bySeed(
      runs.filter(({ config }) => config.pair === pair && config.method === method),
      lastTop1,
    ).values(),
  ];
  return methods.flatMap((method) => {
    const base = baseOf(method);
    if (base === null) return [];
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
