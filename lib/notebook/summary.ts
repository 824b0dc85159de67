import { mean } from 'simple-statistics';
import { judgeTogether } from '../report/study/claims';
import { weakestScale } from '../report/verdict';
import { type BySeed, pairedDifference, summarise } from '../statistics/summary';
import { outcomeInWords } from '../statistics/verdicts';
import type { ResultRow } from './results';

/** One method on one pair of a study over its seeds, as a row of a table. */
export interface MethodRow {
  readonly study: string;
  /** Teacher first. */
  readonly pair: string;
  readonly method: string;
  readonly seeds: number;
  readonly epochs: number;
  /** Mean top-1 of the last epoch over the seeds, percent, and its sample standard deviation. */
  readonly top1: number;
  readonly std: number | null;
  /** Mean difference to the base on the same seeds, in points; null for the base itself or without it. */
  readonly gain: number | null;
  /** Student's 95 % interval of that difference; null for fewer than three seeds. */
  readonly low: number | null;
  readonly high: number | null;
  /** Mean ‖f_s‖ over the test images, and cosine to the own class mean. */
  readonly norm: number;
  readonly cosine: number | null;
}

/** Which runs are summarised. */
export interface SummaryOptions {
  /** The methods to show, in this order; all in the order of the rows unless given. */
  readonly methods?: readonly string[];
  /** The base that gains are counted over: `kd`. */
  readonly over?: string;
}

/**
 * Runs that differ only in their seed, as one row each: means over the seeds, and the gain over a base on
 * the seeds that both have, so that what a seed does to both cancels.
 */
export function summariseResults(
  rows: readonly ResultRow[],
  { methods, over }: SummaryOptions = {},
): MethodRow[] {
  return settingsOf(rows).flatMap((group) => {
    const wanted = methods ?? [...new Set(group.map(({ method }) => method))];
    return wanted.flatMap((method) => methodRow(group, method, over) ?? []);
  });
}

function methodRow(
  group: readonly ResultRow[],
  method: string,
  over: string | undefined,
): MethodRow | null {
  const own = group.filter((row) => row.method === method);
  const [first] = own;
  const top1 = summarise(top1BySeed(own));
  if (first === undefined || top1 === null) return null;
  const base = group.filter((row) => row.method === over && over !== method);
  const difference = pairedDifference(top1BySeed(own), top1BySeed(base));
  const cosines = own.flatMap(({ cosine }) => cosine ?? []);
  return {
    study: first.study,
    pair: first.pair,
    method,
    seeds: own.length,
    epochs: first.epochs,
    top1: top1.mean,
    std: top1.std,
    gain: difference?.mean ?? null,
    low: difference?.interval?.low ?? null,
    high: difference?.interval?.high ?? null,
    norm: mean(own.map(({ norm }) => norm)),
    cosine: cosines.length === 0 ? null : mean(cosines),
  };
}

function top1BySeed(rows: readonly ResultRow[]): BySeed {
  return new Map(rows.map(({ seed, top1 }) => [seed, top1]));
}

/** A claim that one method is above another, beside what the runs of one pair say, as a row of a table. */
export interface ClaimRow {
  readonly study: string;
  readonly pair: string;
  readonly epochs: number;
  readonly claim: string;
  readonly seeds: number;
  /** Mean of better − worse on the same seeds, in points; null where they share none. */
  readonly difference: number | null;
  /** Student's 95 % interval of it; null for fewer than three seeds. */
  readonly low: number | null;
  readonly high: number | null;
  /** Of the paired t-test, adjusted by Holm for the claims of the same runs. */
  readonly p: number | null;
  /** `reproduced`, `contradicted` or `inconclusive` with its scale, as `reproduced (toy)`; or `not run`. */
  readonly verdict: string;
}

/** The verdicts on claims about the top-1 after the last epoch, for each pair that has one of their methods. */
export function judgeClaims(
  rows: readonly ResultRow[],
  claims: readonly { statement: string; better: string; worse: string }[],
): ClaimRow[] {
  return settingsOf(rows).flatMap((group) => {
    const [first] = group;
    const named = new Set(claims.flatMap(({ better, worse }) => [better, worse]));
    if (first === undefined || !group.some(({ method }) => named.has(method))) return [];
    const values = (method: string): BySeed =>
      top1BySeed(group.filter((row) => row.method === method));
    const scale = weakestScale(group.map((row) => row.scale));
    const judged = judgeTogether(
      claims.map(({ statement, better, worse }) => ({
        statement,
        difference: pairedDifference(values(better), values(worse)),
      })),
    );
    return judged.map(({ statement, difference, p, outcome }) => ({
      study: first.study,
      pair: first.pair,
      epochs: first.epochs,
      claim: statement,
      seeds: difference?.n ?? 0,
      difference: difference?.mean ?? null,
      low: difference?.interval?.low ?? null,
      high: difference?.interval?.high ?? null,
      p,
      verdict: outcomeInWords(outcome, scale),
    }));
  });
}

interface Setting {
  readonly study: string;
  readonly pair: string;
  readonly epochs: number;
}

/** Rows of one setting, without what its caption says of all of them. */
export interface SettingRows<Row extends Setting> {
  /** `table1-short-cifar100: resnet20 → resnet8, 3 epochs` */
  readonly caption: string;
  readonly rows: readonly Omit<Row, keyof Setting>[];
}

/** Rows in one table for each study, pair and length. */
export function bySetting<Row extends Setting>(rows: readonly Row[]): SettingRows<Row>[] {
  return settingsOf(rows).flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { study, pair, epochs } = first;
    const caption = `${study}: ${pair.replace(':', ' → ')}, ${String(epochs)} epochs`;
    return [{ caption, rows: group.map(({ study: _s, pair: _p, epochs: _e, ...rest }) => rest) }];
  });
}

/** Rows that may be averaged or compared: one study, pair and length. */
function settingsOf<Row extends Setting>(rows: readonly Row[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.study, row.pair, row.epochs]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}
