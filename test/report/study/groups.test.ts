import { expect } from 'chai';
import { claimsOver, judgedOn } from '../../../lib/report/study/claims';
import { buildGroups } from '../../../lib/report/study/groups';
import { methodNotes } from '../../../lib/report/study/method-table';
import type { StudyGroup, StudyRow } from '../../../lib/report/study/model';
import type { Run } from '../../../lib/runs/store';
import { madeUpRun } from '../../support/made-up-runs';
import { studyRecords } from '../../../lib/report/study/records';
import { groupsOf, namedMethods, type StudyRun } from './made-up-study';

const methods = namedMethods('student', 'kd', 'kd++', 'kd+sifn', 'dkd', 'dkd++');
const pair = 'resnet20:resnet8';

function rowIn(groups: readonly StudyGroup[], method: string, of = pair): StudyRow {
  const found = groups[0]?.pairs
    .find((candidate) => candidate.pair === of)
    ?.rows.find((row) => row.method === method);
  if (found === undefined) throw new Error(`no row ${method} of ${of}`);
  return found;
}

/** The seeds 1, 2, … of a method. */
function seeds(method: string, ...top1: number[]): StudyRun[] {
  return top1.map((value, index) => ({ method, seed: index + 1, top1: value }));
}

describe('the rows of a study', () => {
  let all: readonly StudyGroup[];
  beforeEach(() => {
    all = groupsOf(
      [
        ...seeds('student', 40, 42),
        ...seeds('kd', 50, 54),
        // The third seed has nothing to be compared with.
        ...seeds('kd++', 53, 55, 99),
        ...seeds('kd+sifn', 51, 57),
        ...seeds('dkd', 60, 60.5),
        ...seeds('dkd++', 61, 63.5),
      ],
      methods,
    );
  });

  for (const [method, base, overBase, overStudent] of [
    ['student', null, null, null],
    // 50 − 40 and 54 − 42.
    ['kd', null, null, [10, 12]],
    // 53 − 50 and 55 − 54; 53 − 40 and 55 − 42.
    ['kd++', 'kd', [3, 1], [13, 13]],
    // 51 − 50 and 57 − 54; 51 − 40 and 57 − 42.
    ['kd+sifn', 'kd', [1, 3], [11, 15]],
    ['dkd', null, null, [20, 18.5]],
    // 61 − 60 and 63.5 − 60.5; 61 − 40 and 63.5 − 42.
    ['dkd++', 'dkd', [1, 3], [21, 21.5]],
  ] as const) {
    it(`count the gains of ${method} over ${base ?? 'no base'} and the student, seed by seed`, () => {
      const row = rowIn(all, method);
      expect(row.base).to.equal(base);
      expect(row.overBase?.values ?? null).to.deep.equal(overBase);
      expect(row.overStudent?.values ?? null).to.deep.equal(overStudent);
    });
  }

  it('tell the last epoch from the best one, and measure the student, not its teacher', () => {
    const after = { teacherNorm: 12, studentNorm: 9, teacherCosine: 0.75, cosineToClassMean: 0.5 };
    const before = { testTop1: 52, studentNorm: 3 };
    const between = { testTop1: 51, studentNorm: 6, teacherNorm: 4, cosineToClassMean: 0.7 };
    const row = rowIn(
      groupsOf([{ method: 'kd', top1: 50, first: before, between, last: after }], methods),
      'kd',
    );
    expect(row.top1?.mean).to.equal(50);
    expect(row.best?.mean).to.equal(52);
    expect(row.studentNorm?.mean).to.equal(9);
    expect(row.teacherNorm).to.equal(12);
    expect(row.cosine?.mean).to.equal(0.5);
    expect(row.teacherCosine).to.equal(0.75);
  });

  it('have the classes’ cosines in the classes’ order, each the mean over the seeds', () => {
    const row = rowIn(
      groupsOf(
        [
          {
            ...{ method: 'kd', seed: 1, top1: 50 },
            first: { cosineByClass: [0.125, 0.25, null] },
            between: { cosineByClass: [0, 0, 0] },
            last: { cosineByClass: [0.25, 0.5, 0.75] },
          },
          {
            ...{ method: 'kd', seed: 2, top1: 50 },
            first: { cosineByClass: [0.375, 0.5, 0.5] },
            between: {},
            last: { cosineByClass: [0.5, 0.75, 1] },
          },
        ],
        methods,
      ),
      'kd',
    );
    expect(row.cosineByClass).to.deep.equal([0.375, 0.625, 0.875]);
  });

  it('have no cosine of a class that no seed shows, and none where none was measured', () => {
    const one = { method: 'kd', top1: 50, last: { cosineByClass: [0.25, null, 0.75] } };
    const row = rowIn(groupsOf([one], methods), 'kd');
    expect(row.cosineByClass).to.deep.equal([0.25, 0.75]);
    expect(rowIn(groupsOf([one], methods), 'dkd').cosineByClass).to.deep.equal([]);
  });

  it('have both networks’ sizes and the teacher’s accuracy', () => {
    const provenance = { parameters: 78_042, teacherParameters: 272_474, teacherTop1: 69.5 };
    const [group] = groupsOf([{ method: 'kd', top1: 50, provenance }], methods);
    expect(group?.pairs[0]).to.deep.include({
      ...{ teacher: 'resnet20', student: 'resnet8', teacherTop1: 69.5 },
      ...{ teacherParameters: 272_474, studentParameters: 78_042 },
    });
  });

  it('have a teacher’s size from its own run, where it has one', () => {
    const kd = { method: 'kd', top1: 50, provenance: { teacherParameters: 1, teacherTop1: null } };
    const teacher = (name: string, parameters: number): StudyRun => ({
      ...{ method: 'teacher', pair: name, top1: 70, provenance: { parameters } },
    });
    const sizes = (...runs: StudyRun[]): unknown[] => {
      const [group] = groupsOf([kd, ...runs], methods);
      const [of] = group?.pairs ?? [];
      return [of?.teacherParameters, of?.studentParameters, of?.teacherTop1];
    };
    expect(sizes({ ...kd, seed: 2, provenance: null })).to.deep.equal([1, 78_042, null]);
    const other = { method: 'kd', pair: 'resnet56:resnet8', top1: 50 };
    expect(sizes(other, teacher('resnet56', 900_000), teacher('resnet20', 300_000))).to.deep.equal([
      300_000,
      78_042,
      null,
    ]);
    // Nobody noted them.
    const [none] = groupsOf([{ ...kd, provenance: null }], methods);
    expect(none?.pairs[0]).to.deep.include({
      ...{ teacherParameters: null, studentParameters: null, teacherTop1: null },
    });
  });

  it('leave out unfinished runs', () => {
    const cut = { last: { cosineByClass: [0.5] }, first: { cosineByClass: [1] }, finished: false };
    const row = rowIn(
      groupsOf([...seeds('kd', 50), { method: 'kd', seed: 2, top1: 90, ...cut }], methods),
      'kd',
    );
    expect(row.top1).to.deep.include({ seeds: [1], mean: 50 });
    expect(row.best).to.deep.include({ seeds: [1], mean: 50 });
    expect(row.cosineByClass).to.deep.equal([]);
    expect(row.runs.map(({ seed }) => seed)).to.deep.equal([1]);
    expect(row.unfinished.map(({ seed }) => seed)).to.deep.equal([2]);
  });
});

