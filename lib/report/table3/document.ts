import { formatDuration } from '../../format-duration';
import { paperTable } from '../../paper';
import { type DetectionRun, readDetectionRuns } from '../../runs/store';
import { columnNote, gainCells, nothingFinished, onSeeds, summaryCell } from '../cells';
import { type CsvRecord, summaryColumns } from '../csv';
import type {
  Block,
  DocumentPart,
  Evidence,
  ListBlock,
  ReportDocument,
  TableBlock,
} from '../document';
import { count, formatMean, listed, none } from '../numbers';
import { detectorFacts, type RunEntry } from '../run-entries';
import { directoryBelow, environmentInWords } from '../run-record';
import { briefly } from '../study/build';
import { knownOf } from '../study/method-table';
import { detectionBlocks, picturesBlock } from './detections';
import {
  isFinishedDetection,
  labelOf,
  otherLength,
  runsOf,
  type Table3Group,
  table3Groups,
  type Table3Pair,
  table3SettingInWords,
  tableFigures,
} from './model';

/** The file to complete when the paper's figures become known. */
const paperFile = 'results/paper/table3-coco.json';

const printed = paperTable('table3').rows.filter(({ values }) =>
  Object.values(values).some((value) => value !== null),
);
const known = `Of the paper’s figures only those of ${[...new Set(printed.map((row) => row.printed))].join(', ')} are known to us, second hand (${paperFile}).`;

/** Pictures of what the detectors of a pair found, where there are some. */
type Pictures = ReadonlyMap<Table3Pair, readonly Block[]>;

/** Table 3 from its groups: the same groups give the same document. */
export function table3Document(
  groups: readonly Table3Group[],
  root: string,
  pictures: Pictures = new Map(),
): ReportDocument {
  return {
    name: 'table3',
    title: 'Table 3: COCO detection',
    asks: 'What do the ++ rows gain for Faster R-CNN with a feature pyramid, with ND on the box head?',
    overview: [],
    briefly,
    records: recordsOf(groups, root),
    parts: groups.map((group) => part(group, root, pictures)),
    reading: [
      'Box AP in percent as COCO evaluates it (pycocotools’ figures, computed here) on the evaluation images after the last iteration: AP over overlaps 0.50 to 0.95, AP50 and AP75 at one overlap, APl, APm and APs for large, medium and small objects. Mean ± sample standard deviation (number of seeds); below it Student’s 95 % interval of the mean over the seeds, from three seeds on.',
      'Gains are differences of AP on equal seeds, so that what a seed does to both runs cancels. A ++ row’s base is the same recipe without ND.',
      'Precision over recall: the mean over the categories at the recalls 0, 0.01, …, 1, at each the best precision that is had there or further right; AP is the mean of such a curve over the overlaps 0.50 to 0.95. Curves, AP by category and pictures are of one run a method, the one with the smallest seed. Pictures: a full line is right (it overlaps an object of its class by at least a half that no surer box took), a dashed one wrong, white dots are missed objects.',
      'Verdict: reduced (another setting than the paper’s, which says nothing of its figure), no paper number (the paper’s setting, but its figure is not known to us), not run; else by the 95 % interval of the mean: reproduced when it lies within ±0.5 of the paper’s figure, differs when it lies wholly outside, inconclusive.',
      `${known} Nothing is filled in from memory: who has the others completes ${paperFile}; this table and the recipes’ \`expected\` then follow.`,
    ],
    sources: knownOf('table3'),
  };
}

function part(group: Table3Group, root: string, pictures: Pictures): DocumentPart {
  const { environment, pairs, dataHash, runs } = group;
  return {
    title: table3SettingInWords(group),
    environment: environmentInWords(environment),
    sentences: sentences(group),
    blocks: pairs.flatMap((pair) => [...pairBlocks(pair), ...(pictures.get(pair) ?? [])]),
    runs: runs.map((run) => entryOf(run, root)),
    dataHash,
  };
}

function sentences({ dataset, pairs, runs }: Table3Group): string[] {
  const finished = runs.filter(isFinishedDetection);
  if (finished.length === 0) return [nothingFinished];
  const images = Math.max(...finished.map(({ evaluation }) => evaluation?.images ?? 0));
  const small = `These are small runs on ${dataset} (evaluated on ${count(images, 'image')}), not the paper’s setting: no AP here is a COCO AP.`;
  const other = [...new Set(finished.flatMap(otherLength))];
  const notPaper = `This is not the paper’s setting: ${other.join('; ')}.`;
  return [
    ...(dataset !== 'coco' ? [small] : other.length > 0 ? [notPaper] : []),
    known,
    ...onSeeds(pairs.flatMap(({ rows }) => rows.map(({ measured }) => measured.AP))),
  ];
}

function pairBlocks(pair: Table3Pair): Block[] {
  return [
    { kind: 'heading', text: `${pair.teacher} → ${pair.student}` },
    tableOf(pair),
    notesOf(pair),
    ...detectionBlocks(pair.pair, runsOf(pair)),
  ];
}

