import { expect } from 'chai';
import { judged, together } from '../../../lib/report/study/claims';
import { summarise } from '../../../lib/statistics/summary';
import { tInterval } from '../../../lib/statistics/t-interval';

/** Differences of the seeds 1, 2, …. */
const differences = (...values: number[]): ReturnType<typeof summarise> =>
  summarise(new Map(values.map((value, index) => [index + 1, value])));

describe('Student’s interval', () => {
  it('is the mean ± t · s / √n', () => {
    // Mean 2, s = 1, n = 3, t of two degrees of freedom = 4.303.
    const interval = tInterval([1, 2, 3]);
    expect(interval?.low).to.be.closeTo(2 - 4.303 / Math.sqrt(3), 1e-12);
    expect(interval?.high).to.be.closeTo(2 + 4.303 / Math.sqrt(3), 1e-12);
  });

  it('takes the t of 30 degrees of freedom for more values than that', () => {
    const values = Array.from({ length: 100 }, (_, index) => index % 2);
    const half = (2.042 * Math.sqrt(25 / 99)) / 10;
    expect(tInterval(values)?.high).to.be.closeTo(0.5 + half, 1e-12);
  });

  it('is none for one value', () => {
    expect(tInterval([5])).to.equal(null);
  });
});

describe('a claim', () => {
  it('holds where the interval lies above 0, and does not where it lies below', () => {
    expect(judged('', differences(1, 1.2, 1.1)).verdict).to.equal('holds');
    expect(judged('', differences(-1, -1.2, -1.1)).verdict).to.equal('does not hold');
  });

  it('is not shown by three differences of one sign alone', () => {
    // Mean 1, s = 0.9: 1 ± 4.303 · 0.9 / √3 holds 0.
    const { verdict, why } = judged('', differences(0.1, 1, 1.9));
    expect([verdict, why]).to.eql(['not shown', 'the interval holds 0']);
  });

  it('is not shown by one seed, and not run without any', () => {
    expect(judged('', differences(3))).to.include({
      verdict: 'not shown',
      why: 'one seed: no interval',
    });
    expect(judged('', null).verdict).to.equal('not run');
  });

  it('of several parts holds with all of them', () => {
    const [holds, fails, open, idle] = [
      judged('', differences(1, 1)),
      judged('', differences(-1, -1)),
      judged('', differences(-1, 1)),
      judged('', null),
    ] as const;
    expect(together([holds, holds])).to.equal('holds');
    expect(together([holds, open])).to.equal('not shown');
    expect(together([holds, open, idle])).to.equal('not run');
    expect(together([holds, open, idle, fails])).to.equal('does not hold');
  });
});