describe('the student alone beside other teachers', () => {
  const recipe = (learningRate: number): Pick<StudyRun, 'recipe'> => ({
    recipe: { training: { learningRate, method: { terms: [] } } },
  });
  const elsewhere = { method: 'student', pair: 'resnet56:resnet8', ...recipe(0.1) };
  const kd = { method: 'kd', top1: 50, ...recipe(0.1) };
  const overStudent = (...runs: StudyRun[]): readonly number[] | null =>
    rowIn(groupsOf([kd, ...runs], methods), 'kd').overStudent?.values ?? null;

  it('serves as well, as it learns from none', () => {
    expect(overStudent({ ...elsewhere, top1: 44 })).to.deep.equal([6]);
  });

  it('gives way to that of the own pair with the same seed', () => {
    const own = { ...elsewhere, pair, top1: 47 };
    expect(overStudent({ ...elsewhere, top1: 44 }, own)).to.deep.equal([3]);
    expect(overStudent(own, { ...elsewhere, top1: 44 })).to.deep.equal([3]);
  });

  it('has a row where the first of the other methods has another recipe', () => {
    const own = { method: 'student', pair, top1: 41 };
    const groups = groupsOf(
      [
        { method: 'dkd', top1: 55, ...recipe(0.05) },
        { method: 'kd', top1: 50, ...recipe(0.1) },
        { ...own, ...recipe(0.1) },
      ],
      methods,
    );
    expect(rowIn(groups, 'student').top1?.mean).to.equal(41);
    expect(rowIn(groups, 'kd').overStudent?.mean).to.equal(9);
    expect(rowIn(groups, 'dkd').overStudent).to.equal(null);
    // Beside another pair, where this one has none of its own.
    const beside = groupsOf(
      [
        { method: 'dkd', top1: 55, ...recipe(0.05) },
        { method: 'kd', top1: 50, ...recipe(0.1) },
        elsewhere,
      ].map((run) => ({ top1: 40, ...run })),
      methods,
    );
    expect(rowIn(beside, 'student').top1?.mean).to.equal(40);
  });

  it('does not with another recipe, or when it is another student', () => {
    expect(overStudent({ ...elsewhere, top1: 44, ...recipe(0.05) })).to.equal(null);
    expect(overStudent({ ...elsewhere, top1: 44, pair: 'resnet56:resnet14' })).to.equal(null);
  });
});

