import { expect } from 'chai';
import { summarise, type Summary } from '../../lib/statistics/summary';
import { reasonsNotComparable, teacherEvidence, verdictOf } from '../../lib/report/verdict';
import { paperTable } from '../../lib/paper';
import type { Run } from '../../lib/runs/store';
import { type MadeUpRun, madeUpRun } from '../support/made-up-runs';

function measured(...values: number[]): Summary | null {
  return summarise(new Map(values.map((value, seed) => [seed, value])));
}

describe('verdict', () => {
  const reasons: string[] = [];

  for (const [values, verdict] of [
    // 72.5 ± 4.303 · 0.1 / √3 = 0.25, within 72.53 ± 0.5.
    [[72.4, 72.5, 72.6], 'reproduced'],
    // 72.5 ± 4.303 · 0.3 / √3 = 0.75 reaches 71.75.
    [[72.2, 72.5, 72.8], 'inconclusive'],
    // 74 ± 0.25 is above 73.03, 71 ± 0.25 below 72.03.
    [[73.9, 74, 74.1], 'differs'],
    [[70.9, 71, 71.1], 'differs'],
    // The very number, from too few seeds.
    [[72.53, 72.53], 'inconclusive'],
    [[72.53], 'inconclusive'],
  ] as const) {
    it(`is ${verdict} of ${values.join(', ')} beside the paper’s 72.53`, () => {
      expect(verdictOf({ measured: measured(...values), paper: 72.53, reasons })).to.equal(verdict);
    });
  }

  it('is reduced in any other setting, even with the very number, and not run without a run', () => {
    const other = ['epochs 8 instead of 240'];
    const same = measured(72.53, 72.53, 72.53);
    expect(verdictOf({ measured: same, paper: 72.53, reasons })).to.equal('reproduced');
    expect(verdictOf({ measured: same, paper: 72.53, reasons: other })).to.equal('reduced');
    expect(verdictOf({ measured: measured(10), paper: null, reasons: other })).to.equal('reduced');
    expect(verdictOf({ measured: null, paper: 72.53, reasons })).to.equal('not run');
    expect(verdictOf({ measured: measured(70), paper: null, reasons })).to.equal('no paper number');
  });
});

describe('the accuracy of a pair’s teacher', () => {
  const student = (seed: number, provenance: NonNullable<MadeUpRun['provenance']>): Run =>
    madeUpRun({ config: { seed }, provenance, top1: [1, 2] });
  const own = madeUpRun({ config: { method: 'teacher' }, top1: [50, 60] });
  const here = { teacherSource: 'trained here', teacherTop1: 60, teacherHash: 'a' };
  const published = { teacherSource: 'a.pth', teacherTop1: 70, teacherHash: 'b' };

  for (const [title, runs, students, top1, origin, seen] of [
    ['is unknown without any run', [], [], null, null, 0],
    ['is that of its own run, trained here', [own], [student(1, here)], [60], 'trained here', 0],
    [
      'is what its students noted',
      [],
      [student(1, published), student(2, published)],
      [70],
      'a.pth',
      2,
    ],
    // One of the two is the published one: then the row is not that of the run here.
    [
      'is that of each different one where one was published',
      ...[[own], [student(1, here), student(2, published)], [60, 70], 'trained here; a.pth', 2],
    ],
    [
      'is not what was not noted',
      [own],
      [student(1, { teacherTop1: null })],
      [60],
      'trained here',
      0,
    ],
    [
      'is of unknown origin where only a number was noted',
      ...[[], [student(1, { ...published, teacherSource: null })], [70], 'unknown origin', 1],
    ],
  ] as [string, Run[], Run[], number[] | null, string | null, number][]) {
    it(title, () => {
      const found = teacherEvidence(runs, students);
      expect(found.measured?.values ?? null).to.deep.equal(top1);
      expect(found.origin).to.equal(origin);
      expect(found.seenIn).to.have.length(seen);
    });
  }

  it('is not taken from a student without a record', () => {
    const unrecorded = { ...student(1, published), provenance: null };
    expect(teacherEvidence([], [unrecorded])).to.deep.equal({
      ...{ measured: null, origin: null, seenIn: [] },
    });
  });
});

