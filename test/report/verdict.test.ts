import { expect } from 'chai';
import { summarise, type Summary } from '../../lib/statistics/summary';
import { reasonsNotComparable, verdictOf } from '../../lib/report/verdict';
import { paperTable } from '../../lib/paper';
import { madeUpRun } from '../support/made-up-runs';

function measured(...values: number[]): Summary | null {
  return summarise(new Map(values.map((value, seed) => [seed, value])));
}

describe('verdict', () => {
  const reasons: string[] = [];

  it('is match when the paper’s number lies inside the interval, however far from the mean', () => {
    // Mean 71, interval 70 … 72.
    expect(verdictOf({ measured: measured(70, 72), paper: 71.9, reasons })).to.equal('match');
    expect(verdictOf({ measured: measured(70, 72), paper: 72, reasons })).to.equal('match');
  });

  it('is match within 0.3 of the mean, that is, with 0.3 itself', () => {
    expect(verdictOf({ measured: measured(72.83), paper: 72.53, reasons })).to.equal('match');
    expect(verdictOf({ measured: measured(72.23), paper: 72.53, reasons })).to.equal('match');
    expect(verdictOf({ measured: measured(72.84), paper: 72.53, reasons })).to.equal('above');
    expect(verdictOf({ measured: measured(72.22), paper: 72.53, reasons })).to.equal('below');
  });

  it('is above or below outside of both', () => {
    expect(verdictOf({ measured: measured(73, 73.2), paper: 72.53, reasons })).to.equal('above');
    expect(verdictOf({ measured: measured(71, 71.2), paper: 72.53, reasons })).to.equal('below');
  });

  it('is reduced in any other setting, even with the very number, and not run without a run', () => {
    const other = ['epochs 8 instead of 240'];
    expect(verdictOf({ measured: measured(72.53), paper: 72.53, reasons: other })).to.equal(
      'reduced',
    );
    expect(verdictOf({ measured: measured(10), paper: null, reasons: other })).to.equal('reduced');
    expect(verdictOf({ measured: null, paper: 72.53, reasons })).to.equal('not run');
    expect(verdictOf({ measured: measured(70), paper: null, reasons })).to.equal('no paper number');
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
    expect(reason({ teacherTop1: 72.2 })).to.equal('');
  });

  it('asks for no teacher of a student alone', () => {
    for (const method of ['student', 'student-published']) {
      expect(reasonsOf({ method }, { teacherSource: null, teacherTop1: null })).to.deep.equal([]);
    }
  });
});
