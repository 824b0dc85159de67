import type { Interval, Summary } from '../statistics/summary';

/** What stands where there is no number. */
export const none = '–';

/** With two decimals. */
export function toFixed2(value: number): string {
  return value.toFixed(2);
}

/** With a sign and two decimals; a true minus. */
export function toSigned2(value: number): string {
  const digits = Math.abs(value).toFixed(2);
  if (digits === '0.00') return digits;
  return `${value > 0 ? '+' : '−'}${digits}`;
}

/** `4.2 %` of a share. */
export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Two ends of an interval, or a dash. */
export function formatInterval(
  interval: Interval | null,
  format: (value: number) => string,
): string {
  return interval === null ? none : `${format(interval.low)} … ${format(interval.high)}`;
}

/** `71.23 ± 0.31 (3)`: mean, standard deviation, number of runs; a dash without any. */
export function formatSummary(summary: Summary | null, format: (value: number) => string): string {
  if (summary === null) return none;
  const { mean, std, n } = summary;
  return `${format(mean)}${std === null ? '' : ` ± ${std.toFixed(2)}`} (${String(n)})`;
}

/** The mean alone, or a dash. */
export function formatMean(summary: Summary | null): string {
  return summary === null ? none : toFixed2(summary.mean);
}

/** `0.023`, `< 0.001`; a dash where there is none. */
export function formatP(p: number | null): string {
  if (p === null) return none;
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

/** `Not run: KD; DKD.`; nothing without anything to list. */
export function listed(what: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`${what}: ${items.join('; ')}.`];
}

/** `1 run`, `2 runs`. */
export function count(n: number, noun: string): string {
  return `${String(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** With a capital first letter, as a sentence begins. */
export function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
