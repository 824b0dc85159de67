import { rmSync } from 'node:fs';
import { dataProgressPrinter, loadDataset } from '../lib/data';
import type { ImageDataset } from '../lib/data/types';
import type { EngineDescription } from '../lib/engine/describe';
import { startEngine } from '../lib/engine/load';
import { type CostModel, costModel } from '../lib/study/cost';
import { clock } from '../lib/study/estimate';
import { type PlannedRun, planRuns } from '../lib/study/plan';
import { runTitle, studyProgress } from '../lib/study/progress';
import { runStudy } from '../lib/study/run-study';
import { interruption } from '../lib/train/interruption';
import { recordedCommand } from '../lib/results/command';
import { studyNames } from '../lib/results/store';
import { isPaperRecipe, table1Methods } from './recipes/table1';
import { requireRecipeFits } from '../lib/train/requirements';
import { writeTable1 } from '../lib/report/write-table1';
import type { Table1Options } from './table1-command';
import { listPlan } from './table1-list';
import { type Table1Settings, table1Settings, teacherSeed } from './table1-settings';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Runs the table's grid, or lists it, and writes and prints the table. */
export async function runTable1(options: Table1Options): Promise<void> {
  const settings = table1Settings(options);
  const engine = await startEngine();
  const dataset = await readDataset(settings, options);
  // Runs on other data or of another length lie apart, so that none stands in another's way.
  const study = `table1-${settings.scale}-${dataset.name}`;
  const plan = (): PlannedRun[] =>
    planRuns({
      study,
      resultsRoot: options.results,
      cells: settings.cells,
      teacherSeed,
      recipeOf: settings.recipeOf,
      teacherRecipeOf: settings.teacherRecipeOf,
      givenTeachers: new Set(settings.givenTeachers.keys()),
    });
  for (const { recipe } of plan()) requireRecipeFits(recipe, dataset);
  if (!options.resume && !options.list) {
    for (const { directory } of plan()) rmSync(directory, { recursive: true, force: true });
  }
  const runs = plan();
  const cost = costModel(dataset, runs);
  if (options.list) {
    process.stdout.write(listPlan(runs, cost, { json: options.json === true }));
    return;
  }
  announce(settings, dataset, engine, runs, cost);
  await trainAll({ settings, options, study, runs, dataset, engine, cost });
  const table = await writeTable1({
    resultsRoot: options.results,
    study,
    others: studyNames(options.results, 'table1-'),
    methods: table1Methods,
    isPaperRecipe,
  });
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ files: table.files, table: table.json })}\n`
      : `${table.terminal}\n`,
  );
  say(`Written: ${table.files.join(', ')}`);
}

async function readDataset(
  { data }: Table1Settings,
  { dataDir }: Table1Options,
): Promise<ImageDataset> {
  const progress = dataProgressPrinter();
  try {
    return await loadDataset(data, { dataDir, onProgress: progress.report });
  } finally {
    progress.stop();
  }
}

function announce(
  { scale }: Table1Settings,
  { name, train, test, classes }: ImageDataset,
  engine: EngineDescription,
  runs: readonly PlannedRun[],
  cost: CostModel,
): void {
  const tensorflow =
    engine.tensorflow === null ? 'TensorFlow.js alone' : `TensorFlow ${engine.tensorflow}`;
  say(
    `Data: ${name}, ${train.count} + ${test.count} images, ${classes.length} classes. Engine: ${engine.engine} (${tensorflow}, ${engine.device}).`,
  );
  if (scale !== 'paper' || !name.startsWith('cifar100')) {
    say(
      `This is ${scale} scale on ${name}, not the paper's setting (CIFAR-100, 240 epochs): its accuracies cannot be compared with the paper's, its gains can.`,
    );
  }
  const unfinished = runs.filter(({ finished }) => !finished);
  const seconds = unfinished.reduce((sum, run) => sum + cost.secondsLeft(run), 0);
  say(
    `${runs.length} runs, ${runs.length - unfinished.length} of them done; about ${clock(seconds)} left. Ctrl-C saves.`,
  );
}

interface Training {
  readonly settings: Table1Settings;
  readonly options: Table1Options;
  readonly study: string;
  readonly runs: readonly PlannedRun[];
  readonly dataset: ImageDataset;
  readonly engine: EngineDescription;
  readonly cost: CostModel;
}

async function trainAll({
  settings,
  options,
  study,
  runs,
  dataset,
  engine,
  cost,
}: Training): Promise<void> {
  const progress = studyProgress({
    secondsAfter: (index) =>
      runs.slice(index + 1).reduce((sum, run) => sum + cost.secondsLeft(run), 0),
    onEpochSeconds: (run, seconds) => cost.measured(run, seconds),
  });
  const { signal, release } = interruption(() => {
    progress.stop();
    say('Stopping: saving this run first (Ctrl-C again stops at once) …');
  });
  try {
    await runStudy({
      study,
      scale: settings.scale,
      resultsRoot: options.results,
      runs,
      dataset,
      givenTeachers: settings.givenTeachers,
      teacherSeed,
      engine,
      command: recordedCommand('reproduce:table1', process.argv.slice(2)),
      signal,
      onRun: (run, place) => progress.run(run, place),
      onRunEnd(run, outcome) {
        if (outcome === 'finished before') say(`${runTitle(run)}: done before`);
      },
      onTeacher: ({ model, top1, source }) =>
        say(`teacher ${model.name}: ${top1.toFixed(2)} % top-1, measured here (${source})`),
    });
  } finally {
    progress.stop();
    release();
  }
}
