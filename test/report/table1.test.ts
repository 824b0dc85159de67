import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { buildTable1 } from '../../lib/report/table1/build';
import type { Table1, Table1Row } from '../../lib/report/table1/model';
import type { RunConfig } from '../../lib/runs/schema';
import type { Run } from '../../lib/runs/store';
import { madeUpRun, type MadeUpRun } from '../support/made-up-runs';

function table(runs: readonly Run[], methods: string[] = []): Table1 {
  return buildTable1({ study: 'table1', runs, root: 'results', methods });
}

function rowOf(built: Table1, pair: string, method: string, group = 0): Table1Row {
  const found = built.groups[group]?.pairs
    .find((candidate) => candidate.pair === pair)
    ?.rows.find((row) => row.method === method);
  if (found === undefined) throw new Error(`no row ${method} on ${pair}`);
  return found;
}

/** Seed to the two epochs' accuracies. */
const madeUp: Record<string, Record<number, [number, number]>> = {
  student: { 1: [60, 80], 2: [60, 81] },
  kd: { 1: [60, 81], 2: [60, 81.4] },
  'kd-published': { 1: [60, 80.5], 2: [60, 81.9] },
  'kd++': { 1: [82, 81.5], 2: [60, 82.5] },
};

const quick: Run[] = Object.entries(madeUp).flatMap(([method, seeds]) =>
  Object.entries(seeds).map(([seed, top1]) =>
    madeUpRun({ config: { method, seed: Number(seed) }, top1 }),
  ),
);

const teacher = madeUpRun({
  config: { pair: 'resnet20', teacher: null, student: 'resnet20', method: 'teacher', epochs: 3 },
  top1: [80, 90, 91],
});

/** A run in the paper's own setting that ends with this accuracy. */
function paperRun(
  method: string,
  seed: number,
  top1: number,
  changes: Partial<RunConfig> = {},
  provenance: MadeUpRun['provenance'] = {},
): Run {
  return madeUpRun({
    config: {
      pair: 'resnet56:resnet20',
      teacher: 'resnet56',
      student: 'resnet20',
      dataset: 'cifar100',
      scale: 'paper',
      epochs: 240,
      method,
      seed,
      ...changes,
    },
    provenance: { teacherSource: 'cifar_teachers.tar', teacherTop1: 72.34, ...provenance },
    top1: Array.from({ length: 240 }, (_, epoch) => (epoch === 239 ? top1 : 40)),
  });
}

