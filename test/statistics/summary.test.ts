import { expect } from 'chai';
import { twoSidedP, twoSidedQuantile } from '../../lib/statistics/student-t';
import {
  bySeedOf,
  holm,
  pairedDifference,
  pValue,
  studentInterval,
  summarise,
  type Summary,
  withAdjustedPs,
} from '../../lib/statistics/summary';

/** The seeds 1, 2, … */
function seeds(...values: number[]): Summary | null {
  return summarise(new Map(values.map((value, index) => [index + 1, value])));
}

describe('statistics over seeds', () => {
  it('summarise with mean and sample standard deviation, seeds in order', () => {
    const summary = summarise(
      new Map([
        [2, 72],
        [1, 70],
      ]),
    );
    expect(summary).to.deep.include({ seeds: [1, 2], values: [70, 72], n: 2, mean: 71 });
    // √((1 + 1) / (2 − 1))
    expect(summary?.std).to.be.closeTo(Math.SQRT2, 1e-12);
    expect([...bySeedOf(summary)]).to.deep.equal([
      [1, 70],
      [2, 72],
    ]);
  });

  it('know no spread of one seed and nothing of none', () => {
    expect(seeds(70)).to.deep.include({ n: 1, std: null, interval: null });
    expect(summarise(new Map())).to.equal(null);
  });

  it('pair differences on equal seeds only', () => {
    const first = new Map([
      [1, 5],
      [2, 9],
      [3, 100],
    ]);
    const second = new Map([
      [2, 6],
      [1, 4],
      [4, 0],
    ]);
    // 5 − 4 = 1 and 9 − 6 = 3: mean 2, deviations −1 and 1.
    const difference = pairedDifference(first, second);
    expect(difference).to.deep.include({ seeds: [1, 2], values: [1, 3], n: 2, mean: 2 });
    expect(difference?.std).to.be.closeTo(Math.SQRT2, 1e-12);
    expect(pairedDifference(first, new Map([[9, 1]]))).to.equal(null);
  });
});

describe('Student’s interval', () => {
  for (const [n, t] of [
    [3, 4.30265],
    [4, 3.18245],
    [5, 2.77645],
    [6, 2.57058],
    [7, 2.44691],
    [8, 2.36462],
    [9, 2.306],
    [10, 2.26216],
    [31, 2.04227],
    [100, 1.98422],
  ] as const) {
    it(`is the mean ± ${String(t)} · s / √n of ${String(n)} values`, () => {
      // Mean 1; the squares (n − 1) · 1² + (n − 1)² are n (n − 1): s = √n, so that t · s / √n is t itself.
      const values = [...Array.from({ length: n - 1 }, () => 0), n];
      const { low, high } = studentInterval(values) ?? { low: NaN, high: NaN };
      expect(low).to.be.closeTo(1 - t, 1e-5);
      expect(high).to.be.closeTo(1 + t, 1e-5);
      expect(seeds(...values)?.interval).to.deep.equal({ low, high });
    });
  }

  it('is none of fewer than three values', () => {
    expect([studentInterval([]), studentInterval([5]), studentInterval([5, 6])]).to.deep.equal([
      ...[null, null, null],
    ]);
  });
});

describe('Student’s t distribution', () => {
  for (const [degrees, t, p] of [
    // 1 − 2 / π · atan 1
    [1, 1, 0.5],
    [1, 12.7062, 0.05],
    [1, 63.65674, 0.01],
    // 1 − √2 / √(2 + 2)
    [2, Math.SQRT2, 1 - Math.SQRT1_2],
    [3, 3.18245, 0.05],
    [4, 2, 0.116117],
    [4, -2, 0.116117],
    [5, 4.03214, 0.01],
    [9, 4.78091, 0.001],
    [30, 2.75, 0.01],
    [7, 0, 1],
  ] as const) {
    it(`with ${String(degrees)} degrees of freedom is beyond ±${String(t)} with probability ${p.toFixed(3)}`, () => {
      expect(twoSidedP(t, degrees)).to.be.closeTo(p, 1e-6);
    });
  }

  it('has quantiles for other confidences, and no half degrees of freedom', () => {
    expect(twoSidedQuantile(5, 0.99)).to.be.closeTo(4.03214, 1e-5);
    expect(() => twoSidedQuantile(0)).to.throw(RangeError);
    expect(() => twoSidedP(1, 2.5)).to.throw(RangeError, '2.5');
  });
});

describe('the paired t-test', () => {
  it('of the differences 1, 2, 3: t = 2√3', () => {
    // With two degrees of freedom 1 − t / √(t² + 2), t² = 12.
    expect(pValue(seeds(1, 2, 3))).to.be.closeTo(1 - Math.sqrt(12 / 14), 1e-12);
    expect(pValue(seeds(-1, -2, -3))).to.be.closeTo(1 - Math.sqrt(12 / 14), 1e-12);
  });

  it('knows nothing of fewer than three seeds, and all of equal differences', () => {
    expect([pValue(null), pValue(seeds(1)), pValue(seeds(1, 2))]).to.deep.equal([null, null, null]);
    expect([pValue(seeds(2, 2, 2)), pValue(seeds(0, 0, 0))]).to.deep.equal([0, 1]);
  });
});

describe('Holm’s adjustment', () => {
  for (const [name, given, adjusted] of [
    // 4 · 0.005, 3 · 0.01, 2 · 0.03, and 0.04 not below the one before.
    ['of four', [0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]],
    ['of one', [0.04], [0.04]],
    ['of what is no comparison', [null, 0.04, null, 0.03], [null, 0.06, null, 0.06]],
    ['of large ones', [0.6, 0.7], [1, 1]],
    ['of none', [], []],
  ] as const) {
    it(name, () => {
      const found = holm(given);
      expect(found.map((p) => p && Number(p.toFixed(9)))).to.deep.equal(adjusted);
    });
  }

  it('is over the differences that have a p value', () => {
    // 2 · 0.0742 for both.
    const [first, second, third] = withAdjustedPs(
      [seeds(1, 2, 3), seeds(1, 2), seeds(-1, -2, -3)].map((difference) => ({ difference })),
      ({ difference }) => difference,
    ).map(({ p }) => p);
    expect(first).to.be.closeTo(2 * (1 - Math.sqrt(12 / 14)), 1e-12);
    expect(second).to.equal(null);
    expect(third).to.equal(first);
  });
});