describe('the gains of a study', () => {
  const under = (teacherHash: string, learningRate = 0.1): Pick<StudyRun, 'recipe'> => ({
    recipe: { training: { learningRate, method: { terms: [] } }, teacherHash },
  });
  const claimed = (plus: Pick<StudyRun, 'recipe'>): readonly [unknown, unknown, string] => {
    const runs = [
      ...seeds('kd', 50, 51, 52).map((run) => ({ ...run, ...under('a') })),
      ...seeds('kd++', 53, 54, 55).map((run) => ({ ...run, ...plus })),
    ];
    const groups = groupsOf(runs, methods);
    const [of] = groups[0]?.pairs ?? [];
    if (of === undefined) throw new Error('no pair');
    const [claim] = judgedOn(of, claimsOver('kd++', { kd: 'ND helps' }));
    return [
      rowIn(groups, 'kd++').overBase?.mean ?? null,
      claim?.outcome,
      methodNotes([of]).items.join(' '),
    ];
  };

  it('compare what differs by its losses alone', () => {
    const [gain, outcome, notes] = claimed(under('a'));
    expect([gain, outcome]).to.deep.equal([3, 'reproduced']);
    expect(notes).not.to.contain('no gain');
  });

  it('are none over a base with another teacher or another recipe, and this is said', () => {
    for (const plus of [under('b'), under('a', 0.05)]) {
      const [gain, outcome, notes] = claimed(plus);
      expect([gain, outcome]).to.deep.equal([null, 'not run']);
      expect(notes).to.contain(
        'kd++ on resnet20:resnet8: no gain over kd, whose runs had another recipe or teacher.',
      );
    }
  });
});

