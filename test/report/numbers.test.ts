import { expect } from 'chai';
import { formatDuration } from '../../lib/format-duration';
import { runEntry } from '../../lib/report/run-entries';
import {
  environmentInWords,
  environmentOf,
  runReference,
  unfinishedRun,
} from '../../lib/report/run-record';
import {
  count,
  formatP,
  toFixed2,
  formatInterval,
  toSigned2,
  formatSummary,
} from '../../lib/report/numbers';
import { madeUpRun, type MadeUpRun } from '../support/made-up-runs';

describe('numbers in words', () => {
  for (const [value, text] of [
    [1.5, '+1.50'],
    [-1.5, '−1.50'],
    [0.006, '+0.01'],
    [-0.006, '−0.01'],
    // Rounded to nothing it has no sign.
    [0.004, '0.00'],
    [-0.004, '0.00'],
  ] as const) {
    it(`${String(value)} with a sign is ${text}`, () => {
      expect(toSigned2(value)).to.equal(text);
    });
  }

  for (const [seconds, text] of [
    [45, '45 s'],
    [682, '11 min 22 s'],
    [3600 + 12 * 60 + 5, '1 h 12 min'],
    [59.6, '1 min 0 s'],
  ] as const) {
    it(`${String(seconds)} seconds are ${text}`, () => {
      expect(formatDuration(seconds)).to.equal(text);
    });
  }

  for (const [p, text] of [
    [0.0004, '< 0.001'],
    [0.001, '0.001'],
    [0.0494, '0.049'],
    [1, '1.000'],
    [null, '–'],
  ] as const) {
    it(`a p value of ${String(p)} is ${text}`, () => {
      expect(formatP(p)).to.equal(text);
    });
  }

  it('a mean has its deviation and number of runs, an interval its lower end first', () => {
    const summary = { values: [], seeds: [], n: 3, mean: 71.234, std: 0.306, interval: null };
    expect(formatSummary(summary, toFixed2)).to.equal('71.23 ± 0.31 (3)');
    expect(formatSummary({ ...summary, std: null, n: 1 }, toFixed2)).to.equal('71.23 (1)');
    expect(formatInterval({ low: -0.5, high: 1.25 }, toSigned2)).to.equal('−0.50 … +1.25');
    expect(formatInterval(null, toFixed2)).to.equal('–');
    expect([0, 1, 2].map((n) => count(n, 'run'))).to.deep.equal(['0 runs', '1 run', '2 runs']);
  });
});

describe('what ran a table', () => {
  const run = (seed: number, provenance: MadeUpRun['provenance']): ReturnType<typeof madeUpRun> =>
    madeUpRun({ config: { seed }, provenance: { ...provenance }, top1: [50, 60] });
  const [a, b] = ['a'.repeat(40), 'b'.repeat(40)];

  it('tells each state of the code with the number of its runs, and every seed once', () => {
    const environment = environmentOf([
      run(10, { revision: b }),
      run(2, { revision: a }),
      run(2, { revision: a }),
      run(1, { revision: a, dirty: true }),
    ]);
    expect(environmentInWords(environment)).to.equal(
      'seeds 1, 2, 10 · code: revision aaaaaaaaaaaa (2 runs); revision aaaaaaaaaaaa with uncommitted changes (1 run); revision bbbbbbbbbbbb (1 run)',
    );
  });

  it('tells how many runs are of a recipe from before it followed the released code', () => {
    const of = (method: string, training: Record<string, unknown>): ReturnType<typeof madeUpRun> =>
      madeUpRun({ config: { method, recipe: { training } }, top1: [50] });
    const older = { epochs: 240 };
    const today = { ...older, imagesPerReplica: 64 };
    const { older: found } = environmentOf([
      ...[of('kd++', older), of('student', older), of('kd+sifn', older), of('reviewkd', older)],
      ...[of('kd++', today), of('teacher', older), of('kd-published', older), of('crd', older)],
      // A detector's.
      of('kd', { iterations: 240 }),
    ]);
    expect(found).to.equal(4);
  });

  it('tells of a run its last epoch, its best one, and the time of all', () => {
    const finished = madeUpRun({
      provenance: { secondsPerEpoch: [100, 200.4], teacherTop1: 91.5 },
      top1: [62, 60],
    });
    const [reference] = runReference(finished, 'results');
    if (reference === undefined) return expect.fail('no reference');
    const entry = runEntry('KD', reference);
    expect(entry).to.include({ name: 'KD', score: '60.00 %', time: '5 min 0 s' });
    expect(entry.facts).to.deep.include.members([
      ['Top-1, last epoch', '60.00 %'],
      ['Top-1, best epoch', '62.00 % after 1 epoch'],
      ['Time', '5 min 0 s in 2 epochs, 1000 images/s'],
      ['Teacher', 'trained here, 91.50 % top-1'],
    ]);
  });

  it('tells of an unfinished run how far it came, and no number', () => {
    const cut = madeUpRun({
      config: { epochs: 5 },
      provenance: { ended: 'interrupted' },
      top1: [62, 60],
    });
    const entry = runEntry('KD', unfinishedRun(cut, 'results'));
    expect(entry.score).to.equal(null);
    expect(entry.facts.slice(0, 2)).to.deep.equal([
      ['Done', '2 of 5 epochs'],
      ['Ended', 'interrupted'],
    ]);
  });
});
