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
  });
});
