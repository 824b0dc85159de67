import { expect } from 'chai';
import {
  compareNumber,
  compareNumbers,
  compareStages,
  compareText,
  disturb,
  type Stage,
} from '../../lib/verify/compare';

describe('comparing numbers', () => {
  it('allows a share of the largest expected entry at every entry', () => {
    expect(compareNumbers('x', [100, 0], [100.9, 0.9], { tolerance: 0.01 })).to.deep.equal([]);
  });

  it('names the entry that is furthest off, with what was allowed', () => {
    expect(compareNumbers('x', [100, 5, 7], [100, 8, 9], { tolerance: 0.01 })).to.deep.equal([
      { quantity: 'x[1]', expected: '5 ± 1', found: '8' },
    ]);
  });

  it('fails at a number that is none, and at a tolerance that is none', () => {
    expect(compareNumbers('x', [1, 2], [9, NaN], { tolerance: 0.1 })[0]?.quantity).to.equal('x[1]');
    expect(compareNumber('x', 1, 1, { tolerance: NaN })).to.have.length(1);
    expect(compareNumber('x', 1, Infinity, { tolerance: 0.1 })[0]?.found).to.equal('Infinity');
  });

  it('fails at another number of entries', () => {
    expect(compareNumbers('x', [1, 2], [1], { tolerance: 1 })).to.deep.equal([
      { quantity: 'number of entries of x', expected: '2', found: '1' },
    ]);
  });

  it('takes differences relative to another scale where one is given', () => {
    expect(compareNumber('x', 0, 0.5, { tolerance: 0.1, scale: 10 })).to.deep.equal([]);
    expect(compareNumber('x', 0, 0.5, { tolerance: 0.1 })).to.have.length(1);
  });

  it('compares words exactly', () => {
    expect(compareText('shape', '1 × 2', '1 × 2')).to.deep.equal([]);
    expect(compareText('shape', '1 × 2', '2 × 1')).to.deep.equal([
      { quantity: 'shape', expected: '1 × 2', found: '2 × 1' },
    ]);
  });
});

