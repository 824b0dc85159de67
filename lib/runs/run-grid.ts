import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { dataProgressPrinter, type OnDataProgress } from '../data/progress';
import type { EngineDescription } from '../engine/describe';
import { startEngine } from '../engine/load';
import { type Precision, requirePrecision } from '../engine/precision';
import { programFault, runProgram } from '../engine/program';
import { removeEmptyFolders, requireFile, requireWritable } from '../files';
import { formatDuration } from '../format-duration';
import { deleteRuns } from './claim';
import { ConsoleReporter } from './console-reporter';
import { type CostModel, costModel, secondsLeftOf } from './cost';
import type { Cell } from './grid';
import {
  isWorker,
  thisCommand,
  workerVariable,
  type JobChoice,
  type JobPlan,
  planJobs,
  runInJobs,
  stopWithParent,
} from './jobs';
import { inOrderOfWorth, pickInWords, pickRuns, untilTime } from './hours';
import { listPlan, memoryInWords } from './list';
import { isRunHeld } from './lock';
import { manifestOf, missingCells } from './manifest';
import { type PlannedRun, type PlanOptions, planRuns, requireGoesOn } from './plan';
import { recordedCommand } from './provenance';
import { teacherWarning } from './published-teachers';
import { runUntilInterrupted, type StudyEvents } from './run-study';
import { assertSameData, assertSameTraining } from './same-recipe';
import type { Scale } from './schema';
import {
  type GivenTeacher,
  type MemoryEstimate,
  type Task,
  type TaskKind,
  trainedHere,
} from './task';
import { withTensorBoard, writeTensorBoard } from './tensorboard';

/** What a renderer wrote. */
export interface Rendered {
  readonly files: readonly string[];
  /** For the terminal. */
  readonly terminal: string;
  /** The same as plain data. */
  readonly json: unknown;
}

/** A grid of runs, as a command was asked for it: its options, checked and completed. */
export interface GridSettings<Kind extends TaskKind = TaskKind> extends Omit<
  PlanOptions<Kind['recipe']>,
  'cells' | 'givenTeachers'
> {
  /** The npm script, as records name it: `reproduce:table1`. */
  readonly script: string;
  readonly scale: Scale;
  readonly precision: Precision;
  /** Whether a GPU is to give equal bytes at every run. */
  readonly deterministic: boolean;
  /** The whole grid, and what of it is to run here. */
  readonly grid: readonly Cell[];
  readonly cells: readonly Cell[];
  readonly givenTeachers: ReadonlyMap<string, GivenTeacher>;
  /** What the user should know, a line each. */
  readonly notes: readonly string[];
  /** The paper's setting in words, whether the cells on these data are of it, and what holds of others. */
  readonly paper: {
    readonly words: string;
    readonly isSetting: (dataset: string) => boolean;
    readonly otherwise: string;
  };
  /** Whether `--list` and the beginning of a run estimate memory too. */
  readonly estimatesMemory: boolean;
  /** `missing` lists what is left as a manifest. */
  readonly action: 'train' | 'list' | 'missing' | 'render';
  /** Only what fits into so many hours is run, and what runs at their end is saved. */
  readonly hours?: number | undefined;
  /** The directories of the runs that are made; all unless given. */
  readonly only?: ReadonlySet<string> | undefined;
  /** Whether what is there of the runs is kept. */
  readonly resume: boolean;
  readonly jobs: JobChoice;
  /** `2/8` where only a part of the grid runs. */
  readonly shard: string | undefined;
  readonly tensorboard: boolean;
  /** Whether standard output is one JSON object. */
  readonly json: boolean;
  /** Opens the data. */
  readonly openTask: (onProgress: OnDataProgress) => Promise<Task<Kind>>;
  /** Writes and shows the table from the run files. */
  readonly render: () => Promise<Rendered>;
}

/** Tells the jobs of a command with `--hours` what was picked: directories of runs, as JSON. */
const pickedVariable = 'NORM_DIRECTION_LAB_PICKED';

const onlyJob: JobPlan = { jobs: 1, gpus: [] };

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const timing = (network: string): void => say(`Timing a step of ${network} here …`);
const measuring = (pair: string): void => say(`Measuring the memory of ${pair} here …`);

