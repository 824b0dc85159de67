/** One quantity that is not as expected, in words ready to print. */
export interface Mismatch {
  /** Such as `gradient[17]`. */
  readonly quantity: string;
  readonly expected: string;
  readonly found: string;
}

export interface NumberComparison {
  /** Allowed difference as a share of the largest expected entry. */
  readonly tolerance: number;
  /** What the difference is taken relative to, where that is not the largest expected entry. */
  readonly scale?: number;
}

/**
 * Numbers that must agree entry by entry: none may differ by more than `tolerance` times the largest
 * expected entry. Gives the entry that is furthest off, or nothing; a NaN is furthest of all.
 */
export function compareNumbers(
  quantity: string,
  expected: ArrayLike<number>,
  found: ArrayLike<number>,
  { tolerance, scale }: NumberComparison,
): Mismatch[] {
  if (expected.length !== found.length) {
    return compareText(`number of entries of ${quantity}`, expected.length, found.length);
  }
  const allowed = tolerance * (scale ?? largest(expected));
  let worst = { index: -1, difference: allowed };
  for (let index = 0; index < expected.length; index++) {
    const distance = Math.abs((found[index] ?? NaN) - (expected[index] ?? NaN));
    const difference = Number.isNaN(distance) ? Infinity : distance;
    // Written so that a tolerance that is not a number allows nothing.
    if (!(difference <= worst.difference)) worst = { index, difference };
  }
  if (worst.index < 0) return [];
  const place = expected.length === 1 ? '' : `[${worst.index}]`;
  return [
    {
      quantity: `${quantity}${place}`,
      expected: `${expected[worst.index]} ± ${Number(allowed.toPrecision(2))}`,
      found: String(found[worst.index]),
    },
  ];
}

/** One number; see `compareNumbers`. */
export function compareNumber(
  quantity: string,
  expected: number,
  found: number,
  comparison: NumberComparison,
): Mismatch[] {
  return compareNumbers(quantity, [expected], [found], comparison);
}

/** Two things that must read the same. */
export function compareText(
  quantity: string,
  expected: string | number,
  found: string | number,
): Mismatch[] {
  return expected === found ? [] : [{ quantity, expected: String(expected), found: String(found) }];
}

/** √Σx², in double precision. */
export function euclideanNorm(values: ArrayLike<number>): number {
  return Math.sqrt(total(values, (value) => value * value));
}

/** Σx / n, in double precision. */
export function meanOf(values: ArrayLike<number>): number {
  return total(values, (value) => value) / values.length;
}

function total(values: ArrayLike<number>, term: (value: number) => number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += term(values[i] ?? NaN);
  return sum;
}

function largest(values: ArrayLike<number>): number {
  let size = 0;
  for (let i = 0; i < values.length; i++) size = Math.max(size, Math.abs(values[i] ?? NaN));
  return size;
}