describe('the pairs of a study', () => {
  const pairs = (runs: readonly StudyRun[], own?: readonly string[]): string[] | undefined =>
    groupsOf(runs, methods, own && new Set(own))[0]?.pairs.map((of) => of.pair);
  const at = (method: string, of: string): StudyRun => ({ method, pair: of, top1: 50 });

  it('are those with more than a student alone, in the order of their names', () => {
    const runs = [at('kd', 'c:d'), at('student', 'b:d'), at('kd', 'a:d'), at('student', 'a:d')];
    expect(pairs(runs)).to.deep.equal(['a:d', 'c:d']);
    expect(pairs([at('student', 'b:d')])).to.equal(undefined);
  });

  it('are those with one of its own rows, where it has some', () => {
    const runs = [at('kd', 'a:d'), at('kd+sifn', 'b:d'), at('student', 'c:d')];
    expect(pairs(runs, ['kd+sifn'])).to.deep.equal(['b:d']);
    expect(pairs(runs, ['student'])).to.deep.equal(['c:d']);
    expect(pairs(runs, ['dkd'])).to.equal(undefined);
  });

  it('have the student alone of another teacher in their own row too, and no other row’s', () => {
    const elsewhere = { ...at('student', 'resnet56:resnet8'), top1: 44 };
    const own = { ...at('student', 'resnet32:resnet8'), top1: 46 };
    const groups = groupsOf(
      [at('kd', pair), elsewhere, at('kd', 'resnet32:resnet8'), own, at('dkd', 'resnet56:resnet8')],
      methods,
    );
    const top1 = (method: string, of: string): unknown => rowIn(groups, method, of).top1?.values;
    expect(top1('student', 'resnet56:resnet8')).to.deep.equal([44]);
    expect(top1('student', 'resnet32:resnet8')).to.deep.equal([46]);
    expect(top1('kd', 'resnet56:resnet8')).to.equal(undefined);
    expect(top1('dkd', pair)).to.equal(undefined);
  });

  it('have rows of this study’s methods alone, and its environment of their runs alone', () => {
    const on = (of: StudyRun, processor: string): StudyRun => ({
      ...of,
      provenance: { processor },
    });
    const runs = [
      on(at('kd', 'a:d'), 'one'),
      on(at('crd', 'a:d'), 'two'),
      on(at('student', 'b:d'), 'three'),
      on({ method: 'teacher', pair: 'a', top1: 70 }, 'four'),
      on({ method: 'teacher', pair: 'b', top1: 70 }, 'five'),
    ];
    const [group] = groupsOf(runs, methods);
    expect(group?.pairs[0]?.rows.map(({ method }) => method)).to.deep.equal(
      methods.map(({ id }) => id),
    );
    const environment = JSON.stringify(group?.environment);
    const named = ['one', 'two', 'three', 'four', 'five'].filter((name) =>
      environment.includes(`"${name}"`),
    );
    expect(named).to.deep.equal(['one', 'four']);
  });

  it('have verdicts at a reduced scale where all their finished runs have converged', () => {
    const run = (method: string, top1: readonly number[], epochs = 40): Run =>
      madeUpRun({ config: { dataset: 'cifar100', scale: 'short', method, epochs }, top1 });
    const scaleOf = (...runs: readonly Run[]): unknown =>
      buildGroups({ runs, methods, root: 'results' })[0]?.pairs[0]?.claimScale;
    const flat = Array.from({ length: 40 }, () => 70);
    const rising = flat.map((value, epoch) => value + epoch);
    expect(scaleOf(run('kd', flat))).to.equal('reduced');
    expect(scaleOf(run('kd', flat), run('dkd', rising))).to.equal('toy');
    expect(scaleOf(run('kd', flat), run('dkd', rising.slice(0, 39)))).to.equal('reduced');
    expect(scaleOf(run('kd', [1]))).to.equal('toy');
  });
});

describe('the teachers of a study', () => {
  it('stand in the order of their sizes with their own norms and last epochs', () => {
    const teacher = (
      pairName: string,
      top1: number,
      norm: number,
      parameters: number,
    ): StudyRun => ({
      ...{ method: 'teacher', pair: pairName, top1, first: { testTop1: 99 }, between: {} },
      last: { studentNorm: norm, teacherNorm: null },
      provenance: { parameters },
    });
    const [group] = groupsOf(
      [
        { method: 'kd', top1: 50, pair: 'resnet56:resnet8' },
        { method: 'kd', top1: 50, pair },
        teacher('resnet56', 72, 15, 900_000),
        teacher('resnet20', 69, 12, 300_000),
        // Neither finished nor recorded.
        { ...teacher('resnet56', 99, 99, 1), seed: 2, finished: false },
        { ...teacher('resnet20', 99, 99, 1), seed: 3, provenance: null },
      ],
      methods,
    );
    expect(
      group?.family.map(({ model, parameters, top1, norm }) => [model, parameters, top1, norm]),
    ).to.deep.equal([
      ['resnet20', 300_000, 69, 12],
      ['resnet56', 900_000, 72, 15],
    ]);
  });
});

describe('a study’s CSV', () => {
  it('has each number in its own column', () => {
    const last = { studentNorm: 9, teacherNorm: 12, cosineToClassMean: 0.5, teacherCosine: 0.75 };
    const provenance = { parameters: 78_042, teacherParameters: 272_474, teacherTop1: 69.5 };
    const more = { last, provenance };
    const [record] = studyRecords(
      groupsOf(
        [
          { method: 'student', top1: 40, ...more },
          { method: 'kd', top1: 50, ...more },
          { method: 'kd++', seed: 1, top1: 53, first: { testTop1: 58 }, ...more },
          { method: 'kd++', seed: 2, top1: 55, ...more },
        ],
        methods,
      ),
    ).filter(({ method }) => method === 'kd++');
    expect(record).to.include({
      ...{ teacher_parameters: 272_474, student_parameters: 78_042, teacher_top1: 69.5 },
      ...{ top1_mean: 54, top1_n: 2, top1_seeds: '1 2', best_top1_mean: 56.5 },
      top1_std: Math.SQRT2,
      ...{ base: 'kd', gain_over_base_mean: 3, gain_over_student_mean: 13 },
      ...{ student_norm_mean: 9, teacher_norm: 12, cosine_mean: 0.5, teacher_cosine: 0.75 },
    });
  });
});