/** Runs a grid, or its part, or lists it, and writes and prints what was measured. */
export async function runGrid<Kind extends TaskKind>(asked: GridSettings<Kind>): Promise<void> {
  let settings = asked.hours === undefined ? asked : inWorth(asked);
  const { action, resume, store, hours } = settings;
  // Whoever started this worker ends it in time.
  const until = hours === undefined || isWorker() ? undefined : Date.now() + hours * 3_600_000;
  if (action === 'missing') return listMissing(settings);
  if (action !== 'list') requireWritable(settings.resultsRoot, '--results');
  if (action === 'render') return render(settings);
  if (!isWorker()) settings.notes.forEach(say);
  const plan = (): PlannedRun<Kind['recipe']>[] => planOf(settings, settings.cells);
  const found = plan();
  if (resume) requireGoesOn(found, store);
  const given = givenIn(settings, found);
  given.forEach(([, teacher]) => requireFiles(teacher));
  const jobs = isWorker() || action === 'list' ? onlyJob : await planJobs(settings.jobs);
  if (jobs.jobs > 1) {
    await withTask(settings, (task) => requireAllFit(task, plan()));
    // A process that lists them has looked at engine, precision and teachers: nothing is deleted for a mistake.
    const seconds = until === undefined && resume ? undefined : await secondsInJobs(jobs);
    if (!resume) await deleteRuns(plan());
    if (until !== undefined && seconds) settings = pickIn(settings, plan(), seconds, jobs.jobs);
    const env = settings.only && { [pickedVariable]: JSON.stringify([...settings.only]) };
    await sayWhenOver(until, () => runInJobs(jobs, store.unit, plan, say, env));
    return renderWhenComplete(settings);
  }
  const [gpu] = jobs.gpus;
  if (gpu !== undefined) process.env['CUDA_VISIBLE_DEVICES'] = gpu;
  const { precision, deterministic } = settings;
  await withTask(settings, async (task) => {
    requireAllFit(task, plan());
    // After the data, whose absence is told before an engine is fetched and compiled.
    const engine = await startEngine({ tf32: precision === 'tf32', deterministic });
    requirePrecision(precision, engine, say);
    if (!isWorker()) task.notes.forEach(say);
    if (resume) requireSameData(task, plan());
    if (action !== 'list' || isWorker()) {
      for (const [name, teacher] of given) await task.requireGiven(name, teacher);
    }
    if (action === 'list') return list(settings, plan(), task);
    // Whoever started this worker has deleted them, once for all workers.
    if (!resume && !isWorker()) await deleteRuns(plan());
    if (until !== undefined) {
      const { secondsLeft } = costModel(task, plan(), timing);
      settings = pickIn(settings, plan(), secondsLeft);
    }
    const runs = plan();
    const results = resolve(settings.resultsRoot);
    const root = existsSync(results) ? results : dirname(results);
    const cost = costModel(task, runs, timing);
    await announce(settings, { task, engine, runs, cost });
    try {
      const made = runs.filter(({ recordOnly }) => recordOnly !== true);
      await sayWhenOver(until, () => train(settings, { task, engine, runs: made, cost }));
    } finally {
      // What was refused before it began leaves nothing.
      runs.forEach(({ directory }) => removeEmptyFolders(dirname(resolve(directory)), root));
    }
  });
  if (action === 'train' && !isWorker()) await renderWhenComplete(settings);
}

/** Those with weights are compared when they are claimed. */
function requireSameData<Kind extends TaskKind>(
  task: Task<Kind>,
  runs: readonly PlannedRun<Kind['recipe']>[],
): void {
  for (const run of runs.filter(({ recordOnly }) => recordOnly)) {
    assertSameData(run.directory, task.hashes({ run, teacher: undefined }), task.store);
  }
}

/** The runs of these cells and their teachers, as they stand on disk now. */
function planOf<Kind extends TaskKind>(
  settings: GridSettings<Kind>,
  cells: readonly Cell[],
): PlannedRun<Kind['recipe']>[] {
  const { only } = settings;
  const givenTeachers = new Set(settings.givenTeachers.keys());
  return planRuns({ ...settings, cells, givenTeachers }).filter(
    ({ directory }) => only === undefined || only.has(directory),
  );
}

/** The grid in the order of worth; in a worker, only what was picked for it and the others. */
function inWorth<Kind extends TaskKind>(settings: GridSettings<Kind>): GridSettings<Kind> {
  const picked = isWorker() ? process.env[pickedVariable] : undefined;
  const only = picked === undefined ? undefined : new Set(JSON.parse(picked) as string[]);
  return { ...settings, cells: inOrderOfWorth(settings.cells), only };
}

