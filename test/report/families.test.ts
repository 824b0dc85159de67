import { expect } from 'chai';
import { familiesOf } from '../../lib/report/table1/families';
import { buildTable1 } from '../../lib/report/table1/build';
import { madeUpRun } from '../support/made-up-runs';

function labels(...methods: string[]): [string, string[]][] {
  const runs = methods.map((method) => madeUpRun({ config: { method }, top1: [50, 60] }));
  const pair = buildTable1({ study: 'table1', runs, root: 'results' }).groups[0]?.pairs[0];
  return familiesOf(pair ?? { curves: [] }).map(({ label, series }) => [
    label,
    series.map((line) => line.label),
  ]);
}

describe('families of methods', () => {
  it('hold a ++ method, its two bases and the students alone', () => {
    expect(labels('student', 'student-published', 'kd', 'kd-published', 'kd++')).to.deep.equal([
      ['KD', ['KD++', 'KD, ND 0', 'KD, published', 'Student, published', 'Student']],
    ]);
  });

  it('hold the older methods together and any other method for itself', () => {
    expect(labels('student', 'crd', 'fitnet', 'mine', 'dkd++')).to.deep.equal([
      ['Older methods', ['FitNet', 'CRD', 'Student']],
      ['DKD', ['DKD++', 'Student']],
      ['mine', ['mine', 'Student']],
    ]);
    expect(labels('student')).to.deep.equal([['Student alone', ['Student']]]);
    expect(labels()).to.deep.equal([]);
  });

  it('tell their lines apart by colour and by dashes', () => {
    const methods = ['student', 'student-published', 'kd', 'kd-published', 'kd++'];
    const older = ['student-published', 'fitnet', 'rkd', 'pkt', 'ofd', 'crd'];
    for (const together of [methods, older]) {
      const curves = together.flatMap((method) =>
        buildTable1({
          study: 'table1',
          runs: [madeUpRun({ config: { method }, top1: [50, 60] })],
          root: 'results',
        }).groups.flatMap(({ pairs }) => pairs.flatMap((pair) => pair.curves)),
      );
      const series = familiesOf({ curves }).flatMap((family) => family.series);
      expect(series).to.have.length(together.length);
      const looks = series.map(({ style }) => `${style.color} ${style.dash.join(' ')}`);
      expect(new Set(looks).size).to.equal(together.length);
    }
  });
});