function tableOf({ pair, rows }: Table3Pair): TableBlock {
  const [first, ...others] = tableFigures;
  const overStudent = gainCells(rows.map((row) => row.overStudent));
  const overBase = gainCells(rows.map((row) => row.overBase));
  return {
    kind: 'table',
    caption: `Table 3 on ${pair}, box AP in percent (${columnNote})`,
    head: [
      ...['method', 'paper, AP', ...tableFigures],
      ...['gain over the student alone', 'gain of ++ over its base', 'verdict'],
    ],
    wide: new Set(['paper, AP']),
    rows: rows.map((row, index) => ({
      cells: [
        row.label,
        row.paper?.toFixed(1) ?? 'not known',
        summaryCell(row.measured[first]),
        ...others.map((name) => formatMean(row.measured[name])),
        row.overStudent === null ? '' : (overStudent[index] ?? none),
        row.overBase === null ? '' : (overBase[index] ?? none),
        row.verdict,
      ],
      strong: row.method.endsWith('++'),
      idle: row.measured.AP === null,
    })),
  };
}

function notesOf({ rows }: Table3Pair): ListBlock {
  const reasons = [...new Set(rows.flatMap((row) => row.reasons))];
  return {
    kind: 'list',
    wide: true,
    items: [
      ...listed('Not the paper’s setting', reasons),
      ...rows.flatMap(({ label, runs }) =>
        runs
          .filter((run) => !isFinishedDetection(run))
          .map(
            ({ config, metrics, provenance }) =>
              `${label}, seed ${String(config.seed)}: ${String(metrics.at(-1)?.iteration ?? 0)} of ${count(config.iterations, 'iteration')} done${provenance?.error ? ` (${provenance.error})` : ''}; it is in no number.`,
          ),
      ),
    ],
  };
}

/** How and where a detector's run was made. */
function entryOf(run: DetectionRun, root: string): RunEntry {
  const { config, metrics, evaluation, provenance } = run;
  const { pair, method, seed } = config;
  const seconds = (provenance?.secondsPerIteration ?? 0) * config.iterations;
  const name = `${method === 'teacher' ? `Teacher ${pair}` : `${pair}, ${labelOf(method)}`}, seed ${String(seed)}`;
  const directory = directoryBelow(root, run.directory);
  const score =
    evaluation === null || !isFinishedDetection(run)
      ? null
      : `AP ${(100 * evaluation.stats.AP).toFixed(2)} %, AP50 ${(100 * evaluation.stats.AP50).toFixed(2)} %`;
  return {
    name,
    directory,
    score,
    line: `${directory}: ${name}, ${score ?? 'unfinished'}`,
    time: seconds === 0 ? '' : formatDuration(seconds),
    facts: [
      ['Iterations', `${String(metrics.at(-1)?.iteration ?? 0)} of ${String(config.iterations)}`],
      ['Batch', String(config.batchSize)],
      ['Run directory', directory],
      ['Recipe, SHA-256', config.recipeHash],
      ...detectorFacts(provenance),
    ],
  };
}

/** One record a cell. */
function recordsOf(groups: readonly Table3Group[], root: string): CsvRecord[] {
  return groups.flatMap((group) =>
    group.pairs.flatMap(({ pair, teacher, student, rows }) =>
      rows.map((row) => ({
        dataset: group.dataset,
        scale: group.scale,
        iterations: row.runs[0]?.config.iterations ?? null,
        batch: row.runs[0]?.config.batchSize ?? null,
        data_hash: group.dataHash,
        pair,
        teacher,
        student,
        method: row.method,
        label: row.label,
        paper_AP: row.paper,
        ...Object.assign(
          {},
          ...tableFigures.map((name) => summaryColumns(name, row.measured[name])),
        ),
        ...summaryColumns('gain_over_student', row.overStudent),
        ...summaryColumns('gain_over_base', row.overBase),
        verdict: row.verdict,
        reasons: row.reasons.join('; '),
        run_directories: row.runs.map((run) => directoryBelow(root, run.directory)).join(' '),
      })),
    ),
  );
}

/** What table 3 is read from. */
export interface Table3Source {
  readonly resultsRoot: string;
  readonly folders: readonly string[];
}

/** The groups of table 3's runs, from the run files in some folders alone. */
export function readTable3Groups({ resultsRoot, folders }: Table3Source): Table3Group[] {
  return folders.flatMap((folder) => table3Groups(folder, readDetectionRuns(resultsRoot, folder)));
}

/** Table 3 from the run files in some folders alone; null where no run belongs to it. */
export async function readTable3(source: Table3Source): Promise<Evidence | null> {
  const { resultsRoot } = source;
  const groups = readTable3Groups(source);
  if (groups.length === 0) return null;
  const pictures = new Map<Table3Pair, readonly Block[]>();
  for (const pair of groups.flatMap(({ pairs }) => pairs)) {
    const block = await picturesBlock(runsOf(pair));
    if (block !== null) pictures.set(pair, [block]);
  }
  return { document: table3Document(groups, resultsRoot, pictures), json: groups };
}