/** Leaves of a grid what fits into its hours, and says so. */
function pickIn<Kind extends TaskKind>(
  settings: GridSettings<Kind>,
  runs: readonly PlannedRun<Kind['recipe']>[],
  secondsLeft: (run: PlannedRun<Kind['recipe']>) => number,
  jobs = 1,
): GridSettings<Kind> {
  const { hours = Infinity } = settings;
  const picked = pickRuns(runs, secondsLeft, { seconds: hours * 3600, jobs });
  say(pickInWords(hours, picked));
  return { ...settings, only: new Set(picked.runs.map(({ directory }) => directory)) };
}

const timesSchema = z.object({
  runs: z.array(z.object({ directory: z.string(), secondsLeft: z.number() })),
});

/** What runs take in one of several jobs, as `--list` says in a process of its own: this one computes nothing. */
async function secondsInJobs({
  jobs,
  gpus,
}: JobPlan): Promise<(run: { directory: string }) => number> {
  const [gpu] = gpus;
  const { status, stdout, stderr } = await runProgram(
    process.execPath,
    [...thisCommand(), '--list', '--json'],
    {
      env: {
        ...process.env,
        [workerVariable]: 'list',
        ...(gpu === undefined ? {} : { CUDA_VISIBLE_DEVICES: gpu }),
      },
    },
  );
  if (status !== 0) {
    throw programFault('the time of the runs cannot be estimated', '--list', stderr, 'Mend that');
  }
  const { runs } = timesSchema.parse(JSON.parse(stdout));
  const seconds = new Map(runs.map((run) => [run.directory, run.secondsLeft]));
  const longer = longerInJobs({ jobs, gpus });
  return ({ directory }) => (seconds.get(directory) ?? Infinity) * longer;
}

/** Jobs share the processors, or the GPUs where there are fewer of these. */
const longerInJobs = ({ jobs, gpus }: JobPlan): number => jobs / Math.max(gpus.length, 1);

async function sayWhenOver(until: number | undefined, work: () => Promise<void>): Promise<void> {
  if (await untilTime(until, work)) return;
  say('The hours are over, and everything is saved. The same command goes on from there.');
}

/** What is left, as a manifest. */
function listMissing<Kind extends TaskKind>(settings: GridSettings<Kind>): void {
  const { cells, store, json, resume } = settings;
  const runs = planOf(settings, cells);
  if (resume) runs.forEach((run) => assertSameTraining(run, store));
  const missing = missingCells(runs, cells);
  process.stdout.write(json ? `${JSON.stringify({ missing })}\n` : manifestOf(missing));
  say(`${missing.length} of ${runs.length} runs are left.`);
}

/** The given teachers of runs that are still to be made. */
function givenIn<Kind extends TaskKind>(
  { givenTeachers, resume }: GridSettings<Kind>,
  runs: readonly PlannedRun<Kind['recipe']>[],
): (readonly [string, GivenTeacher])[] {
  const wanted = new Set(
    runs.flatMap(({ teacher, finished }) =>
      teacher === null || (finished && resume) ? [] : teacher,
    ),
  );
  return [...givenTeachers].filter(([name]) => wanted.has(name));
}

/** Before the data are opened, which may take long: that the files are there at all. */
function requireFiles({ weights, classMeans }: GivenTeacher): void {
  for (const [file, option] of [
    [weights, '--teacher-weights'],
    [classMeans, '--class-means'],
  ] as const) {
    if (file !== undefined) requireFile(file, option);
  }
}

function requireAllFit<Kind extends TaskKind>(
  task: Task<Kind>,
  runs: readonly PlannedRun<Kind['recipe']>[],
): void {
  for (const { recipe } of runs) task.requireFits(recipe);
}

/** Opens the data, and closes what reads them as training goes on. */
async function withTask<Kind extends TaskKind>(
  settings: GridSettings<Kind>,
  work: (task: Task<Kind>) => Promise<void> | void,
): Promise<void> {
  const progress = dataProgressPrinter();
  let task: Task<Kind>;
  try {
    task = await settings.openTask(progress.report);
  } finally {
    progress.stop();
  }
  try {
    await work(task);
  } finally {
    await task.dispose?.();
  }
}

async function list<Kind extends TaskKind>(
  settings: GridSettings<Kind>,
  runs: readonly PlannedRun<Kind['recipe']>[],
  task: Task<Kind>,
): Promise<void> {
  const { json, shard, store } = settings;
  const memory = await memoryOf(settings, runs, task);
  const cost = costModel(task, runs, timing);
  process.stdout.write(listPlan(runs, cost, { json, unit: store.unit, memory, shard }));
  if (settings.hours === undefined || isWorker()) return;
  const plan = await planJobs(settings.jobs);
  pickIn(settings, runs, (run) => cost.secondsLeft(run) * longerInJobs(plan), plan.jobs);
}

