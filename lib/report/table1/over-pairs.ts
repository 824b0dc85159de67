import { top1BySeed } from '../../runs/measures';
import type { Run } from '../../runs/store';
import {
  type BySeed,
  differencesOf,
  summarise,
  type Summary,
  withAdjustedPs,
} from '../../statistics/summary';
import { comparableTo } from '../group';
import { basesOf, inRowOrder, isPublished } from '../methods';

/** A `++` method against one of its bases over all the pairs that have runs of both. */
export interface MethodComparison {
  readonly method: string;
  readonly base: string;
  readonly pairs: readonly string[];
  /** Finished runs of the method and of its base. */
  readonly runs: number;
  readonly baseRuns: number;
  /** Couples of runs on one pair with equal seeds, and how many of them the `++` run won. */
  readonly couples: number;
  readonly won: number;
  /**
   * The gain in points of top-1: of each seed that all the pairs have, the mean over the pairs of the
   * difference on it; null where they share no seed.
   */
  readonly gain: Summary | null;
  /** Of the paired t-test, adjusted by Holm for all these comparisons; null for fewer than three seeds. */
  readonly p: number | null;
}

/**
 * Compares each `++` method with both its bases (its recipe with ND 0, and the base's published
 * recipe) over the pairs that have them, seed by seed.
 */
export function compareOverPairs(runs: readonly Run[]): MethodComparison[] {
  const methods = inRowOrder(runs.map(({ config }) => config.method));
  const pairs = [...new Set(runs.map(({ config }) => config.pair))].sort();
  const couples = methods.flatMap((method) => basesOf(method).map((base) => ({ method, base })));
  const compared = couples.flatMap(({ method, base }): Omit<MethodComparison, 'p'>[] => {
    const shared = pairs
      .map((pair) => {
        const own = runs.filter(({ config }) => config.pair === pair);
        const better = own.filter(({ config }) => config.method === method);
        // A published recipe is another one by its nature.
        const among = isPublished(base) ? own : comparableTo(better, own);
        return { pair, first: top1BySeed(own, method), second: top1BySeed(among, base) };
      })
      .filter(({ first, second }) => first.size > 0 && second.size > 0);
    if (shared.length === 0) return [];
    const differences = shared.map(({ first, second }) => differencesOf(first, second));
    const all = differences.flatMap((ofPair) => [...ofPair.values()]);
    return [
      {
        method,
        base,
        pairs: shared.map(({ pair }) => pair),
        runs: total(shared.map(({ first }) => first.size)),
        baseRuns: total(shared.map(({ second }) => second.size)),
        couples: all.length,
        won: all.filter((difference) => difference > 0).length,
        gain: summarise(meanOverPairs(differences)),
      },
    ];
  });
  return withAdjustedPs(compared, ({ gain }) => gain);
}

/** Of each seed that all the pairs have. */
function meanOverPairs(differences: readonly BySeed[]): BySeed {
  const means = new Map<number, number>();
  for (const seed of differences[0]?.keys() ?? []) {
    const values = differences.flatMap((ofPair) => ofPair.get(seed) ?? []);
    if (values.length === differences.length) means.set(seed, total(values) / values.length);
  }
  return means;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
