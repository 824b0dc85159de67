import { expect } from 'chai';
import { steeper, trendOf, type SizedValues } from '../../lib/statistics/trend';

describe('a trend over sizes', () => {
  const at = (...bySeed: readonly (readonly number[])[]): SizedValues[] =>
    bySeed.map((values, index) => ({
      parameters: 10 ** (5 + index),
      values: new Map(values.map((value, seed) => [seed + 1, value])),
    }));

  for (const [means, slope, rank, permutation] of [
    [[1, 2, 3], 1, 1, 1 / 6],
    // (2 − 1) / 2; the orders 123, 132 and 213 of six rise as steeply.
    [[1, 3, 2], 0.5, 0.5, 3 / 6],
    [[3, 2, 1], -1, -1, 1],
    [[1, 2, 3, 4], 1, 1, 1 / 24],
    // No order of equal means falls.
    [[5, 5, 5], 0, 0, 1],
  ] as const) {
    it(`of ${means.join(', ')} for ten times the size each`, () => {
      const trend = trendOf(at(...means.map((value) => [value])));
      expect(trend?.sizes).to.equal(means.length);
      expect(trend?.slope.mean).to.be.closeTo(slope, 1e-9);
      expect(trend?.rank).to.be.closeTo(rank, 1e-9);
      expect(trend?.permutation).to.be.closeTo(permutation, 1e-9);
    });
  }

  it('has one slope a seed, of the seeds that all sizes have', () => {
    // Seed 1: 0, 1, 2. Seed 2: 0, 3, 6. The third seed has no middle.
    const trend = trendOf(at([0, 0, 0], [1, 3], [2, 6, 100]));
    expect(trend?.slope.seeds).to.deep.equal([1, 2]);
    expect(trend?.slope.values[0]).to.be.closeTo(1, 1e-9);
    expect(trend?.slope.values[1]).to.be.closeTo(3, 1e-9);
  });

  it('ranks the means over the seeds, and counts orders of them', () => {
    // Means 2, 4, 3: slope (3 − 2) / 2. Seed 1 alone has 0, 1, 2, seed 2 alone 4, 7, 4.
    const trend = trendOf(at([0, 4], [1, 7], [2, 4]));
    expect(trend?.rank).to.be.closeTo(0.5, 1e-9);
    // 2 3 4 and 3 2 4 rise by 1 and 0.5, 2 4 3 by 0.5.
    expect(trend?.permutation).to.be.closeTo(3 / 6, 1e-9);
  });

  it('leaves out a size without values', () => {
    const trend = trendOf(at([1], [], [2], [3]));
    // 10^5, 10^7 and 10^8: deviations −5/3, 1/3, 4/3 with 1, 2, 3: (5/3 + 4/3) / (25 + 1 + 16)/9.
    expect(trend?.sizes).to.equal(3);
    expect(trend?.slope.mean).to.be.closeTo(3 / (42 / 9), 1e-9);
    expect(trendOf(at([], [1], [2], [3]))?.sizes).to.equal(3);
  });

  it('is none where no seed has all sizes', () => {
    const [first, second, third] = at([1, 2], [3, 4], [5, 6]);
    const other = { parameters: 10, values: new Map([[9, 1]]) };
    expect(trendOf([first, second, third, other].flatMap((size) => size ?? []))).to.equal(null);
  });

  it('counts the orders of eight sizes, and not of nine', () => {
    const sizes = (count: number): SizedValues[] =>
      at(...Array.from({ length: count }, (_, size) => [size]));
    // 8! orders; none but their own rises as steeply.
    expect(trendOf(sizes(8))?.permutation).to.be.closeTo(1 / 40_320, 1e-9);
    expect(trendOf(sizes(9))).to.equal(null);
  });

  it('is none of fewer than three sizes', () => {
    expect(trendOf(at([1], [2]))).to.equal(null);
    expect(trendOf(at([1], [], [2]))).to.equal(null);
  });

  it('is steeper than another by the difference seed by seed', () => {
    const [first, second] = [
      trendOf(at([0, 0], [5, 3], [10, 6])),
      trendOf(at([0, 0], [1, 1], [2, 2])),
    ];
    // 5 − 1 and 3 − 1.
    const [one = 0, two = 0] = steeper(first, second)?.values ?? [];
    expect(one).to.be.closeTo(4, 1e-9);
    expect(two).to.be.closeTo(2, 1e-9);
    expect(steeper(first, null)).to.equal(null);
    expect(steeper(null, second)).to.equal(null);
  });
});
