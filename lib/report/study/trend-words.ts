import { plain } from '../words';
import type { Trend } from '../../statistics/trend';

/** How clear a rise over sizes is when size is drawn by lot. */
export function permutationWords({ rank, permutation, sizes }: Trend): string {
  return `rank correlation ${plain(rank)}, and ${share(permutation)} of all orders of ${String(sizes)} sizes rise as steeply`;
}

/** `4.2 %`. */
export function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}
