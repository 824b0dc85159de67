import { expect } from 'chai';
import type { Cell, TableBlock } from '../../lib/report/document';
import { buildTable1 } from '../../lib/report/table1/build';
import {
  basesTable,
  conclusionOf,
  rowsTable,
  table1Document,
} from '../../lib/report/table1/document';
import type { Table1, Table1Group, Table1Pair } from '../../lib/report/table1/model';
import { footnotes, whatCanBeCompared } from '../../lib/report/table1/statements';
import { renderCsv } from '../../lib/report/csv';
import { markdownList } from '../../lib/report/writers/markdown';
import type { RunConfig } from '../../lib/runs/schema';
import type { Run } from '../../lib/runs/store';
import { madeUpRun } from '../support/made-up-runs';

const paperPair: Partial<RunConfig> = {
  ...{ pair: 'resnet56:resnet20', teacher: 'resnet56', student: 'resnet20' },
  ...{ dataset: 'cifar100', scale: 'paper' },
};

/** The seeds 1, 2, … of a method: top-1 after the first epoch, and after the last. */
function seeds(
  method: string,
  ends: readonly (readonly [number, number])[],
  config: Partial<RunConfig> = {},
): Run[] {
  return ends.map((top1, index) =>
    madeUpRun({ config: { method, seed: index + 1, ...config }, top1: [...top1] }),
  );
}

function tableOf(...runs: readonly (readonly Run[])[]): Table1 {
  return buildTable1({ study: 'table1', runs: runs.flat(), root: 'results' });
}

function onlyGroup({ groups: [group] }: Table1): Table1Group {
  return group ?? expect.fail('no group');
}

function onlyPair(table: Table1): Table1Pair {
  return onlyGroup(table).pairs[0] ?? expect.fail('no pair');
}

/** No two columns have the same number. */
let table: Table1;
beforeEach(() => {
  table = tableOf(
    seeds('student', [
      [40, 41],
      [40, 42],
      [40, 43],
    ]),
    seeds('kd', [
      [50, 51],
      [50, 53],
      [50, 55],
    ]),
    seeds('kd-published', [[45, 47]], { batchSize: 64 }),
    seeds('student-published', [[30, 35]], { batchSize: 64 }),
    // Best after the first epoch: 59.5, 59 and 60.
    seeds('kd++', [
      [59.5, 56],
      [59, 57],
      [60, 58],
    ]),
  );
});

describe('a row of table 1', () => {
  /** A row of a table: the text of each cell with what stands below it. */
  const cellsOf = ({ rows }: Pick<TableBlock, 'rows'>, name: string): string[][] => {
    const lines = (cell: string | Cell): string[] =>
      typeof cell === 'string' ? [cell] : [cell.text, ...(cell.below ?? [])];
    const cells = rows.map((row) => row.cells.map(lines)).find(([first]) => first?.[0] === name);
    return cells ?? expect.fail(`no row ${name}`);
  };

  it('has each number in its own place', () => {
    const shown = rowsTable(onlyPair(table));
    expect(shown.head).to.deep.equal([
      ...['method', 'paper', 'measured, last epoch', 'best epoch'],
      ...['gain over the student alone', 'verdict'],
    ]);
    expect(cellsOf(shown, 'KD++')).to.deep.equal([
      ['KD++'],
      ['–'],
      // 57 ± 4.30265 · 1 / √3.
      ['57.00 ± 1.00 (3)', '54.52 … 59.48'],
      ['59.50'],
      // 56 − 41, 57 − 42, 58 − 43.
      ['+15.00 ± 0.00 (3)', '+15.00 … +15.00', 'p < 0.001', 'paper +2.61 … +5.50'],
      ['reduced'],
    ]);
    const [bases = { rows: [] }] = basesTable(onlyPair(table));
    // 56 − 51, 57 − 53, 58 − 55: 5, 4, 3.
    expect(cellsOf(bases, 'KD++ over KD, ND 0').flat().slice(1)).to.deep.equal([
      ...['+4.00 ± 1.00 (3)', '+1.52 … +6.48', '0.020', '–'],
    ]);
    // 56 − 47.
    expect(cellsOf(bases, 'KD++ over KD, published').flat().slice(1)).to.deep.equal([
      ...['+9.00 (1)', '–', '–', '+1.05 … +2.45'],
    ]);
  });

  it('in CSV has each number in its own column', () => {
    const [head = '', ...lines] = renderCsv(table1Document(table)).trimEnd().split('\n');
    const cells = lines.find((line) => line.includes(',kd++,'))?.split(',') ?? [];
    const record = Object.fromEntries(
      head.split(',').map((name, index) => [name, cells[index] ?? '']),
    );
    expect(record).to.include({
      ...{ top1_mean: '57', top1_std: '1', top1_n: '3', top1_seeds: '1 2 3' },
      ...{ best_top1_mean: '59.5', best_top1_std: '0.5' },
      ...{
        difference: '',
        verdict: 'reduced',
        student_alone: 'student',
        gain_over_student_mean: '15',
        gain_over_student_n: '3',
      },
      ...{ base: 'kd', gain_over_base_mean: '4', gain_over_base_std: '1' },
      ...{ published_base: 'kd-published', gain_over_published_mean: '9' },
      ...{ gain_over_published_paper_lowest: '1.05', gain_over_published_paper_highest: '2.45' },
    });
    // 57 ± 4.30265 · 1 / √3.
    expect(Number(record['top1_low'])).to.be.closeTo(57 - 4.30265 / Math.sqrt(3), 1e-5);
    expect(Number(record['top1_high'])).to.be.closeTo(57 + 4.30265 / Math.sqrt(3), 1e-5);
    // t² = 4² · 3: 1 − √(48 / 50).
    expect(Number(record['gain_over_base_p_holm'])).to.be.closeTo(1 - Math.sqrt(48 / 50), 1e-9);
    expect(record['gain_over_published_p_holm']).to.equal('');
  });
});

