import { expect } from 'chai';
import { pValue, summarise, type Summary } from '../../lib/statistics/summary';
import {
  hasConverged,
  outcomeInWords,
  outcomeOfAll,
  verdictOnClaim,
  verdictOnNumber,
} from '../../lib/statistics/verdicts';

describe('the verdict on a printed number, 72.5', () => {
  for (const [low, high, verdict] of [
    [72.2, 72.9, 'reproduced'],
    [72, 73, 'reproduced'],
    [71.99, 73, 'inconclusive'],
    [72, 73.01, 'inconclusive'],
    // It holds the number, and much else.
    [60, 80, 'inconclusive'],
    [71.5, 72, 'inconclusive'],
    [73, 74, 'inconclusive'],
    [71.5, 71.99, 'differs'],
    [73.01, 74, 'differs'],
  ] as const) {
    it(`is ${verdict} of the interval ${String(low)} … ${String(high)}`, () => {
      expect(verdictOnNumber({ low, high }, 72.5)).to.equal(verdict);
    });
  }

  it('is inconclusive without an interval', () => {
    expect(verdictOnNumber(null, 72.5)).to.equal('inconclusive');
  });
});

describe('the verdict on a claim', () => {
  const seeds = (...values: number[]): Summary | null =>
    summarise(new Map(values.map((value, index) => [index + 1, value])));
  const alone = (...values: number[]): [string, string] => {
    const { outcome, why } = verdictOnClaim(seeds(...values), pValue(seeds(...values)));
    return [outcome, why];
  };

  it('follows the sign of a clear difference', () => {
    expect(alone(1, 1.2, 1.1)).to.deep.equal(['reproduced', '']);
    expect(alone(-1, -1.2, -1.1)).to.deep.equal(['contradicted', '']);
  });

  it('is inconclusive where the interval holds 0, be all differences of one sign', () => {
    // Mean 1, s = 0.9: 1 ± 4.303 · 0.9 / √3.
    expect(alone(0.1, 1, 1.9)).to.deep.equal(['inconclusive', 'the interval holds 0']);
  });

  it('is inconclusive where it is clear alone and not among several', () => {
    const difference = seeds(1, 1.2, 1.1);
    expect(verdictOnClaim(difference, 0.06)).to.deep.equal({
      outcome: 'inconclusive',
      why: 'not clear among so many claims',
    });
    expect(verdictOnClaim(difference, 0.05).outcome).to.equal('inconclusive');
    expect(verdictOnClaim(difference, 0.0499).outcome).to.equal('reproduced');
  });

  it('is inconclusive of fewer than three seeds, and not run without any', () => {
    expect(alone(3)).to.deep.equal(['inconclusive', 'one seed: no interval']);
    expect(alone(3, 3.1)).to.deep.equal(['inconclusive', 'two seeds: no interval']);
    expect(verdictOnClaim(null, null)).to.deep.equal({ outcome: 'not run', why: '' });
  });

  it('on several is reproduced with all of them, contradicted with any', () => {
    expect(outcomeOfAll(['reproduced', 'reproduced'])).to.equal('reproduced');
    expect(outcomeOfAll(['reproduced', 'inconclusive'])).to.equal('inconclusive');
    expect(outcomeOfAll(['reproduced', 'inconclusive', 'not run'])).to.equal('not run');
    expect(outcomeOfAll(['not run', 'inconclusive', 'contradicted'])).to.equal('contradicted');
  });

  it('never stands without its scale', () => {
    expect(outcomeInWords('reproduced', 'toy')).to.equal('reproduced (toy)');
    expect(outcomeInWords('contradicted', 'full')).to.equal('contradicted (full)');
    expect(outcomeInWords('not run', 'toy')).to.equal('not run');
  });
});

describe('a schedule', () => {
  const curve = (epochs: number, before: number, last: number): number[] =>
    Array.from({ length: epochs }, (_, epoch) => (epoch < 0.9 * epochs ? before : last));

  for (const [epochs, before, last, converged] of [
    [60, 70, 70.5, true],
    [60, 70.5, 70, true],
    [60, 70, 70.6, false],
    [60, 70, 69.4, false],
    [40, 70, 70, true],
    // Flat, and short.
    [39, 70, 70, false],
  ] as const) {
    it(`of ${String(epochs)} epochs from ${String(before)} to ${String(last)} in its last tenth has ${converged ? '' : 'not '}converged`, () => {
      expect(hasConverged(curve(epochs, before, last))).to.equal(converged);
    });
  }
});
