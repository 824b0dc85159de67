import { mean, sampleStandardDeviation } from 'simple-statistics';
import type { Interval } from './bootstrap';

/** Student's t at 97.5 % for 1, 2, … 30 degrees of freedom, to three decimals. */
const quantiles = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
];

/**
 * Student's 95 % interval of the mean: mean ± t(n − 1) · s / √n, with the sample standard deviation s. It
 * holds the true mean in 95 % of cases of normal values at any n, also at two or three, where the
 * percentile bootstrap does not. Beyond 31 values the t of 31 is taken, which is a little wide.
 *
 * @returns null for fewer than two values.
 */
export function tInterval(values: readonly number[]): Interval | null {
  if (values.length < 2) return null;
  const sample = [...values];
  const t = quantiles[Math.min(values.length - 1, quantiles.length) - 1] ?? Number.NaN;
  const half = (t * sampleStandardDeviation(sample)) / Math.sqrt(values.length);
  const middle = mean(sample);
  return { low: middle - half, high: middle + half };
}
