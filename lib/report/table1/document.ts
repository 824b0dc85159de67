import { readRuns } from '../../runs/store';
import { significance } from '../../statistics/summary';
import { differenceCells, gainCell, intervalHead, pHead, summaryCell, withBelow } from '../cells';
import type {
  Block,
  Cell,
  DocumentPart,
  Evidence,
  PlotsBlock,
  ReportDocument,
  TableBlock,
  TableRow,
} from '../document';
import { settingInWords } from '../group';
import { inRowOrder, shortLabelOf } from '../methods';
import { count, formatInterval, formatMean, none, toSigned2 } from '../numbers';
import { runEntry, type RunEntry } from '../run-entries';
import { epochsPicture } from '../plots/by-epoch';
import { styleAt } from '../plots/style';
import { environmentInWords, type RunReference } from '../run-record';
import { type Verdict, verdicts } from '../verdict';
import { buildTable1, type Table1Input } from './build';
import type { Gain } from './gain';
import type { Table1, Table1Group, Table1Pair, Table1Row } from './model';
import type { MethodComparison } from './over-pairs';
import { table1Records } from './records';
import {
  brieflyOf,
  footnotes,
  overPairsNote,
  readingNotes,
  shownRows,
  sourcesOf,
  whatCanBeCompared,
} from './statements';

/** Table 1 as a document: the same table gives the same one. */
export function table1Document(table: Table1): ReportDocument {
  return {
    name: 'table1',
    title: 'Table 1: the paper beside measured runs',
    asks: `${table.paper.title}.`,
    overview: overviewOf(table),
    parts: table.groups.map(partOf),
    reading: readingNotes,
    briefly: brieflyOf(table),
    sources: sourcesOf(table),
    records: table1Records(table),
  };
}

function overviewOf({ groups }: Table1): [string, string][] {
  const pairs = groups.flatMap((group) => group.pairs);
  const rows = pairs.flatMap((pair) => pair.rows);
  const runs = new Set(rows.flatMap((row) => row.runs.map(({ directory }) => directory)));
  const open = new Set(rows.flatMap((row) => row.unfinished.map(({ directory }) => directory)));
  const measured = rows.filter((row) => row.measured !== null);
  const counted = verdicts.flatMap((verdict) => {
    const n = measured.filter((row) => row.verdict === verdict).length;
    return n === 0 ? [] : [`${String(n)} ${verdict}`];
  });
  return [
    [
      'Finished runs',
      `${String(runs.size)}${open.size === 0 ? '' : ` (${String(open.size)} open)`}`,
    ],
    ['Pairs', String(new Set(pairs.map(({ pair }) => pair)).size)],
    ['Measured cells', String(measured.length)],
    ['Against the paper', counted.join(', ')],
  ];
}

function partOf(group: Table1Group): DocumentPart {
  const { setting, environment, pairs, pairsNotRun, overPairs } = group;
  return {
    title: settingInWords(setting),
    environment: environmentInWords(environment),
    sentences: whatCanBeCompared(group),
    blocks: [
      ...pairs.flatMap(pairBlocks),
      ...overPairsBlocks(overPairs),
      ...notRunBlocks(pairsNotRun),
    ],
    runs: pairs.flatMap(entriesOf),
    dataHash: setting.dataHash,
  };
}

function notRunBlocks(pairs: readonly string[]): Block[] {
  if (pairs.length === 0) return [];
  return [{ kind: 'text', text: `The paper’s pairs not run here: ${pairs.join(', ')}.` }];
}

/** `resnet56 → resnet20`, and whether the paper has this pair. */
function pairInWords({ pair, teacher, student, printed }: Table1Pair): string {
  if (teacher === null) return `${pair}, the teacher alone`;
  return `${teacher} → ${student} (${printed ?? 'the paper has no such pair'})`;
}

function pairBlocks(pair: Table1Pair): Block[] {
  return [
    { kind: 'heading', text: pairInWords(pair) },
    rowsTable(pair),
    ...basesTable(pair),
    { kind: 'list', items: footnotes(pair) },
    ...underWayPicture(pair),
  ];
}

/** The runs that are not finished, as curves. */
function underWayPicture({ underWay }: Table1Pair): PlotsBlock[] {
  if (underWay.length === 0) return [];
  const series = inRowOrder(underWay.map(({ method }) => method)).map((method, index) => {
    const curves = underWay.filter((curve) => curve.method === method);
    return { label: shortLabelOf(method), style: styleAt(index), curves };
  });
  const reached = series.map(
    ({ label, curves }) =>
      `${label} after ${count(Math.min(...curves.map(({ top1 }) => top1.length)), 'epoch')}`,
  );
  return [
    epochsPicture(series, {
      title: `Under way, in no number: ${reached.join('; ')}`,
      subtitle: 'Lines are means over the seeds, bands go from the smallest to the largest',
      tellsEnds: false,
    }),
  ];
}

/** The rows of one pair. */
export function rowsTable(pair: Table1Pair): TableBlock {
  return {
    kind: 'table',
    head: [
      ...['method', 'paper', 'measured, last epoch', 'best epoch'],
      ...['gain over the student alone', 'verdict'],
    ],
    rows: shownRows(pair).map((row) => ({
      cells: [
        { text: row.label, short: row.shortLabel },
        row.paper === null ? none : (row.paper.value?.toFixed(2) ?? 'not known'),
        summaryCell(row.measured),
        formatMean(row.best),
        gainBesidePaper(row.overStudent),
        verdictCell(row),
      ],
      strong: row.method.endsWith('++') && row.measured !== null,
      idle: row.measured === null,
    })),
  };
}

