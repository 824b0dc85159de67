import { formatDuration } from '../../format-duration';
import type { DetectionRun } from '../../runs/store';
import type { Summary } from '../../statistics/summary';
import { detectionBlocks } from '../detection/blocks';
import { type Drawing, intervalsInWords } from '../figures';
import { intervalMargins, intervalPanel, type IntervalRow, marksOf } from '../interval-panel';
import { alone } from '../plot-style';
import type { Facts, RunEntry } from '../report-runs';
import type { Block, StudyDocument, StudyPart, TableBlock } from '../study/document';
import { columnNote, gainCells, knownOf, withInterval } from '../study/method-table';
import { count, environmentInWords, none, plain, signed } from '../words';
import { lossDrawing, lossLegend } from './loss-plot';
import {
  directoryBelow,
  isFinishedDetection,
  labelOf,
  runsOf,
  type Table3Group,
  type Table3Pair,
  type Table3Row,
  tableFigures,
} from './model';

/** The file to complete when the paper's figures become known. */
const paperFile = 'results/paper/table3-coco.json';

const barsWidth = 214;

/** Pictures of what the detectors of a pair found, where there are some. */
export type PicturesOf = (pair: Table3Pair) => readonly Block[];

/** Table 3 from its groups: the same groups give the same document. */
export function table3Document(
  groups: readonly Table3Group[],
  root: string,
  picturesOf: PicturesOf = () => [],
): StudyDocument {
  return {
    name: 'table3',
    title: 'Table 3: COCO detection',
    asks: 'What do the ++ rows gain for Faster R-CNN with a feature pyramid, with ND on the box head?',
    parts: groups.map((group) => part(group, root, picturesOf)),
    reading: [
      'Box AP in percent as COCO evaluates it (pycocotools’ figures, computed here) on the evaluation images after the last iteration: AP over overlaps 0.50 to 0.95, AP50 and AP75 at one overlap, APl, APm and APs for large, medium and small objects. Mean ± sample standard deviation (number of seeds); below it Student’s 95 % interval of the mean over the seeds, from three seeds on.',
      'Gains are differences of AP on equal seeds, so that what a seed does to both runs cancels. A ++ row’s base is the same recipe without ND.',
      'Precision over recall: the mean over the categories at the recalls 0, 0.01, …, 1, at each the best precision that is had there or further right; AP is the mean of such a curve over the overlaps 0.50 to 0.95. Curves, AP by category and pictures are of one run a method, the one with the smallest seed. Pictures: a full line is right (it overlaps an object of its class by at least a half that no surer box took), a dashed one wrong, white dots are missed objects.',
      'Verdict: reduced (another setting than the paper’s, which says nothing of its figure), no paper number (the paper’s setting, but its figure is not known to us), not run; else by the 95 % interval of the mean: reproduced when it lies within ±0.5 of the paper’s figure, differs when it lies wholly outside, inconclusive.',
      `The paper’s figures of this table are not known to us and nothing is filled in from memory. Who has them completes ${paperFile}; this table and the recipes’ \`expected\` then follow.`,
    ],
    sources: knownOf('table3'),
  };
}

function part(group: Table3Group, root: string, picturesOf: PicturesOf): StudyPart {
  const { dataset, scale, environment, pairs, dataHash, runs } = group;
  const iterations = [
    ...new Set(
      runs
        .filter(({ config }) => config.method !== 'teacher')
        .map(({ config }) => config.iterations),
    ),
  ].sort((a, b) => a - b);
  return {
    title: `${dataset} · scale ${scale}${iterations.length === 0 ? '' : ` · ${iterations.join(', ')} iterations`}`,
    environment: environmentInWords(environment),
    sentences: sentences(group),
    blocks: pairs.flatMap((pair) => [...pairBlocks(pair), ...picturesOf(pair)]),
    runs: runs.map((run) => entryOf(run, root)),
    dataHash,
  };
}

function sentences({ scale, dataset, pairs, runs }: Table3Group): string[] {
  const finished = runs.filter(isFinishedDetection);
  if (finished.length === 0) return ['No run is finished yet: there is nothing to compare.'];
  const images = Math.max(...finished.map(({ evaluation }) => evaluation?.images ?? 0));
  const fewest = Math.min(
    ...pairs.flatMap(({ rows }) => rows.flatMap(({ measured }) => measured.AP?.n ?? [])),
  );
  return [
    ...(scale === 'paper' && dataset === 'coco'
      ? []
      : [
          `These are small runs on ${dataset} (evaluated on ${count(images, 'image')}), not the paper’s setting: no AP here is a COCO AP.`,
        ]),
    `The paper’s figures are not known to us (${paperFile} is the file to complete).`,
    ...(fewest === 1
      ? ['Some of these numbers come from a single seed: nothing is known of their spread.']
      : []),
  ];
}

