import { expect } from 'chai';
import {
  bootstrapInterval,
  meanImprovement,
  probabilityOfImprovement,
  stratifiedBootstrap,
} from '../../lib/statistics/bootstrap';
import { pairedDifference, summarise } from '../../lib/statistics/summary';
import { tInterval } from '../../lib/statistics/t-interval';

describe('statistics over seeds', () => {
  it('summarise with mean, sample standard deviation and interval, seeds in order', () => {
    const summary = summarise(
      new Map([
        [2, 72],
        [1, 70],
      ]),
    );
    expect(summary).to.deep.include({ seeds: [1, 2], values: [70, 72], n: 2, mean: 71 });
    // √((1 + 1) / (2 − 1))
    expect(summary?.std).to.be.closeTo(Math.SQRT2, 1e-12);
    // A quarter of the resamples is (70, 70), another (72, 72): more than 2.5 % each.
    expect(summary?.interval).to.deep.equal({ low: 70, high: 72 });
  });

  it('know no spread of one seed and nothing of none', () => {
    expect(summarise(new Map([[1, 70]]))).to.deep.include({ n: 1, std: null, interval: null });
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
  // t at 97.5 % for n − 1 degrees of freedom.
  const quantiles: [n: number, t: number][] = [
    [2, 12.7062],
    [3, 4.3027],
    [4, 3.1824],
    [5, 2.7764],
    [6, 2.5706],
    [7, 2.4469],
    [8, 2.3646],
    [9, 2.306],
    [10, 2.2622],
    [31, 2.0423],
  ];
  for (const [n, t] of quantiles) {
    it(`of ${n} values is ${t} standard errors to each side of the mean`, () => {
      // Of 1, 2, … n the sample variance is n (n + 1) / 12, so a standard error is √((n + 1) / 12).
      const interval = tInterval(Array.from({ length: n }, (_, index) => index + 1));
      if (interval === null) throw new Error('no interval');
      const error = Math.sqrt((n + 1) / 12);
      expect((interval.high - (n + 1) / 2) / error).to.be.closeTo(t, 6e-4);
      expect(((n + 1) / 2 - interval.low) / error).to.be.closeTo(t, 6e-4);
    });
  }

  it('is not there for a single value', () => {
    expect(tInterval([71])).to.equal(null);
  });
});

describe('bootstrap', () => {
  it('gives the quantiles of all resamples’ means', () => {
    const values = [1, 2, 4, 8];
    const all = values
      .flatMap((a) =>
        values.flatMap((b) => values.flatMap((c) => values.map((d) => a + b + c + d))),
      )
      .map((sum) => sum / 4)
      .sort((a, b) => a - b);
    // 256 resamples; 2.5 % of them are 6.4. The 4 lowest sums are 4, 5, 5, 5, 5, then 6.
    const interval = bootstrapInterval(values);
    expect(interval?.low).to.equal(all[6]);
    expect(interval?.high).to.equal(all[249]);
  });

  it('is the same each time, and other with another stream', () => {
    const values = [1, 5, 2, 9, 4, 7.5];
    expect(bootstrapInterval(values)).to.deep.equal(bootstrapInterval(values));
    const stuck = bootstrapInterval(values, { uniform: () => 0.99 });
    expect(stuck).to.deep.equal({ low: 7.5, high: 7.5 });
  });

  it('counts the probability of improvement over all couples, ties as a half, tasks alike', () => {
    // Task 1: 1 < 2 twice, 3 > 2 twice: ½. Task 2: 5 > 4, 5 = 5: ¾. Mean: 0.625.
    const first = [[1, 3], [5]];
    const second = [
      [2, 2],
      [4, 5],
    ];
    expect(probabilityOfImprovement(first, second)).to.equal(0.625);
    // (2 − 2 + 5 − 4.5) / 2
    expect(meanImprovement(first, second)).to.equal(0.25);
  });

  it('resamples within each task, never across', () => {
    const first = [
      [10, 10],
      [50, 50],
    ];
    const second = [
      [9, 9],
      [48, 48],
    ];
    // (1 + 2) / 2 in every resample; drawn across tasks it would vary by tens.
    expect(stratifiedBootstrap(first, second, meanImprovement)).to.deep.equal({
      estimate: 1.5,
      interval: { low: 1.5, high: 1.5 },
    });
  });

  it('spreads with the runs and has no interval with a single one', () => {
    const spread = stratifiedBootstrap([[1, 3]], [[0, 2]], meanImprovement);
    expect(spread.estimate).to.equal(1);
    // Both at their extremes, (1, 1) and (2, 2), is 1 resample of 16: beyond 2.5 %.
    expect(spread.interval).to.deep.equal({ low: -1, high: 3 });
    expect(stratifiedBootstrap([[1, 3]], [[0]], meanImprovement).interval).to.equal(null);
  });

  it('refuses methods without common tasks', () => {
    expect(() => meanImprovement([[1]], [])).to.throw(RangeError, 'same tasks');
    expect(() => stratifiedBootstrap([[]], [[1]], meanImprovement)).to.throw(RangeError, 'one run');
  });
});