async function memoryOf<Kind extends TaskKind>(
  { estimatesMemory }: GridSettings<Kind>,
  runs: readonly PlannedRun<Kind['recipe']>[],
  { costs }: Task<Kind>,
): Promise<readonly MemoryEstimate[]> {
  return estimatesMemory && costs.memory ? costs.memory(runs, measuring) : [];
}

/** What is trained, and with what. */
interface Training<Kind extends TaskKind> {
  readonly task: Task<Kind>;
  readonly engine: EngineDescription;
  readonly runs: readonly PlannedRun<Kind['recipe']>[];
  readonly cost: CostModel<Kind['recipe']>;
}

async function announce<Kind extends TaskKind>(
  settings: GridSettings<Kind>,
  { task, engine: { engine, tensorflow, device }, runs, cost }: Training<Kind>,
): Promise<void> {
  const { scale, paper } = settings;
  const { dataset, about } = task;
  const version = tensorflow === null ? 'TensorFlow.js alone' : `TensorFlow ${tensorflow}`;
  say(`Data: ${dataset}, ${about}. Engine: ${engine} (${version}, ${device}).`);
  if (!paper.isSetting(dataset)) {
    say(
      `This is ${scale} scale on ${dataset}, not the paper's setting (${paper.words}): ${paper.otherwise}.`,
    );
  }
  const unfinished = runs.filter(({ finished }) => !finished);
  memoryInWords(await memoryOf(settings, unfinished, task)).forEach(say);
  const left = formatDuration(secondsLeftOf(unfinished, cost));
  const done = runs.length - unfinished.length;
  say(`${runs.length} runs, ${done} of them done; about ${left} left. Ctrl-C saves.`);
  const recorded = runs.filter(({ recordOnly }) => recordOnly === true).length;
  if (recorded > 0) {
    say(
      `Of these, ${recorded} are recorded here as finished, without their weights, and are not made again ` +
        '(--results FOLDER makes them in another place).',
    );
  }
}

async function train<Kind extends TaskKind>(
  settings: GridSettings<Kind>,
  { task, engine, runs, cost }: Training<Kind>,
): Promise<void> {
  const { script, scale, tensorboard } = settings;
  const { store } = task;
  const reporter = new ConsoleReporter({ task, cost });
  stopWithParent();
  const events: StudyEvents<Kind> = {
    ...reporter.events,
    onRun(run, position) {
      const heard = reporter.events.onRun(run, position);
      return tensorboard ? withTensorBoard(heard, run.directory, store) : heard;
    },
    onRunEnd(run, outcome) {
      if (tensorboard) writeTensorBoard(run.directory, { store });
      reporter.events.onRunEnd(run, outcome);
    },
    onTeacher(teacher) {
      const { name, top1, source } = teacher;
      reporter.events.onTeacher(teacher);
      // A teacher of a few epochs is not meant to be the paper's.
      if (top1 === undefined || (scale !== 'paper' && source === trainedHere)) return;
      const warning = teacherWarning({ name, top1, dataset: task.dataset });
      if (warning !== undefined) say(`WARNING: ${warning}`);
    },
  };
  const command = recordedCommand(script, process.argv.slice(2));
  await runUntilInterrupted({ ...settings, ...events, task, runs, engine, command }, reporter);
}

async function render<Kind extends TaskKind>(settings: GridSettings<Kind>): Promise<void> {
  const { files, json, terminal } = await settings.render();
  process.stdout.write(
    settings.json ? `${JSON.stringify({ files, table: json })}\n` : `${terminal}\n`,
  );
  say(`Written: ${files.join(', ')}`);
}

/** Renders the table when the whole grid is finished, or hours have brought some of it; says what is missing otherwise. */
async function renderWhenComplete<Kind extends TaskKind>(
  settings: GridSettings<Kind>,
): Promise<void> {
  const { grid, hours } = settings;
  const whole = planOf({ ...settings, only: undefined }, grid);
  const unfinished = whole.filter(({ finished }) => !finished);
  const hasRows = whole.some(({ kind, finished }) => kind === 'cell' && finished);
  if (unfinished.length === 0 || (hours !== undefined && hasRows)) return render(settings);
  const running = unfinished.filter(({ directory }) => isRunHeld(directory));
  say(
    `Done here. Of the whole grid ${unfinished.length} of ${whole.length} runs are not finished, ` +
      `${running.length} of them under way elsewhere: who finishes last renders the table (--render shows what is there).`,
  );
  if (settings.json) {
    const places = unfinished.map(({ directory }) => directory);
    process.stdout.write(`${JSON.stringify({ files: [], unfinished: places })}\n`);
  }
}