describe('table 1 of a reduced study', () => {
  let built: Table1;
  beforeEach(() => {
    built = table([...quick, teacher]);
  });
  const pair = 'resnet20:resnet8';

  it('has the last epoch’s mean and spread, the best epoch apart', () => {
    const row = rowOf(built, pair, 'kd++');
    // (81.5 + 82.5) / 2; deviations ±0.5: √(0.5 / 1).
    expect(row.measured).to.deep.include({ n: 2, mean: 82, interval: null });
    expect(row.measured?.std).to.be.closeTo(Math.SQRT1_2, 1e-12);
    // (82 + 82.5) / 2: seed 1 was best after its first epoch.
    expect(row.best?.mean).to.equal(82.25);
    expect(row.runs[0]).to.deep.include({
      seed: 1,
      directory: 'runs/table1/resnet20-resnet8/kd++/seed-1',
      last: 81.5,
      best: 82,
      bestEpoch: 1,
    });
  });

  it('has the gains on equal seeds: over the student 1.5 and 1.5, over KD with ND 0 0.5 and 1.1', () => {
    const { overStudent, overBase } = rowOf(built, pair, 'kd++');
    expect(overStudent?.over).to.equal('student');
    expect(overStudent?.measured).to.deep.include({ n: 2, mean: 1.5, std: 0 });
    expect(overBase?.over).to.equal('kd');
    expect(overBase?.measured?.mean).to.be.closeTo(0.8, 1e-9);
    // Deviations ±0.3: √(0.18 / 1).
    expect(overBase?.measured?.std).to.be.closeTo(Math.sqrt(0.18), 1e-9);
    expect(rowOf(built, pair, 'kd').overBase).to.equal(null);
    expect(rowOf(built, pair, 'student').overStudent).to.equal(null);
  });

  it('has the gain over the published base too: 1 and 0.6', () => {
    const { overPublished } = rowOf(built, pair, 'kd++');
    expect(overPublished?.over).to.equal('kd-published');
    expect(overPublished?.measured?.seeds).to.deep.equal([1, 2]);
    expect(overPublished?.measured?.mean).to.be.closeTo(0.8, 1e-9);
    // Deviations ±0.2: √(0.08 / 1).
    expect(overPublished?.measured?.std).to.be.closeTo(Math.sqrt(0.08), 1e-9);
    expect(rowOf(built, pair, 'kd-published').overStudent).to.deep.include({
      over: 'student-published',
      measured: null,
    });
  });

  it('shows the paper’s range where the paper has not the pair: KD++ over KD +1.05 to +2.45', () => {
    const { paper, overBase, overPublished } = rowOf(built, pair, 'kd++');
    expect(paper).to.equal(null);
    // 74.59 − 73.54 on WRN40-2-WRN40-1 and 70.10 − 67.65 on R50-MBV2: over the published KD.
    expect(overPublished).to.deep.include({
      paper: null,
      paperRange: { low: 1.05, high: 2.45, pairs: 6 },
    });
    expect(overBase).to.deep.include({ paper: null, paperRange: null });
    expect(rowOf(built, pair, 'kd').overStudent?.paperRange).to.equal(null);
  });

  it('has a gain where the paper has the pair but not the row: no number and no range', () => {
    const own = table([paperRun('mine', 1, 70), paperRun('student', 1, 69)]);
    const { overStudent } = rowOf(own, 'resnet56:resnet20', 'mine');
    expect(overStudent).to.deep.include({ over: 'student', paper: null, paperRange: null });
    expect(overStudent?.measured?.values).to.deep.equal([1]);
    // Nor on another pair.
    const elsewhere = { pair, teacher: 'resnet20', student: 'resnet8' };
    const other = table([
      paperRun('mine', 1, 70, elsewhere),
      paperRun('student', 1, 69, elsewhere),
    ]);
    expect(rowOf(other, pair, 'mine').overStudent).to.deep.include({
      ...{ paper: null, paperRange: null },
    });
  });

  it('has the paper’s own gain alone where the paper has the pair', () => {
    const runs = [paperRun('kd++', 1, 72), paperRun('kd-published', 1, 71, { batchSize: 64 })];
    expect(rowOf(table(runs), 'resnet56:resnet20', 'kd++').overPublished).to.deep.include({
      ...{ paper: 1.87, paperRange: null },
    });
  });

  it('says reduced everywhere, with the reasons', () => {
    const [group] = built.groups;
    const told = group?.pairs.flatMap(({ rows }) => rows.map(({ verdict }) => verdict));
    expect(new Set(told)).to.deep.equal(new Set(['reduced']));
    expect(group?.reasons).to.include('data set fashion-mnist instead of cifar100');
    expect(group?.reasons).to.include('epochs 2 instead of 240');
  });

  it('has the teacher’s own row, whose schedule may be another', () => {
    const row = rowOf(built, pair, 'teacher');
    expect(row.measured?.mean).to.equal(91);
    expect(row.origin).to.equal('trained here');
    expect(row.runs.map(({ directory }) => directory)).to.deep.equal([
      'runs/table1/resnet20/teacher/seed-1',
    ]);
    expect(built.groups).to.have.length(1);
  });

  it('leaves out a teacher that taught none of its students', () => {
    const other = madeUpRun({
      config: { pair: 'resnet56', teacher: null, student: 'resnet56', method: 'teacher' },
      top1: [70, 95],
    });
    const both = table([...quick, teacher, other]);
    expect(rowOf(both, pair, 'teacher').measured?.mean).to.equal(91);
    // It stands in a table of its own.
    expect(both.groups).to.have.length(2);
    expect(rowOf(both, 'resnet56', 'teacher', 1).measured?.mean).to.equal(95);
  });

  it('gives each pair its own teacher', () => {
    const second = 'resnet14:resnet8';
    const runOf14 = madeUpRun({
      config: { pair: 'resnet14', teacher: null, student: 'resnet14', method: 'teacher' },
      top1: [70, 85],
    });
    const student = madeUpRun({
      config: { pair: second, teacher: 'resnet14', method: 'kd' },
      top1: [60, 70],
    });
    const both = table([...quick, teacher, student, runOf14]);
    expect(rowOf(both, pair, 'teacher').measured).to.include({ n: 1, mean: 91 });
    expect(rowOf(both, second, 'teacher').measured).to.include({ n: 1, mean: 85 });
  });

  it('names the first of several epochs that were best', () => {
    const even = table([madeUpRun({ config: { method: 'kd', epochs: 3 }, top1: [70, 80, 80] })]);
    expect(rowOf(even, pair, 'kd').runs[0]).to.include({ best: 80, bestEpoch: 2 });
  });

  it('compares ++ with both its bases over pairs', () => {
    const [sameRecipe, published, ...more] = built.groups[0]?.overPairs ?? [];
    expect(more).to.deep.equal([]);
    // 81.5 over 81 and 82.5 over 81.4.
    expect(sameRecipe).to.deep.include({ method: 'kd++', base: 'kd', pairs: [pair] });
    expect(sameRecipe).to.deep.include({ runs: 2, baseRuns: 2, couples: 2, won: 2, p: null });
    // 81.5 − 80.5 and 82.5 − 81.9.
    expect(published).to.deep.include({ method: 'kd++', base: 'kd-published' });
    expect(published?.gain?.mean).to.be.closeTo(0.8, 1e-9);
  });

  it('gives a row to a method that was asked for and not run', () => {
    expect(rowOf(table(quick, ['dkd']), pair, 'dkd')).to.include({
      verdict: 'not run',
      measured: null,
    });
  });
});

