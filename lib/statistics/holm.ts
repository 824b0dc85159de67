import { pValue, type Summary } from './summary';

/** Below it a difference counts as shown. */
export const significance = 0.05;

/**
 * p values adjusted for being several (Holm 1979): the smallest of m times m, the next times m − 1, …, none
 * smaller than one before it or above 1. That any true null hypothesis among them comes below 0.05 happens
 * in at most 5 % of cases. Those that are null are no comparisons and stay so.
 */
export function holm(pValues: readonly (number | null)[]): (number | null)[] {
  const ranked = pValues
    .flatMap((p, place) => (p === null ? [] : [{ p, place }]))
    .sort((a, b) => a.p - b.p);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let largest = 0;
  ranked.forEach(({ p, place }, rank) => {
    largest = Math.max(largest, Math.min(1, p * (ranked.length - rank)));
    adjusted[place] = largest;
  });
  return adjusted;
}

/** The adjusted p values of the differences that one table compares with 0. */
export function adjustedPs(differences: readonly (Summary | null)[]): (number | null)[] {
  return holm(differences.map(pValue));
}
