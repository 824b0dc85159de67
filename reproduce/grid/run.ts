import { dataProgressPrinter } from '../../lib/data';
import type { EngineDescription } from '../../lib/engine/describe';
import { startEngine } from '../../lib/engine/load';
import { requirePrecision } from '../../lib/engine/precision';
import { type CostModel, costModel } from '../../lib/study/cost';
import { formatDuration } from '../../lib/format-duration';
import { estimateMemory, memoryInWords } from '../../lib/study/memory';
import { forgetRuns } from '../../lib/study/forget';
import { type JobPlan, planJobs } from '../../lib/study/graphics-jobs';
import { teacherWarning } from '../../lib/study/paper-teacher';
import type { PlannedRun } from '../../lib/study/plan';
import { runStudy } from '../../lib/study/run-study';
import { spokenEvents } from '../../lib/study/spoken-events';
import { withTensorBoard } from '../../lib/study/tensorboard';
import { isWorker, stopWithParent } from '../../lib/study/workers';
import { interruption } from '../../lib/train/interruption';
import { recordedCommand } from '../../lib/results/command';
import { writeTensorBoard } from '../../lib/results/tensorboard';
import { registerDatasets } from '../datasets';
import { isBatchSource, type TrainingData } from '../../lib/train/batch-source';
import { requireRecipeFits } from '../../lib/train/requirements';
import { trainedHere } from '../../lib/report/teacher';
import type { GridOptions } from './command';
import { trainInJobs } from './jobs';
import { listPlan } from './list';
import { planGrid, runsFolder } from './plan';
import { renderGrid, renderWhenComplete } from './render';
import { gridSettings, type GridSettings, teacherSeed } from './settings';
import type { GridStudy } from './study';

const onlyJob: JobPlan = { jobs: 1, gpus: [] };

const say = (text: string): void => void process.stderr.write(`${text}\n`);

const timing = (network: string): void => say(`Timing a step of ${network} here …`);
const measuring = (pair: string): void => say(`Measuring the memory of ${pair} here …`);

/** Runs a view's grid, or its part, or lists it, and writes and prints what was measured. */
export async function runGrid(study: GridStudy, options: GridOptions): Promise<void> {
  registerDatasets();
  const settings = gridSettings(study, options);
  if (options.render) return renderGrid(study, settings, options);
  if (!isWorker()) settings.notes.forEach(say);
  const plan = (): PlannedRun[] => planGrid(settings, options.results, settings.cells);
  const jobs = isWorker() || options.list ? onlyJob : await planJobs(settings.jobs);
  if (jobs.jobs > 1) {
    await withData(settings, options, (dataset) => {
      for (const { recipe } of plan()) requireRecipeFits(recipe, dataset);
      return Promise.resolve();
    });
    if (!options.resume) await forgetRuns(plan());
    await trainInJobs(jobs, plan);
    return renderWhenComplete(study, settings, options);
  }
  const [gpu] = jobs.gpus;
  if (gpu !== undefined) process.env['CUDA_VISIBLE_DEVICES'] = gpu;
  const engine = await startEngine();
  requirePrecision(settings.precision, engine, say);
  await withData(settings, options, async (dataset) => {
    if (!isWorker() && isBatchSource(dataset)) dataset.notes?.forEach(say);
    for (const { recipe } of plan()) requireRecipeFits(recipe, dataset);
    if (options.list) return listGrid(settings, options, plan(), dataset);
    // Whoever started this worker has deleted them, once for all workers.
    if (!options.resume && !isWorker()) await forgetRuns(plan());
    const runs = plan();
    const cost = costModel(dataset, runs, timing);
    await announce(settings, dataset, engine, runs, cost);
    await trainAll({ study, settings, options, runs, dataset, engine, cost });
  });
  if (!options.list && !isWorker()) await renderWhenComplete(study, settings, options);
}