describe('table 1 in the paper’s setting', () => {
  const runs = [
    paperRun('student-published', 1, 69, { batchSize: 64 }),
    paperRun('student', 1, 69),
    paperRun('student', 2, 69.4),
    paperRun('kd-published', 1, 71.5, { batchSize: 64 }),
    paperRun('kd-published', 2, 71.7, { batchSize: 64 }),
    paperRun('kd-published', 3, 71.6, { batchSize: 64 }),
    paperRun('kd', 1, 72),
    paperRun('kd++', 1, 72.4),
    paperRun('kd++', 2, 72.6),
    paperRun('kd++', 3, 72.5),
  ];
  const pair = 'resnet56:resnet20';

  it('judges against the paper’s number and says by how much they differ', () => {
    const built = table(runs);
    // 72.5 ± 4.303 · 0.1 / √3, the paper 72.53.
    const row = rowOf(built, pair, 'kd++');
    expect(row.verdict).to.equal('reproduced');
    expect(row.difference).to.be.closeTo(-0.03, 1e-9);
    expect(row.overStudent?.paper).to.equal(3.47);
    // 71.6 ± 0.25, the paper 70.66.
    expect(rowOf(built, pair, 'kd-published').verdict).to.equal('differs');
    expect(rowOf(built, pair, 'dkd-published').verdict).to.equal('not run');
    expect(rowOf(built, pair, 'dkd-published').paper?.value).to.equal(71.97);
    expect(rowOf(built, pair, 'fitnet').paper?.value).to.equal(69.21);
    expect(built.groups[0]?.reasons).to.deep.equal([]);
    expect(built.groups[0]?.pairsNotRun).to.have.length(5);
  });

  it('gives the paper’s numbers to the published recipes, none to the same methods with ND 0', () => {
    const built = table(runs);
    expect(rowOf(built, pair, 'student-published').paper?.value).to.equal(69.06);
    expect(rowOf(built, pair, 'student')).to.include({ paper: null, difference: null });
    expect(rowOf(built, pair, 'kd')).to.include({ paper: null, verdict: 'no paper number' });
    expect(rowOf(built, pair, 'kd').overStudent).to.deep.include({ over: 'student', paper: null });
    const { overBase, overPublished } = rowOf(built, pair, 'kd++');
    expect(overBase?.paper).to.equal(null);
    // 72.53 − 70.66; measured 72.4 − 71.5, 72.6 − 71.7 and 72.5 − 71.6.
    expect(overPublished?.paper).to.equal(1.87);
    expect(overPublished?.measured?.mean).to.be.closeTo(0.9, 1e-9);
    const published = rowOf(built, pair, 'kd-published').overStudent;
    expect(published?.paper).to.equal(1.6);
    expect(published?.measured).to.deep.include({ seeds: [1], mean: 2.5 });
  });

  it('has the published recipes’ own batch beside the ++ rows’, and says so', () => {
    const { groups } = table(runs);
    expect(groups).to.have.length(1);
    expect(groups[0]?.setting.batchSize).to.equal(128);
    expect(groups[0]?.pairs[0]?.remarks).to.deep.equal([
      'In batches of 64, as published: Student (published recipe), KD (published recipe).',
    ]);
  });

  it('never takes a ++ row of another batch for the same table', () => {
    const { groups } = table([...runs, paperRun('dkd++', 1, 72, { batchSize: 64 })]);
    expect(groups.map(({ setting }) => setting.batchSize)).to.have.members([128, 64]);
  });

  it('takes the accuracy of a published teacher from what its students recorded', () => {
    const row = rowOf(table(runs), pair, 'teacher');
    expect(row).to.deep.include({
      verdict: 'inconclusive',
      origin: 'cifar_teachers.tar',
      runs: [],
    });
    expect(row.measured).to.deep.include({ mean: 72.34, n: 1 });
  });

  it('takes a published teacher’s accuracy even beside one of the same name that was trained here', () => {
    const trained = paperRun('teacher', 1, 60, {
      ...{ pair: 'resnet56', teacher: null, student: 'resnet56' },
    });
    const row = rowOf(table([...runs, trained]), pair, 'teacher');
    expect(row.measured?.mean).to.equal(72.34);
    expect(row.origin).to.equal('cifar_teachers.tar');
    // The run here is behind no number of the row.
    expect(row).to.deep.include({ best: null, runs: [] });
  });

  it('counts each teacher’s weights once, whatever their number of students', () => {
    const other = paperRun('dkd++', 1, 72, {}, { teacherTop1: 72.04, teacherHash: 'other' });
    // 72.34 of the first and 72.04.
    const row = rowOf(table([...runs, other]), pair, 'teacher');
    expect(row.measured).to.deep.include({ n: 2, seeds: [] });
    expect(row.measured?.mean).to.be.closeTo(72.19, 1e-9);
  });

  it('tells the students’ reasons, not those of a teacher with its own schedule', () => {
    const runOfTeacher = paperRun('teacher', 1, 72, {
      ...{ pair: 'resnet56', teacher: null, student: 'resnet56', epochs: 200 },
    });
    const short = { ...runOfTeacher, metrics: runOfTeacher.metrics.slice(0, 200) };
    const none = { teacherSource: null, teacherTop1: null };
    const built = table([paperRun('student', 1, 69, {}, none), short]);
    expect(rowOf(built, pair, 'teacher').reasons).to.deep.equal(['epochs 200 instead of 240']);
    expect(built.groups.map(({ reasons }) => reasons)).to.deep.equal([[]]);
  });

  it('has no difference from the paper’s number on other data', () => {
    const elsewhere = table([paperRun('kd++', 1, 72.5, { dataset: 'cifar10' })]);
    expect(rowOf(elsewhere, pair, 'kd++')).to.include({ difference: null, verdict: 'reduced' });
  });

  it('leaves unfinished runs out of every number and lists them', () => {
    const cut = paperRun('kd++', 4, 99);
    const unfinished: Run = { ...cut, metrics: cut.metrics.slice(0, 200) };
    const row = rowOf(table([...runs, unfinished]), pair, 'kd++');
    expect(row.measured?.n).to.equal(3);
    expect(row.unfinished).to.have.length(1);
    expect(row.unfinished[0]).to.deep.include({
      seed: 4,
      directory: 'runs/table1/resnet56-resnet20/kd++/seed-4',
      epochs: 200,
      of: 240,
      why: 'finished',
    });
  });

  it('says reduced when one seed’s teacher is another', () => {
    const other = paperRun(
      'kd++',
      4,
      72.5,
      {},
      { teacherSource: 'trained here', teacherHash: 'x' },
    );
    const built = table([...runs, other]);
    expect(rowOf(built, pair, 'kd++').verdict).to.equal('reduced');
    expect(rowOf(built, pair, 'kd-published').verdict).to.equal('differs');
    expect(built.groups[0]?.pairs[0]?.remarks.join()).to.include('2 different teachers');
  });

  it('says reduced when the recipe is not the paper’s', () => {
    const built = buildTable1({
      study: 'table1',
      runs,
      root: 'results',
      isPaperRecipe: ({ method }) => method !== 'kd++',
    });
    expect(rowOf(built, pair, 'kd++').verdict).to.equal('reduced');
    expect(rowOf(built, pair, 'kd-published').verdict).to.equal('differs');
  });
});