/** Each `++` row over its two bases, measured and in the paper; nothing where there is nothing to say of any. */
export function basesTable(pair: Table1Pair): TableBlock[] {
  const rows = shownRows(pair).flatMap(({ shortLabel, overBase, overPublished }) =>
    [overBase, overPublished].flatMap((gain): TableRow[] => {
      if (gain === null || saysNothing(gain)) return [];
      const name = `${shortLabel} over ${shortLabelOf(gain.over)}`;
      return [{ cells: [name, ...differenceCells(gain.measured, gain.p), paperGain(gain)] }];
    }),
  );
  if (rows.length === 0) return [];
  return [
    { kind: 'table', head: ['++ over its bases', 'gain', intervalHead, pHead, 'paper'], rows },
  ];
}

function saysNothing({ measured, paper, paperRange }: Gain): boolean {
  return measured === null && paper === null && paperRange === null;
}

/** A gain, its interval, its p value and the paper's; empty where there is nothing to gain over. */
function gainBesidePaper(gain: Gain | null): string | Cell {
  if (gain === null) return '';
  const paper = paperGain(gain);
  return withBelow(gainCell(gain.measured, gain.p), paper === none ? null : `paper ${paper}`);
}

function paperGain({ paper, paperRange }: Gain): string {
  return paper === null ? formatInterval(paperRange, toSigned2) : toSigned2(paper);
}

const tones: Readonly<Partial<Record<Verdict, Cell['tone']>>> = {
  reproduced: 'good',
  differs: 'bad',
};

function verdictCell({ verdict, difference, reasons }: Table1Row): Cell {
  return {
    text: difference === null ? verdict : `${verdict} (${toSigned2(difference)})`,
    tone: tones[verdict] ?? 'open',
    ...(reasons.length > 0 && { tip: reasons.join('; ') }),
  };
}

function overPairsBlocks(comparisons: readonly MethodComparison[]): Block[] {
  if (comparisons.length === 0) return [];
  return [
    { kind: 'heading', text: 'Does ND help? Each ++ method against its two bases' },
    {
      kind: 'table',
      head: [
        ...['over all pairs', 'pairs', 'runs', 'mean gain', intervalHead, pHead],
        ...['runs of equal seeds won', 'what these seeds show'],
      ],
      wide: new Set(['runs', 'what these seeds show']),
      rows: comparisons.map((comparison) => {
        const { method, base, pairs, runs, baseRuns, couples, won, gain, p } = comparison;
        return {
          cells: [
            `${shortLabelOf(method)} over ${shortLabelOf(base)}`,
            { text: pairs.join(', '), short: String(pairs.length) },
            `${String(runs)} and ${String(baseRuns)}`,
            ...differenceCells(gain, p),
            `${String(won)} of ${String(couples)}`,
            conclusionOf(comparison),
          ],
        };
      }),
    },
    { kind: 'text', text: overPairsNote, wide: true },
  ];
}

/** What a comparison over all pairs says of the gain's sign. */
export function conclusionOf({ gain, p }: Pick<MethodComparison, 'gain' | 'p'>): string {
  if (gain === null || p === null) return 'fewer than three seeds: no interval';
  if (p >= significance) return 'no clear difference';
  return gain.mean > 0 ? 'a gain' : 'a loss';
}

function entriesOf({ pair, rows }: Table1Pair): RunEntry[] {
  return rows.flatMap(({ method, shortLabel, runs, unfinished }) => {
    const nameOf = (seed: number): string =>
      `${method === 'teacher' ? '' : `${pair}, `}${shortLabel}, seed ${String(seed)}`;
    return [
      ...runs.map((run) => ({ ...runEntry(nameOf(run.seed), run), line: lineOf(run) })),
      ...unfinished.map((run) => runEntry(nameOf(run.seed), run)),
    ];
  });
}

function lineOf({ directory, last, best, bestEpoch, revision, dirty }: RunReference): string {
  const code = revision === null ? 'unknown revision' : revision.slice(0, 12);
  return `${directory}: ${last.toFixed(2)}, best ${best.toFixed(2)} after ${count(bestEpoch, 'epoch')}, ${code}${dirty === true ? ' with uncommitted changes' : ''}`;
}

/** What table 1 is read from. */
export interface Table1Source extends Pick<Table1Input, 'methods' | 'isPaperRecipe'> {
  /** The results directory: runs are read below it. */
  readonly resultsRoot: string;
  /** The folders of runs: each setting in them is a part of its own. */
  readonly folders: readonly string[];
  /** Methods whose runs are no rows of this table. */
  readonly omit?: ReadonlySet<string>;
}

/** Table 1 from run files alone; without any run it has no group. */
export function readTable1Model(source: Table1Source): Table1 {
  const { resultsRoot: root, folders, omit = new Set(), ...options } = source;
  const runs = folders
    .flatMap((folder) => readRuns(root, folder))
    .filter(({ config }) => !omit.has(config.method));
  return buildTable1({ study: folders.join(', '), runs, root, ...options });
}

/** The same as a document; null without any run. */
export function readTable1(source: Table1Source): Evidence | null {
  const table = readTable1Model(source);
  return table.groups.length === 0 ? null : { document: table1Document(table), json: table };
}
