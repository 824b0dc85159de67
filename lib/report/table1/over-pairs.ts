import { bySeed, lastTop1 } from '../../runs/measures';
import type { Run } from '../../runs/store';
import { adjustedPs, type BySeed, summarise, type Summary } from '../../statistics/summary';
import { basesOf, inRowOrder } from '../methods';

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
  const scores = (pair: string, method: string): BySeed =>
    bySeed(
      runs.filter(({ config }) => config.pair === pair && config.method === method),
      lastTop1,
    );
  const couples = methods.flatMap((method) => basesOf(method).map((base) => ({ method, base })));
  const compared = couples.flatMap(({ method, base }): Omit<MethodComparison, 'p'>[] => {
    const shared = pairs
      .map((pair) => ({ pair, first: scores(pair, method), second: scores(pair, base) }))
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
  const ps = adjustedPs(compared.map(({ gain }) => gain));
  return compared.map((comparison, index) => ({ ...comparison, p: ps[index] ?? null }));
}

function differencesOf(first: BySeed, second: BySeed): Map<number, number> {
  return new Map(
    [...first].flatMap(([seed, value]) => {
      const other = second.get(seed);
      return other === undefined ? [] : [[seed, value - other] as const];
    }),
  );
}

/** Of each seed that all the pairs have. */
function meanOverPairs(differences: readonly BySeed[]): BySeed {
  const [first = new Map<number, number>()] = differences;
  return new Map(
    [...first.keys()].flatMap((seed) => {
      const values = differences.flatMap((ofPair) => ofPair.get(seed) ?? []);
      return values.length < differences.length
        ? []
        : [[seed, total(values) / values.length] as const];
    }),
  );
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