describe('comparing what rounding moves', () => {
  const stage = (value: number): { name: string; values: number[] }[] => [
    { name: 'first', values: [10] },
    { name: 'second', values: [value] },
  ];

  const limits = { tolerance: 1e-3, largestAllowance: 0.05 };

  it('runs once where all is within the tolerance', () => {
    let runs = 0;
    const outcome = compareStages(
      stage(100),
      () => {
        runs++;
        return stage(100.05);
      },
      limits,
    );
    expect(outcome).to.deep.equal({ mismatches: [] });
    expect(runs).to.equal(1);
  });

  it('allows three times what a changed last bit moves, and says so', () => {
    // 1 % off, where a disturbance moves the value by 0.5 %.
    const outcome = compareStages(
      stage(100),
      (disturbance) => stage(disturbance === undefined ? 101 : 101.505),
      limits,
    );
    expect(outcome.mismatches).to.deep.equal([]);
    expect(outcome.note).to.contain('0.50 %');
  });

  it('allows the last stage three times what rounding moved the reference itself, and no other', () => {
    // 1 % off in both stages, of which nothing here moves; the reference by 0.5 %.
    const two = (values: readonly [number, number]): Stage[] => [
      { name: 'first', values: [values[0]] },
      { name: 'second', values: [values[1]] },
    ];
    const off = (rounding: number, largestAllowance = 1): string[] =>
      compareStages(two([100, 100]), () => two([101, 101]), {
        ...{ tolerance: 1e-3, rounding, largestAllowance },
      }).mismatches.map(({ quantity }) => quantity);
    expect(off(0)).to.deep.equal(['first', 'second']);
    expect(off(0.005)).to.deep.equal(['first']);
    expect(off(0.002)).to.deep.equal(['first', 'second']);
    expect(off(0.005, 0.005)).to.deep.equal(['first', 'second']);
  });

  it('still fails what is further off than that', () => {
    const outcome = compareStages(
      stage(100),
      (disturbance) => stage(disturbance === undefined ? 103 : 103.5),
      limits,
    );
    expect(outcome.mismatches.map(({ quantity }) => quantity)).to.deep.equal(['second']);
  });

  it('allows no stage what only a later one moves', () => {
    const outcome = compareStages(
      [
        { name: 'first', values: [10] },
        { name: 'second', values: [100] },
      ],
      (disturbance) => [
        { name: 'first', values: [10.1] },
        { name: 'second', values: [disturbance === undefined ? 100 : 104] },
      ],
      limits,
    );
    expect(outcome.mismatches.map(({ quantity }) => quantity)).to.deep.equal(['first']);
  });

  it('never allows more than its largest allowance, however far rounding moves it', () => {
    const outcome = compareStages(
      stage(100),
      (disturbance) => stage(disturbance === undefined ? 106 : 200),
      limits,
    );
    expect(outcome.mismatches.map(({ quantity }) => quantity)).to.deep.equal(['second']);
  });

  it('allows a number that is none nothing', () => {
    const outcome = compareStages(stage(100), () => stage(NaN), limits);
    expect(outcome.mismatches.map(({ quantity }) => quantity)).to.deep.equal(['second']);
  });

  it('compares each value relative to itself where each has a name', () => {
    const named = (values: number[]): { name: string[]; values: number[] }[] => [
      { name: ['large', 'small'], values },
    ];
    const outcome = compareStages(named([100, 1]), () => named([100.05, 1.05]), limits);
    expect(outcome.mismatches.map(({ quantity }) => quantity)).to.deep.equal(['small']);
  });

  it('loosens neither a strict stage nor compares small values by themselves where it says so', () => {
    const strict = compareStages(
      [{ name: 'first', values: [10], strict: 1e-4 }],
      (disturbance) => [{ name: 'first', values: [disturbance === undefined ? 10.01 : 11] }],
      limits,
    );
    expect(strict.mismatches).to.have.length(1);
    const floored = compareStages(
      [{ name: ['large', 'noise'], values: [100, 1e-6], smallest: 0.05 }],
      () => [{ name: ['large', 'noise'], values: [100, 3e-6] }],
      limits,
    );
    expect(floored.mismatches).to.deep.equal([]);
  });

  it('measures what a last bit moves as it compares: noise below the smallest value allows nothing', () => {
    // 1 % off where nothing moves; the noise doubles, by 1e-6 of the 5.05 that it is compared as.
    const named = (large: number, noise: number): Stage[] => [
      { name: ['large', 'noise'], values: [large, noise], smallest: 0.05 },
    ];
    const outcome = compareStages(
      named(100, 5.05e-6),
      (disturbance) => named(101, disturbance === undefined ? 5.05e-6 : 10.1e-6),
      limits,
    );
    expect(outcome.mismatches.map(({ quantity }) => quantity)).to.deep.equal(['large']);
    expect(outcome.note).to.contain('0.00010 %');
  });

  for (const [moving, computed, wrong] of [
    // The fourth repeat moves it by 1 %, of which 2 % off are twice.
    [4, 5, []],
    [10, 25, []],
    [25, 25, ['second']],
  ] as const) {
    it(`repeats four times, then 24: what moves at the ${moving}th is ${wrong.length === 0 ? 'found' : 'not'}`, () => {
      let times = 0;
      const outcome = compareStages(
        stage(100),
        (disturbance) => {
          times++;
          return stage(disturbance === moving ? 103 : 102);
        },
        limits,
      );
      expect(outcome.mismatches.map(({ quantity }) => quantity)).to.deep.equal(wrong);
      expect(times).to.equal(computed);
    });
  }

  it('disturbs in the last bits, and not at all unless asked', () => {
    const values = Float32Array.of(1, -3, 0, 1000);
    expect(disturb(values, undefined)).to.deep.equal(values);
    const disturbed = disturb(values, 1);
    expect(disturbed).not.to.deep.equal(values);
    disturbed.forEach((value, index) => {
      const size = Math.abs(values[index] ?? NaN);
      expect(Math.abs(value - (values[index] ?? NaN))).to.be.at.most(size * 2 ** -22);
    });
    expect(disturb(values, 1)).to.deep.equal(disturbed);
    expect(disturb(values, 2)).not.to.deep.equal(disturbed);
  });
});