describe('runs that do not belong together', () => {
  it('are never averaged: other data, scale, epochs, precision, each its own table', () => {
    const config: Partial<RunConfig> = { method: 'kd', seed: 7 };
    const built = table([
      ...quick,
      madeUpRun({ config: { ...config, dataset: 'cifar10' }, top1: [1, 2] }),
      madeUpRun({ config: { ...config, scale: 'short' }, top1: [1, 2] }),
      madeUpRun({ config: { ...config, epochs: 3 }, top1: [1, 2, 3] }),
      madeUpRun({ config: { ...config, precision: 'bf16' }, top1: [1, 2] }),
      madeUpRun({ config, provenance: { dataHash: 'other' }, top1: [1, 2] }),
    ]);
    expect(built.groups).to.have.length(6);
    const sizes = built.groups.map(
      ({ pairs }) => pairs[0]?.rows.find(({ method }) => method === 'kd')?.measured?.n,
    );
    expect([...sizes].sort()).to.deep.equal([1, 1, 1, 1, 1, 2]);
    // The longest scale, then the longest schedule, comes first.
    expect(built.groups[0]?.setting.scale).to.equal('short');
    expect(built.groups[1]?.setting.epochs).to.equal(3);
  });

  it('are refused when two seeds of one cell have different recipes', () => {
    const other = madeUpRun({
      config: { method: 'kd', seed: 3, recipe: { optimiser: { name: 'adam' } } },
      top1: [1, 2],
    });
    expect(() => table([...quick, other])).to.throw(
      LabError,
      'the seeds of kd on resnet20:resnet8',
    );
  });
});