async function listGrid(
  { scope }: GridSettings,
  options: GridOptions,
  runs: readonly PlannedRun[],
  dataset: TrainingData,
): Promise<void> {
  const memory = scope.estimatesMemory ? await estimateMemory(runs, dataset, measuring) : [];
  process.stdout.write(
    listPlan(runs, costModel(dataset, runs, timing), {
      json: options.json === true,
      memory,
      ...(options.shard ? { shard: options.shard } : {}),
    }),
  );
}

/** Opens the data, and closes what reads them as training goes on. */
async function withData(
  settings: GridSettings,
  options: GridOptions,
  work: (dataset: TrainingData) => Promise<void> | void,
): Promise<void> {
  const progress = dataProgressPrinter();
  let dataset: TrainingData;
  try {
    dataset = await settings.scope.openData(settings, options, progress.report);
  } finally {
    progress.stop();
  }
  try {
    await work(dataset);
  } finally {
    if (isBatchSource(dataset)) await dataset.dispose?.();
  }
}

async function announce(
  { scale, scope }: GridSettings,
  dataset: TrainingData,
  engine: EngineDescription,
  runs: readonly PlannedRun[],
  cost: CostModel,
): Promise<void> {
  const { name, train, test, classes, height } = dataset;
  const tensorflow =
    engine.tensorflow === null ? 'TensorFlow.js alone' : `TensorFlow ${engine.tensorflow}`;
  say(
    `Data: ${name}, ${train.count} + ${test.count} images of ${height} × ${dataset.width}, ${classes.length} classes. Engine: ${engine.engine} (${tensorflow}, ${engine.device}).`,
  );
  if (scale !== 'paper' || !name.startsWith(scope.paper.data)) {
    say(
      `This is ${scale} scale on ${name}, not the paper's setting (${scope.paper.words}): its accuracies cannot be compared with the paper's, its gains can.`,
    );
  }
  const unfinished = runs.filter(({ finished }) => !finished);
  if (scope.estimatesMemory)
    memoryInWords(await estimateMemory(unfinished, dataset, measuring)).forEach(say);
  const seconds = unfinished.reduce((sum, run) => sum + cost.secondsLeft(run), 0);
  say(
    `${runs.length} runs, ${runs.length - unfinished.length} of them done; about ${formatDuration(seconds)} left. Ctrl-C saves.`,
  );
}

interface Training {
  readonly study: GridStudy;
  readonly settings: GridSettings;
  readonly options: GridOptions;
  readonly runs: readonly PlannedRun[];
  readonly dataset: TrainingData;
  readonly engine: EngineDescription;
  readonly cost: CostModel;
}

async function trainAll({
  study,
  settings,
  options,
  runs,
  dataset,
  engine,
  cost,
}: Training): Promise<void> {
  const spoken = spokenEvents(cost, say);
  const { signal, release } = interruption(() => {
    spoken.stop();
    say('Stopping: saving this run first (Ctrl-C again stops at once) …');
  });
  stopWithParent();
  try {
    await runStudy({
      study: runsFolder(settings),
      scale: settings.scale,
      resultsRoot: options.results,
      runs,
      dataset,
      givenTeachers: settings.givenTeachers,
      teacherSeed,
      engine,
      command: recordedCommand(study.script, process.argv.slice(2)),
      signal,
      onRun(run, place) {
        const events = spoken.onRun(run, place);
        return options.tensorboard ? withTensorBoard(events, run.directory) : events;
      },
      onRunEnd(run, outcome) {
        if (options.tensorboard) writeTensorBoard(run.directory);
        spoken.onRunEnd(run, outcome);
      },
      onWait: spoken.onWait,
      onTeacher(teacher) {
        const { model, top1, source } = teacher;
        spoken.onTeacher(teacher);
        // A teacher of a few epochs is not meant to be the paper's.
        if (settings.scale !== 'paper' && source === trainedHere) return;
        const warning = teacherWarning({ name: model.name, top1, dataset: dataset.name });
        if (warning !== undefined) say(`WARNING: ${warning}`);
      },
    });
  } finally {
    spoken.stop();
    release();
  }
}
