import { join } from 'node:path';
import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { buildClaims } from '../../lib/report/claims/build';
import type { ClaimAtGlance } from '../../lib/report/claims/model';
import { table3Document } from '../../lib/report/table3/document';
import {
  runsOf,
  type Table3Group,
  table3Groups,
  type Table3Row,
} from '../../lib/report/table3/model';
import { renderCsv } from '../../lib/report/csv';
import type { DetectionEvaluation } from '../../lib/runs/schema';
import type { DetectionRun } from '../../lib/runs/store';
import { madeUpProvenance } from '../support/made-up-runs';
import { noRuns } from '../support/table1-report';

const pair = 'r101-fpn:r18-fpn';

/** A run in the paper's own setting, with some of it changed. */
interface MadeUp {
  readonly method: string;
  readonly seed?: number;
  /** Shares, as COCO's evaluation gives them. */
  readonly stats?: Partial<DetectionEvaluation['stats']>;
  readonly config?: Partial<DetectionRun['config']>;
  readonly provenance?: Partial<NonNullable<DetectionRun['provenance']>>;
}

function runOf({ method, seed = 1, stats = {}, config, provenance }: MadeUp): DetectionRun {
  const [teacher = '', student = ''] = pair.split(':');
  const isTeacher = method === 'teacher';
  return {
    directory: join('results', 'runs', 'table3', method, `seed-${String(seed)}`),
    config: {
      study: 'table3',
      scale: 'paper',
      pair: isTeacher ? teacher : pair,
      teacher: isTeacher ? null : teacher,
      student: isTeacher ? teacher : student,
      method,
      seed,
      dataset: 'coco',
      iterations: 180_000,
      batchSize: 8,
      precision: 'f32',
      recipeHash: '',
      recipe: {},
      ...config,
    },
    metrics: [],
    evaluation: {
      // Each its own, so that none can stand for another.
      stats: {
        ...{ AP: 0.31, AP50: 0.52, AP75: 0.33, APs: 0.14, APm: 0.35, APl: 0.46 },
        ...{ AR1: 0.27, AR10: 0.48, AR100: 0.59, ARs: 0.21, ARm: 0.62, ARl: 0.73 },
        ...stats,
      },
      byCategory: [],
      curves: { '0.50': [], '0.75': [] },
      images: 5000,
      detections: 1,
    },
    provenance: {
      ...madeUpProvenance({ teacherSource: 'r101-fpn.pkl' }),
      evaluationDataHash: '',
      firstWeights: 'resnet18.pth',
      secondsPerIteration: 1,
      evaluationSeconds: 1,
      AP: null,
      AP50: null,
      ...provenance,
    },
    problems: [],
  };
}

function groupOf(...runs: readonly MadeUp[]): Table3Group {
  return table3Groups('table3', runs.map(runOf))[0] ?? expect.fail('no group');
}

function rowOf({ pairs }: Table3Group, method: string): Table3Row {
  return pairs[0]?.rows.find((row) => row.method === method) ?? expect.fail(`no row ${method}`);
}

/** AP of the seeds 1, 2, … */
function seeds(method: string, ...shares: number[]): MadeUp[] {
  return shares.map((AP, index) => ({ method, seed: index + 1, stats: { AP } }));
}

