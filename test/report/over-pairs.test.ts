import { expect } from 'chai';
import { buildTable1 } from '../../lib/report/table1/build';
import type { Table1, Table1Group } from '../../lib/report/table1/model';
import type { Run } from '../../lib/runs/store';
import { madeUpRun } from '../support/made-up-runs';

function table(runs: readonly Run[]): Table1 {
  return buildTable1({ study: 'table1', runs, root: 'results' });
}

describe('++ against its base over several pairs', () => {
  const runs = (pair: string, method: string, ...top1: number[]): Run[] =>
    top1.map((value, index) =>
      madeUpRun({
        config: { pair, student: pair.split(':')[1] ?? '', method, seed: index + 1 },
        top1: [99, value],
      }),
    );
  let compared: Table1Group['overPairs'] | undefined;
  beforeEach(() => {
    compared = table([
      ...runs('resnet20:resnet8', 'kd', 50, 60, 70, 80),
      ...runs('resnet20:resnet8', 'kd++', 51, 63, 75, 90),
      ...runs('resnet32:resnet8', 'kd', 55, 65, 75),
      ...runs('resnet32:resnet8', 'kd++', 58, 66, 74),
      // Three wins of the same size on one pair.
      ...runs('resnet20:resnet8', 'dkd', 50, 60, 70),
      ...runs('resnet20:resnet8', 'dkd++', 52, 62.5, 73),
    ]).groups[0]?.overPairs;
  });

  it('takes the mean over the pairs of each seed that all have, and then over the seeds', () => {
    // Differences 1, 3, 5, 10 and 3, 1, −1: seed by seed 2, 2, 2; the fourth seed is not on both pairs.
    expect(compared?.[0]).to.deep.include({ method: 'kd++', base: 'kd', runs: 7, baseRuns: 7 });
    expect(compared?.[0]?.gain).to.deep.include({ values: [2, 2, 2], mean: 2, std: 0 });
    expect(compared?.[0]).to.include({ couples: 7, won: 6 });
  });

  it('adjusts the p values for all comparisons', () => {
    // Differences 2, 2.5, 3: t² = 75; alone p = 1 − √(75 / 77), and KD++'s is 0.
    expect(compared?.map(({ method }) => method)).to.deep.equal(['kd++', 'dkd++']);
    expect(compared?.[0]?.p).to.equal(0);
    expect(compared?.[1]?.p).to.be.closeTo(1 - Math.sqrt(75 / 77), 1e-9);
    const both = table([
      ...runs('resnet20:resnet8', 'kd', 50, 60, 70),
      ...runs('resnet20:resnet8', 'kd++', 52, 62.5, 73),
      ...runs('resnet20:resnet8', 'dkd', 50, 60, 70),
      ...runs('resnet20:resnet8', 'dkd++', 52, 62.5, 73),
    ]);
    for (const { p } of both.groups[0]?.overPairs ?? []) {
      expect(p).to.be.closeTo(2 * (1 - Math.sqrt(75 / 77)), 1e-9);
    }
    // Each column of a pair's table by itself, too.
    const rows = both.groups[0]?.pairs[0]?.rows ?? [];
    const plus = rows.filter(({ method }) => method.endsWith('++'));
    expect(plus).to.have.length(2);
    for (const { overBase, overStudent } of plus) {
      expect(overBase?.p).to.be.closeTo(2 * (1 - Math.sqrt(75 / 77)), 1e-9);
      expect(overStudent?.p).to.equal(null);
    }
  });

  it('counts no gain over runs with another recipe or teacher', () => {
    const under = (method: string, teacherHash: string, ...top1: number[]): Run[] =>
      runs('resnet20:resnet8', method, ...top1).map((run) => ({
        ...run,
        config: { ...run.config, recipe: { training: { method }, teacherHash } },
      }));
    const kd = under('kd', 'a', 50, 60, 70);
    const gained = (plus: Run[]): unknown => {
      const [group] = table([...kd, ...plus]).groups;
      const rows = group?.pairs[0]?.rows ?? [];
      const [plusRow] = rows.filter(({ method }) => method === 'kd++');
      return [
        group?.overPairs.map(({ gain }) => gain?.mean),
        plusRow?.overBase?.measured?.mean,
        group?.pairs[0]?.remarks,
      ];
    };
    expect(gained(under('kd++', 'a', 52, 62, 72))).to.deep.equal([[2], 2, []]);
    expect(gained(under('kd++', 'b', 52, 62, 72))).to.deep.equal([
      [],
      undefined,
      ['KD++: no gain over KD (recipe of KD++, ND 0), whose runs had another recipe or teacher.'],
    ]);
  });

  it('counts no gain over a student alone that was trained otherwise, but for how it began', () => {
    const trained = (method: string, training: object, ...top1: number[]): Run[] =>
      runs('resnet20:resnet8', method, ...top1).map((run) => ({
        ...run,
        config: { ...run.config, recipe: { training: { method, ...training } } },
      }));
    const gain = (alone: object): unknown =>
      table([
        ...trained('student', alone, 50, 60, 70),
        ...trained('kd', { epochs: 2 }, 53, 63, 73),
      ]).groups[0]?.pairs[0]?.rows.find(({ method }) => method === 'kd')?.overStudent?.measured
        ?.mean;
    expect(gain({ epochs: 2, linearStart: 'pytorch' })).to.equal(3);
    expect(gain({ epochs: 2, imagesPerReplica: 32 })).to.equal(undefined);
  });

  it('takes the pairs with both methods alone, in the order of their names, and counts no draw', () => {
    const [first, ...others] =
      table([
        ...runs('resnet56:resnet8', 'kd++', 50, 60, 70),
        ...runs('resnet56:resnet8', 'kd', 49, 60, 71),
        ...runs('resnet32:resnet8', 'kd++', 50),
        ...runs('resnet32:resnet8', 'kd', 48),
        ...runs('resnet44:resnet8', 'kd++', 50),
        ...runs('resnet110:resnet8', 'kd', 50),
      ]).groups[0]?.overPairs ?? [];
    expect(first?.pairs).to.deep.equal(['resnet32:resnet8', 'resnet56:resnet8']);
    // 50 − 49, 60 − 60 and 70 − 71; 50 − 48. Of the seeds both pairs have the first: (1 + 2) / 2.
    expect(first).to.include({ runs: 4, baseRuns: 4, couples: 4, won: 2 });
    expect(first?.gain?.values).to.deep.equal([1.5]);
    expect(others).to.deep.equal([]);
  });

  it('has no gain where the pairs share no seed, and leaves out a seed of the method alone', () => {
    const of = (pair: string, method: string, seed: number, top1: number): Run =>
      madeUpRun({ config: { pair, student: 'resnet8', method, seed }, top1: [99, top1] });
    const [first] =
      table([
        of('resnet20:resnet8', 'kd++', 1, 52),
        of('resnet20:resnet8', 'kd', 1, 50),
        of('resnet20:resnet8', 'kd++', 3, 60),
        of('resnet32:resnet8', 'kd++', 2, 57),
        of('resnet32:resnet8', 'kd', 2, 50),
      ]).groups[0]?.overPairs ?? [];
    expect(first).to.include({ couples: 2, won: 2, runs: 3, baseRuns: 2, gain: null, p: null });
  });
});
