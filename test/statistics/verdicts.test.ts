import { expect } from 'chai';
import { pValue, summarise, type Summary } from '../../lib/statistics/summary';
import {
  hasConverged,
  outcomeInWords,
  outcomeOfAll,
  outcomeOfReadings,
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
    // Also of less than a point.
    expect(alone(0.3, 0.32, 0.31)).to.deep.equal(['reproduced', '']);
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
    expect(verdictOnClaim(seeds(-1, -1.2, -1.1), 0.06).why).to.equal(
      'not clear among so many claims',
    );
    // 0.5 ± 4.303 · 0.2 / √3 = 0.5 ± 0.497 is clear; −0.5 ± 4.303 · 0.21 / √3 = −0.5 ± 0.522 is not.
    expect(verdictOnClaim(seeds(0.3, 0.5, 0.7), 0.06).why).to.equal(
      'not clear among so many claims',
    );
    expect(verdictOnClaim(seeds(-0.29, -0.5, -0.71), 0.06).why).to.equal('the interval holds 0');
  });

  it('is inconclusive of fewer than three seeds, and not run without any', () => {
    expect(alone(3)).to.deep.equal(['inconclusive', 'one seed: no interval']);
    expect(alone(3, 3.1)).to.deep.equal(['inconclusive', 'two seeds: no interval']);
    expect(verdictOnClaim(null, null)).to.deep.equal({ outcome: 'not run', why: '' });
    // Three seeds whose p value is not known, and two with one.
    expect(verdictOnClaim(seeds(1, 1.2, 1.1), null).outcome).to.equal('inconclusive');
    expect(verdictOnClaim(seeds(1, 1.2), 0.01).outcome).to.equal('inconclusive');
  });

  it('on several is reproduced with all of them, contradicted with any', () => {
    expect(outcomeOfAll(['reproduced', 'reproduced'])).to.equal('reproduced');
    expect(outcomeOfAll(['reproduced', 'inconclusive'])).to.equal('inconclusive');
    expect(outcomeOfAll(['reproduced', 'inconclusive', 'not run'])).to.equal('not run');
    expect(outcomeOfAll(['not run', 'inconclusive', 'contradicted'])).to.equal('contradicted');
  });

  for (const [outcomes, together] of [
    [['reproduced', 'reproduced'], 'reproduced'],
    [['contradicted', 'contradicted'], 'contradicted'],
    [['reproduced', 'not run'], 'inconclusive'],
    [['inconclusive', 'contradicted'], 'inconclusive'],
    [['reproduced', 'contradicted'], 'inconclusive'],
    [['not run', 'not run'], 'not run'],
    [[], 'not run'],
  ] as const) {
    it(`on readings that are ${outcomes.join(', ') || 'none'} is ${together}`, () => {
      expect(outcomeOfReadings(outcomes)).to.equal(together);
    });
  }

  it('never stands without its scale', () => {
    expect(outcomeInWords('reproduced', 'toy')).to.equal('reproduced (toy)');
    expect(outcomeInWords('contradicted', 'full')).to.equal('contradicted (full)');
    expect(outcomeInWords('not run', 'toy')).to.equal('not run');
  });
});

const numbers = (count: number, value: number): number[] =>
  Array.from({ length: count }, () => value);

describe('a schedule', () => {
  const curve = (epochs: number, before: number, last: number): number[] =>
    Array.from({ length: epochs }, (_, epoch) => (epoch < 0.9 * epochs ? before : last));

  for (const [name, top1, converged] of [
    // Tenths of 4 epochs: 70 before the last, 70.4 in it; 30 to 60 before them.
    ['climbs late', [...numbers(32, 30), ...numbers(4, 70), ...numbers(4, 70.4)], true],
    // The last but one is 68, the one before that 70.4 as the last.
    ['dips', [...numbers(32, 70.4), ...numbers(4, 68), ...numbers(4, 70.4)], false],
    // (70 + 70 + 70 + 74) / 4 = 71 against 70.
    ['ends with a leap', [...numbers(39, 70), 74], false],
    // (70 + 70 + 70 + 71.6) / 4 = 70.4 against 70.
    ['ends with a step', [...numbers(39, 70), 71.6], true],
    // 43 / 10 is rounded down: the last 4 are 70.4, the 4 before them 70.
    ['has odd epochs', [...numbers(35, 30), ...numbers(4, 70), ...numbers(4, 70.4)], true],
  ] as const) {
    it(`that ${name} has ${converged ? '' : 'not '}converged`, () => {
      expect(hasConverged(top1)).to.equal(converged);
    });
  }

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