describe('table 3', () => {
  let group: Table3Group;
  beforeEach(() => {
    group = groupOf(
      ...seeds('student', 0.2, 0.22),
      ...seeds('kd', 0.25, 0.27),
      // The third seed has nothing to be compared with.
      ...seeds('kd++', 0.3, 0.31, 0.9),
      ...seeds('reviewkd', 0.28, 0.24),
      ...seeds('reviewkd++', 0.36, 0.34),
      ...seeds('teacher', 0.42),
    );
  });

  it('has the rows in the paper’s order, the teacher’s before them', () => {
    expect(group.pairs[0]?.rows.map(({ label }) => label)).to.deep.equal([
      ...['Teacher', 'Student', 'KD', 'KD++', 'ReviewKD', 'ReviewKD++'],
    ]);
  });

  for (const [method, overStudent, overBase] of [
    ['teacher', null, null],
    ['student', null, null],
    // 25 − 20 and 27 − 22.
    ['kd', [5, 5], null],
    // 30 − 20 and 31 − 22; 30 − 25 and 31 − 27.
    ['kd++', [10, 9], [5, 4]],
    // 28 − 20 and 24 − 22.
    ['reviewkd', [8, 2], null],
    // 36 − 20 and 34 − 22; 36 − 28 and 34 − 24.
    ['reviewkd++', [16, 12], [8, 10]],
  ] as const) {
    it(`counts the gains of ${method} on equal seeds, over the student and over its own base`, () => {
      const row = rowOf(group, method);
      const rounded = (of: Table3Row['overBase']): number[] | null =>
        of?.values.map((value) => Number(value.toFixed(9))) ?? null;
      expect(rounded(row.overStudent)).to.deep.equal(overStudent);
      expect(rounded(row.overBase)).to.deep.equal(overBase);
    });
  }

  it('counts no gain over runs of another training or teacher', () => {
    const under = (method: string, recipe: object, AP: number): MadeUp => ({
      ...{ method, stats: { AP }, config: { recipe: { ...recipe } } },
    });
    const gains = (plus: object): unknown[] => {
      const built = groupOf(
        under('student', { training: { width: 24 } }, 0.2),
        under('kd', { training: { width: 24 }, teacherHash: 'a' }, 0.25),
        under('kd++', plus, 0.3),
      );
      const { overStudent, overBase } = rowOf(built, 'kd++');
      return [overStudent, overBase].map((gain) => gain?.mean.toFixed(3));
    };
    const training = { width: 24 };
    expect(gains({ training, teacherHash: 'a' })).to.deep.equal(['10.000', '5.000']);
    // A student alone has no teacher.
    expect(gains({ training, teacherHash: 'b' })).to.deep.equal(['10.000', undefined]);
    const wider = { training: { width: 32 }, teacherHash: 'a' };
    expect(gains(wider)).to.deep.equal([undefined, undefined]);
  });

  it('shows each figure in its own column, in percent', () => {
    const document = table3Document([group], 'results');
    const table = document.parts[0]?.blocks.find((block) => block.kind === 'table');
    if (table?.kind !== 'table') return expect.fail('no table');
    const text = (method: string): Map<string, string> => {
      const cells = table.rows.find(({ cells: [name] }) => name === method)?.cells ?? [];
      return new Map(
        cells.map((cell, index) => [
          table.head[index] ?? '',
          typeof cell === 'string' ? cell : cell.text,
        ]),
      );
    };
    expect([...text('KD++')]).to.deep.equal([
      ['method', 'KD++'],
      ['paper, AP', 'not known'],
      // 30, 31 and 90: deviations −20.33, −19.33 and 39.67, √(2360.67 / 2) = 34.36.
      ['AP', '50.33 ± 34.36 (3)'],
      ['AP50', '52.00'],
      ['AP75', '33.00'],
      ['APl', '46.00'],
      ['APm', '35.00'],
      ['APs', '14.00'],
      // √(0.5 / 1).
      ['gain over the student alone', '+9.50 ± 0.71 (2)'],
      ['gain of ++ over its base', '+4.50 ± 0.71 (2)'],
      ['verdict', 'no paper number'],
    ]);
    // Of two seeds no interval; 50.33 ± 4.30265 · 34.3560 / √3 = 85.34.
    const cells = table.rows.find(({ strong }) => strong)?.cells ?? [];
    expect(cells[2]).to.have.deep.property('below', ['-35.01 … 135.68']);
    expect([...text('Teacher').values()].slice(2, 4)).to.deep.equal(['42.00 (1)', '52.00']);
    expect([...text('Student').values()].slice(-3)).to.deep.equal(['', '', 'no paper number']);
  });

  it('has the same numbers in its CSV', () => {
    const [head = '', ...lines] = renderCsv(table3Document([group], 'results'))
      .trimEnd()
      .split('\n');
    const line = lines.find((cells) => cells.includes(',kd++,'))?.split(',') ?? [];
    const record = Object.fromEntries(
      head.split(',').map((name, index) => [name, line[index] ?? '']),
    );
    expect(record).to.include({ pair, method: 'kd++', paper_AP: '', AP_n: '3', AP_seeds: '1 2 3' });
    expect(record).to.include({ APl_mean: '46', APm_mean: '35', gain_over_base_seeds: '1 2' });
    expect(Number(record['APs_mean'])).to.be.closeTo(14, 1e-9);
    expect(Number(record['gain_over_student_mean'])).to.be.closeTo(9.5, 1e-9);
    expect(Number(record['gain_over_base_mean'])).to.be.closeTo(4.5, 1e-9);
    expect(record['run_directories']).to.equal(
      [1, 2, 3].map((seed) => `runs/table3/kd++/seed-${String(seed)}`).join(' '),
    );
  });

  it('tells of each run its own AP and AP50, of an unfinished one neither', () => {
    const built = groupOf(
      { method: 'kd++', stats: { AP: 0.3 }, provenance: { secondsPerIteration: 0.2 } },
      { method: 'kd', provenance: { ended: 'interrupted' } },
    );
    const entries = table3Document([built], 'results').parts[0]?.runs ?? [];
    expect(entries.map(({ name, score }) => [name, score])).to.deep.equal([
      [`${pair}, KD++, seed 1`, 'AP 30.00 %, AP50 52.00 %'],
      [`${pair}, KD, seed 1`, null],
    ]);
    // 0.2 s · 180,000.
    expect(entries[0]?.time).to.equal('10 h 0 min');
  });

  it('says where a number comes from one seed, and where no AP is a COCO AP', () => {
    const said = (...runs: MadeUp[]): string =>
      table3Document([groupOf(...runs)], 'results').parts[0]?.sentences.join(' ') ?? '';
    const small = { scale: 'quick', dataset: 'shapes' } as const;
    expect(said(...seeds('kd', 0.3, 0.4))).to.equal(
      'Of the paper’s figures only those of ReviewKD++ are known to us, second hand (results/paper/table3-coco.json).',
    );
    expect(said(...seeds('kd', 0.3, 0.4), ...seeds('kd++', 0.3))).to.contain('a single seed');
    expect(said({ method: 'kd', config: small })).to.contain(
      'small runs on shapes (evaluated on 5000 images)',
    );
    expect(said({ method: 'kd', config: { dataset: 'shapes' } })).to.contain(
      'no AP here is a COCO',
    );
    // A COCO AP, but not the paper's.
    expect(said({ method: 'kd', config: { iterations: 1000 } })).to.match(
      /^This is not the paper’s setting: iterations 1000 instead of 180000\. Of the paper’s/,
    );
  });

  it('has the pairs in the paper’s order', () => {
    const others = ['r50-fpn:mobilenet_v2-fpn', 'r101-fpn:r50-fpn', pair, 'a:b'];
    const built = groupOf(...others.map((other) => ({ method: 'kd', config: { pair: other } })));
    expect(built.pairs.map((of) => of.pair)).to.deep.equal([
      ...[pair, 'r101-fpn:r50-fpn', 'r50-fpn:mobilenet_v2-fpn', 'a:b'],
    ]);
  });

  it('has rows of its own after the paper’s, by name, and pairs of its own likewise', () => {
    const methods = ['mine', 'dkd', 'a', 'reviewkd++', 'reviewkd', 'kd++', 'kd', 'student'];
    const rows = groupOf(...methods.map((method) => ({ method }))).pairs[0]?.rows ?? [];
    expect(rows.map(({ method, label }) => [method, label])).to.deep.equal([
      ['student', 'Student'],
      ['kd', 'KD'],
      ['kd++', 'KD++'],
      ['reviewkd', 'ReviewKD'],
      ['reviewkd++', 'ReviewKD++'],
      ['dkd', 'DKD'],
      ['a', 'a'],
      ['mine', 'mine'],
    ]);
    const pairsOf = (...names: string[]): string[] =>
      groupOf(...names.map((name) => ({ method: 'kd', config: { pair: name } }))).pairs.map(
        (of) => of.pair,
      );
    expect(pairsOf('b:b', 'a:b', 'c:b', pair)).to.deep.equal([pair, 'a:b', 'b:b', 'c:b']);
  });

  it('is none without runs, and has a teacher’s row alone where it has no student', () => {
    expect(table3Groups('table3', [])).to.deep.equal([]);
    const [alone, ...others] = groupOf(...seeds('teacher', 0.42)).pairs;
    expect(others).to.deep.equal([]);
    expect(alone?.pair).to.equal('r101-fpn');
    expect(alone?.rows.map(({ method }) => method)).to.deep.equal(['teacher']);
    expect(groupOf(...seeds('kd', 0.3)).pairs[0]?.rows.map(({ method }) => method)).to.deep.equal([
      'kd',
    ]);
  });

  it('takes no run of another pair and no student for a teacher', () => {
    const built = groupOf(
      ...seeds('kd', 0.3),
      // A student of the teacher's name.
      { method: 'kd', seed: 2, config: { pair: 'r101-fpn' } },
    );
    expect(built.pairs.map((of) => of.rows.map(({ method }) => method))).to.deep.equal([
      ['kd'],
      ['kd'],
    ]);
    expect(built.pairs[0]?.rows[0]?.measured.AP?.seeds).to.deep.equal([1]);
  });

  it('counts no gain of a teacher over a student, and an AP of 0 as 0', () => {
    expect(rowOf(groupOf(...seeds('teacher', 0.42), ...seeds('kd', 0.3)), 'teacher')).to.include({
      ...{ overStudent: null, overBase: null },
    });
    expect(rowOf(groupOf(...seeds('kd', 0, 0.2)), 'kd').measured.AP?.values).to.deep.equal([0, 20]);
  });

  it('takes a run without its evaluation or its record for unfinished', () => {
    const done = runOf({ method: 'kd' });
    const [built] = table3Groups('table3', [
      { ...runOf({ method: 'kd', seed: 2 }), evaluation: null },
      { ...runOf({ method: 'kd', seed: 3 }), provenance: null },
      done,
    ]);
    const [of] = built?.pairs ?? [];
    expect(of?.rows[0]?.measured.AP?.seeds).to.deep.equal([1]);
    expect(of && runsOf(of)).to.deep.equal([done]);
    // Of the first run, which has a record here and none there.
    expect(built?.dataHash).to.equal('d'.repeat(64));
    const [unrecorded] = table3Groups('table3', [{ ...done, provenance: null }]);
    expect(unrecorded?.dataHash).to.equal(null);
  });

  it('gives each pair its own teacher', () => {
    const second = { pair: 'r50-fpn:mobilenet_v2-fpn', teacher: 'r50-fpn' };
    const built = groupOf(
      ...seeds('kd', 0.3),
      ...seeds('teacher', 0.42),
      { method: 'dkd', config: second },
      { method: 'teacher', stats: { AP: 0.4 }, config: { pair: 'r50-fpn' } },
    );
    const rows = built.pairs.map((of) =>
      of.rows.map(({ label, measured }) => [label, measured.AP?.n, measured.AP?.mean]),
    );
    expect(rows).to.deep.equal([
      [
        ['Teacher', 1, 42],
        ['KD', 1, 30],
      ],
      [
        ['Teacher', 1, 40],
        ['DKD', 1, 31],
      ],
    ]);
  });

  it('leaves out what was not finished, and a figure with nothing to find', () => {
    const built = groupOf(
      ...seeds('kd', 0.25),
      { method: 'kd', seed: 2, stats: { AP: 0.9 }, provenance: { ended: 'interrupted' } },
      { method: 'kd', seed: 3, stats: { AP: 0.27, APs: -1 } },
    );
    const { measured } = rowOf(built, 'kd');
    expect(measured.AP).to.deep.include({ seeds: [1, 3], mean: 26 });
    expect(measured.APs).to.deep.include({ seeds: [1] });
    expect(rowOf(groupOf({ method: 'kd', stats: { APs: -1 } }), 'kd').measured.APs).to.equal(null);
  });

  it('is the paper’s own setting with its data, scale, iterations, batch, teacher and first weights', () => {
    expect(rowOf(groupOf({ method: 'kd' }), 'kd')).to.deep.include({
      verdict: 'no paper number',
      reasons: [],
    });
  });

  for (const [change, reason] of [
    [{ config: { dataset: 'shapes' } }, 'data set shapes instead of coco'],
    [{ config: { scale: 'short' } }, 'scale short instead of paper'],
    [{ config: { iterations: 90_000 } }, 'iterations 90000 instead of 180000'],
    [{ config: { batchSize: 16 } }, 'batch 16 instead of 8'],
    [{ config: { precision: 'bf16' } }, 'precision bf16 instead of f32'],
    [{ provenance: { teacherSource: 'trained here' } }, 'the teacher was trained here'],
    [{ provenance: { firstWeights: 'random' } }, 'random first weights'],
  ] as const) {
    it(`is reduced, whatever the number, with ${reason}`, () => {
      const built = groupOf({ method: 'kd', ...change });
      expect(rowOf(built, 'kd')).to.deep.include({ verdict: 'reduced', reasons: [reason] });
    });
  }

  it('averages no seeds of another length, batch or data, and refuses those of another recipe', () => {
    const teacher = { method: 'teacher', config: { iterations: 270_000, batchSize: 16 } };
    const other = (seed: number, config: Partial<DetectionRun['config']>): MadeUp => ({
      ...{ method: 'kd', seed, stats: { AP: 0.9 }, config },
    });
    const runs = [
      ...[teacher, ...seeds('kd', 0.3, 0.32)],
      ...[other(3, { iterations: 90_000, recipeHash: 'b' }), other(4, { batchSize: 16 })],
      { ...other(5, {}), provenance: { dataHash: 'e'.repeat(64) } },
    ];
    const groups = table3Groups('table3', runs.map(runOf));
    expect(
      groups.map((group) => [
        rowOf(group, 'teacher').measured.AP?.n,
        rowOf(group, 'kd').measured.AP?.seeds,
      ]),
    ).to.deep.equal([
      [1, [1, 2]],
      [1, [4]],
      [1, [5]],
      [1, [3]],
    ]);
    const { parts, records } = table3Document(groups, 'results');
    expect(parts.map(({ title }) => title).filter((title) => /90000|16/.test(title))).to.eql([
      'coco · scale paper · 180000 iterations · batch 16',
      'coco · scale paper · 90000 iterations · batch 8',
    ]);
    expect(records.at(-1)).to.deep.include({ method: 'kd', iterations: 90_000, batch: 8 });
    expect(() => groupOf({ method: 'kd' }, other(2, { recipeHash: 'b' }))).to.throw(
      LabError,
      'the seeds of kd on r101-fpn:r18-fpn were run with different recipes',
    );
  });

  it('leaves a teacher its own schedule, but at the paper’s scale', () => {
    const config = { iterations: 270_000, batchSize: 16 };
    const built = groupOf({ method: 'teacher', config });
    expect(rowOf(built, 'teacher').reasons).to.deep.equal([]);
    const short = groupOf({ method: 'teacher', config: { ...config, scale: 'short' } });
    expect(rowOf(short, 'teacher').reasons).to.deep.equal(['scale short instead of paper']);
  });

  it('says what was not run', () => {
    const built = groupOf({ method: 'kd', provenance: { ended: 'running' } });
    expect(rowOf(built, 'kd')).to.deep.include({ verdict: 'not run', overStudent: null });
    expect(table3Document([built], 'results').parts[0]?.sentences).to.deep.equal([
      'No run is finished yet: there is nothing to compare.',
    ]);
  });

  it('tells whether ND carries over to detection: C8, by its own column of gains', () => {
    const claim = (...runs: readonly MadeUp[]): ClaimAtGlance =>
      buildClaims({ ...noRuns, table3: [groupOf(...runs)] }).find(({ id }) => id === 'C8') ??
      expect.fail('no claim');
    const worse = [...seeds('kd', 0.3, 0.31, 0.32), ...seeds('kd++', 0.2, 0.22, 0.21)];
    // −10, −9 and −11 points of AP.
    const { comparisons, ...rest } = claim(...worse);
    expect(comparisons[0]?.difference?.mean).to.be.closeTo(-10, 1e-9);
    expect(comparisons.map(({ outcome }) => outcome)).to.deep.equal(['contradicted', 'not run']);
    expect(rest).to.include({ outcome: 'contradicted', scale: 'full', unit: 'points of box AP' });
    expect(rest.ran).to.equal('COCO, r101-fpn → r18-fpn, 180000 iterations');
    const halved = worse.map((run) => ({ ...run, config: { iterations: 90_000 } }));
    expect(claim(...halved).scale).to.equal('toy');
  });
});