function pairBlocks(pair: Table3Pair): Block[] {
  const shown = pair.rows.filter(({ measured }) => measured.AP !== null);
  const last = pair.rows.flatMap(({ runs }) =>
    runs.filter(({ metrics }) => metrics.length > 0).slice(0, 1),
  );
  const bars = intervals(shown, ({ measured }) => measured.AP);
  const gains = intervals(shown, ({ overStudent }) => overStudent);
  return [
    { kind: 'heading', text: `${pair.teacher} → ${pair.student}` },
    tableOf(pair),
    notesOf(pair),
    {
      kind: 'plots',
      title: 'AP and gains',
      legend: [],
      marks: marksOf([...bars, ...gains]),
      plots: [
        intervalDrawing(pair, bars, {
          title: 'AP after the last iteration',
          axis: 'AP (%)',
          write: plain,
        }),
        intervalDrawing(pair, gains, {
          title: 'Gain over the student alone',
          axis: 'points of AP',
          write: signed,
        }),
      ],
    },
    {
      kind: 'plots',
      title: 'Losses by iteration, each with its weight in it',
      legend: lossLegend(last),
      plots: last.map((run) => lossDrawing(labelOf(run.config.method), run)),
    },
    ...detectionBlocks(pair.pair, runsOf(pair), labelOf),
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
      'method',
      'paper, AP',
      first,
      ...others,
      'gain over the student alone',
      'gain of ++ over its base',
      'verdict',
    ],
    wide: new Set(['paper, AP']),
    rows: rows.map((row, index) => ({
      cells: [
        row.label,
        row.paper?.toFixed(1) ?? 'not known',
        withInterval(row.measured[first]),
        ...others.map((name) => meanOf(row.measured[name])),
        row.overStudent === null ? '' : (overStudent[index] ?? none),
        row.overBase === null ? '' : (overBase[index] ?? none),
        row.verdict,
      ],
      strong: row.method.endsWith('++'),
      idle: row.measured.AP === null,
    })),
  };
}

function notesOf({ rows }: Table3Pair): Block {
  const reasons = [...new Set(rows.flatMap((row) => row.reasons))];
  return {
    kind: 'list',
    items: [
      ...(reasons.length === 0 ? [] : [`Not the paper’s setting: ${reasons.join('; ')}.`]),
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

function meanOf(summary: Summary | null): string {
  return summary === null ? none : plain(summary.mean);
}

function intervals(
  rows: readonly Table3Row[],
  of: (row: Table3Row) => Summary | null,
): IntervalRow[] {
  return rows.flatMap((row) => {
    const measured = of(row);
    return measured === null ? [] : [{ label: row.label, measured, paper: null }];
  });
}

function intervalDrawing(
  { pair }: Table3Pair,
  rows: readonly IntervalRow[],
  { title, axis, write }: { title: string; axis: string; write: (value: number) => string },
): Drawing {
  return {
    title,
    says: `${pair}: ${intervalsInWords(rows, write)}`,
    spec:
      rows.length === 0
        ? null
        : alone(
            intervalPanel(rows, { width: barsWidth, axis, zero: write === signed }),
            intervalMargins,
          ),
  };
}

/** How and where a detector's run was made. */
function entryOf(run: DetectionRun, root: string): RunEntry {
  const { config, metrics, evaluation, provenance } = run;
  const { pair, method, seed } = config;
  const seconds = (provenance?.secondsPerIteration ?? 0) * config.iterations;
  return {
    name: `${method === 'teacher' ? `Teacher ${pair}` : `${pair}, ${labelOf(method)}`}, seed ${String(seed)}`,
    directory: directoryBelow(root, run),
    score:
      evaluation === null || !isFinishedDetection(run)
        ? null
        : `AP ${(100 * evaluation.stats.AP).toFixed(2)} %, AP50 ${(100 * evaluation.stats.AP50).toFixed(2)} %`,
    time: seconds === 0 ? '' : formatDuration(seconds),
    facts: [
      ['Iterations', `${String(metrics.at(-1)?.iteration ?? 0)} of ${String(config.iterations)}`],
      ['Batch', String(config.batchSize)],
      ['Run directory', directoryBelow(root, run)],
      ['Recipe, SHA-256', config.recipeHash],
      ...provenanceFacts(run),
    ],
  };
}

function provenanceFacts({ provenance }: DetectionRun): Facts {
  if (provenance === null) return [['Provenance', 'not recorded']];
  const { revision, dirty, versions, secondsPerIteration, evaluationSeconds } = provenance;
  return [
    ['Command', provenance.command],
    ['Code revision', revision ?? 'unknown'],
    ['Uncommitted changes', dirty === null ? 'unknown' : dirty ? 'yes' : 'none'],
    ['Started', provenance.startedAt],
    ['Ended', provenance.endedAt],
    [
      'Versions',
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
    ['Engine and device', `${provenance.engine}, ${provenance.device}`],
    ['Processor', provenance.processor],
    [
      'Time of an iteration',
      secondsPerIteration === null ? null : `${secondsPerIteration.toFixed(2)} s`,
    ],
    ['Evaluation', evaluationSeconds === null ? null : formatDuration(evaluationSeconds)],
    ['Peak memory', `${String(provenance.peakMemoryMiB)} MiB`],
    ['Parameters', String(provenance.parameters)],
    ['Training data, SHA-256', provenance.dataHash],
    ['Evaluation data, SHA-256', provenance.evaluationDataHash],
    ['First weights', provenance.firstWeights],
    ['Teacher', provenance.teacherSource],
    ['Teacher, SHA-256', provenance.teacherHash],
    ['Class means, SHA-256', provenance.classMeansHash],
    ['Checkpoint, SHA-256', provenance.checkpointHash],
    ['Error', provenance.error],
  ];
}