describe('the paper’s own setting', () => {
  const { setting } = paperTable('table1');
  const paper = { setting, paperTeacher: 72.34, isPaperRecipe: () => true };
  const config = {
    dataset: 'cifar100',
    scale: 'paper',
    epochs: 240,
    batchSize: 128,
    pair: 'resnet56:resnet20',
  } as const;
  const published = { teacherSource: 'cifar_teachers.tar', teacherTop1: 72.34 };
  const reasonsOf = (
    changes: Parameters<typeof madeUpRun>[0]['config'],
    provenance: Parameters<typeof madeUpRun>[0]['provenance'] = published,
    isPaperRecipe = paper.isPaperRecipe,
  ): string[] =>
    reasonsNotComparable(madeUpRun({ config: { ...config, ...changes }, provenance, top1: [] }), {
      ...paper,
      isPaperRecipe,
    });

  it('is met by its data, schedule, batch, recipe and teacher', () => {
    expect(reasonsOf({})).to.deep.equal([]);
  });

  it('is not met when one of them differs, which is named', () => {
    expect(reasonsOf({ dataset: 'cifar10' })).to.deep.equal([
      'data set cifar10 instead of cifar100',
    ]);
    expect(reasonsOf({ scale: 'short' })).to.deep.equal(['scale short instead of paper']);
    expect(reasonsOf({ epochs: 30 })).to.deep.equal(['epochs 30 instead of 240']);
    expect(reasonsOf({ batchSize: 64 })).to.deep.equal(['batch 64 instead of 128']);
    const recipe = 'the recipe is not the paper’s';
    expect(reasonsOf({ method: 'kd++' }, published, () => false)).to.deep.equal([recipe]);
    expect(reasonsOf({ method: 'kd-published' }, published, () => false)).to.deep.equal([recipe]);
  });

  it('leaves the batch of a published recipe to that recipe', () => {
    expect(reasonsOf({ method: 'kd-published', batchSize: 64 })).to.deep.equal([]);
    expect(reasonsOf({ method: 'crd', batchSize: 64 })).to.deep.equal([]);
    expect(reasonsOf({ method: 'kd++', batchSize: 64 })).to.deep.equal(['batch 64 instead of 128']);
  });

  it('has no recipe to differ from where the paper has no such row', () => {
    expect(reasonsOf({ method: 'kd' }, published, () => false)).to.deep.equal([]);
  });

  it('is not met with a teacher trained here, of unknown origin or of other accuracy', () => {
    const reason = (provenance: Parameters<typeof reasonsOf>[1]): string =>
      reasonsOf({}, { ...published, ...provenance }).join();
    expect(reason({ teacherSource: 'trained here' })).to.include('trained here');
    expect(reason({ teacherSource: null })).to.include('origin');
    expect(reason({ teacherTop1: null })).to.include('not measured');
    expect(reason({ teacherTop1: 71.9 })).to.equal(
      'a teacher of 71.90 % instead of the paper’s 72.34 %',
    );
    // 0.3 from the paper’s 72.34 on either side is still the paper’s teacher.
    for (const [teacherTop1, same] of [
      ...([
        [72.04, true],
        [72.64, true],
        [72.03, false],
        [72.65, false],
      ] as const),
    ]) {
      expect(reason({ teacherTop1 }) === '', String(teacherTop1)).to.equal(same);
    }
  });

  it('has no accuracy of a teacher to differ from where the paper has none', () => {
    const run = madeUpRun({ config, provenance: { ...published, teacherTop1: 10 }, top1: [] });
    expect(reasonsNotComparable(run, { ...paper, paperTeacher: null })).to.deep.equal([]);
    const unrecorded = reasonsNotComparable({ ...run, provenance: null }, paper);
    expect(unrecorded.join()).to.include('origin was not recorded');
  });

  it('asks for no teacher of a student alone', () => {
    for (const method of ['student', 'student-published']) {
      expect(reasonsOf({ method }, { teacherSource: null, teacherTop1: null })).to.deep.equal([]);
    }
  });
});