describe('the paper’s range of gains', () => {
  it('goes from its lowest to its highest pair, wherever these stand', () => {
    const pair = onlyPair(
      tableOf(seeds('dist++', [[60, 61]]), seeds('dist-published', [[60, 60]], { batchSize: 64 })),
    );
    const row = pair.rows.find(({ method }) => method === 'dist++');
    // 72.52 − 71.78 on the first pair, 76.13 − 75.79 on the third.
    expect(row?.overPublished?.paperRange).to.include({ low: 0.34, high: 0.74 });
  });
});

describe('a comparison over all pairs', () => {
  const said = (mean: number, p: number | null): string =>
    conclusionOf({ gain: { values: [], seeds: [], n: 3, mean, std: 1, interval: null }, p });

  it('shows a gain or a loss below 0.05, and none without three seeds', () => {
    expect(said(1, 0.049)).to.equal('a gain');
    expect(said(-1, 0.049)).to.equal('a loss');
    expect(said(1, 0.05)).to.equal('no clear difference');
    expect(said(1, null)).to.equal('fewer than three seeds: no interval');
  });
});

describe('what can be compared', () => {
  const paperRun = (method: string, scale: RunConfig['scale'], seed = 1): Run =>
    madeUpRun({
      config: { ...paperPair, scale, method, seed, epochs: 240 },
      provenance: { teacherSource: 'cifar_teachers.tar', teacherTop1: 72.34 },
      top1: Array.from({ length: 240 }, () => 72),
    });
  const said = (runs: Run[], isPaperRecipe?: (config: RunConfig) => boolean): string =>
    whatCanBeCompared(
      onlyGroup(
        buildTable1({
          study: 'table1',
          root: 'results',
          runs,
          ...(isPaperRecipe && { isPaperRecipe }),
        }),
      ),
    ).join(' ');

  it('is every accuracy in the paper’s setting, and none in another', () => {
    expect(said([paperRun('kd++', 'paper')])).to.match(/^These runs have the paper’s data/u);
    expect(said([paperRun('kd++', 'short')])).to.match(
      /^This is not the paper’s setting: scale short instead of paper\. Their accuracies can neither/u,
    );
  });

  it('is told of single rows where only these are reduced', () => {
    const runs = [paperRun('kd++', 'paper'), paperRun('dkd++', 'paper')];
    expect(said(runs, ({ method }) => method === 'kd++')).to.match(
      /^Rows marked reduced are not the paper’s setting: the recipe is not the paper’s\./u,
    );
  });

  it('says where a number comes from one seed', () => {
    const one = /single seed/u;
    expect(said([paperRun('kd++', 'paper')])).to.match(one);
    const two = [paperRun('kd++', 'paper'), paperRun('kd++', 'paper', 2)];
    expect(said(two)).to.not.match(one);
    expect(said([...two, paperRun('kd', 'paper')])).to.match(one);
  });

  it('leaves out of every number what was not finished, and says how far it came', () => {
    const cut = madeUpRun({
      config: { epochs: 5 },
      provenance: { ended: 'interrupted' },
      top1: [62, 60],
    });
    expect(footnotes(onlyPair(tableOf([cut]))).join(' ')).to.contain(
      'KD (recipe of KD++, ND 0), seed 1: 2 of 5 epochs done (interrupted); it is in no number.',
    );
    // An error of several lines stays within its item.
    expect(markdownList(['a (first line\n # second)', 'b'])).to.equal(
      '- a (first line # second)\n- b',
    );
  });
});
