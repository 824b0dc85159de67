import { crossEntropy } from '../../distill/terms';
import { startEngine } from '../../engine/load';
import { interruption } from '../../train/interruption';
import { requireRecipeFits } from '../../train/requirements';
import type { TrainingRecipe } from '../../train/recipe';
import { formatDuration } from '../../format-duration';
import { costModel } from '../cost';
import type { Cell } from '../grid';
import { planRuns, type PlannedRun } from '../plan';
import { runStudy, type GivenTeacher } from '../run-study';
import { spokenEvents } from '../spoken-events';
import { cellsOf } from './cells';
import { checkSweep, completedRecipe, type SweepOptions, teacherMethod } from './options';
import { sweepResult, type SweepResult } from './result';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/**
 * Trains a grid of your own and gives its statistics over the seeds: every teacher with every student, by
 * every method, with every seed.
 *
 *     const { cell, compare, trend } = await sweep({
 *       name: 'mine', dataset, seeds: [1, 2, 3], recipe: { epochs: 20 },
 *       teachers: ['resnet14', 'resnet20', 'resnet56'], students: ['resnet8'],
 *       methods: { kd: [crossEntropy(), kd()], 'kd++': [crossEntropy(), kd(), normDirection({ weight: 2 })] },
 *     });
 *     compare({ teacher: 'resnet20', student: 'resnet8' }, 'kd++', 'kd')?.interval;
 *
 * The same call goes on where it was stopped, by Ctrl-C or otherwise, and trains nothing twice; with more
 * teachers, methods or seeds it trains what is missing. Several processes may run it at once and share
 * the work. Each run leaves `config.json`, `metrics.jsonl`, `provenance.json` and its weights.
 *
 * @throws LabError of kind `option` before anything is trained, `data` where the data set does not fit,
 *   `results` where a run of that name has another recipe, `interrupted` after Ctrl-C.
 */
export async function sweep<const T extends string, const S extends string, M extends string>(
  options: SweepOptions<T, S, M>,
): Promise<SweepResult<T, S, M>> {
  checkSweep(options);
  const { dataset, events, signal, teacherSeed = 0, results: resultsRoot = 'results' } = options;
  const study = `sweep-${options.name}`;
  const givenTeachers = givenIn(options);
  const planOptions = {
    study,
    resultsRoot,
    cells: cellsOf(options),
    teacherSeed,
    recipeOf: ({ student, method }: Cell) => recipeOf(options, student, method),
    teacherRecipeOf: (model: string) => teacherRecipeOf(options, model),
    givenTeachers: new Set(givenTeachers.keys()),
  };
  const runs = planRuns(planOptions);
  for (const { recipe } of runs) requireRecipeFits(recipe, dataset);
  const engine = await startEngine();
  const voice = events === undefined ? announced(options, runs) : undefined;
  const stop = signal === undefined ? interrupted(() => voice?.stop()) : undefined;
  const listened = signal ?? stop?.signal;
  try {
    await runStudy({
      ...(voice ?? events),
      study,
      scale: 'short',
      resultsRoot,
      runs,
      dataset,
      givenTeachers,
      teacherSeed,
      engine,
      command: `sweep ${options.name}`,
      ...(listened === undefined ? {} : { signal: listened }),
    });
  } finally {
    voice?.stop();
    stop?.release();
  }
  return sweepResult(options, planRuns(planOptions));
}

function recipeOf(
  { recipe, methods }: SweepOptions<string, string, string>,
  student: string,
  name: string,
): TrainingRecipe {
  return completedRecipe(recipe, { student, method: { name, terms: methods[name] ?? [] } });
}

function teacherRecipeOf(
  { recipe, teacherRecipe = recipe }: SweepOptions<string, string, string>,
  student: string,
): TrainingRecipe {
  const method = { name: teacherMethod, terms: [crossEntropy()] };
  return completedRecipe(teacherRecipe, { student, method });
}

function givenIn({
  givenTeachers = {},
}: SweepOptions<string, string, string>): ReadonlyMap<string, GivenTeacher> {
  return new Map(
    Object.entries(givenTeachers).flatMap(([name, given]) =>
      given === undefined ? [] : [[name, given] as const],
    ),
  );
}

function announced(
  { dataset, name }: SweepOptions<string, string, string>,
  runs: readonly PlannedRun[],
): ReturnType<typeof spokenEvents> {
  const cost = costModel(dataset, runs, (network) => say(`Timing a step of ${network} here …`));
  const left = runs.filter(({ finished }) => !finished);
  const seconds = left.reduce((sum, run) => sum + cost.secondsLeft(run), 0);
  const done = runs.length - left.length;
  say(
    `Sweep ${name}: ${runs.length} runs, ${done} of them done; about ${formatDuration(seconds)} left. Ctrl-C saves.`,
  );
  return spokenEvents(cost, say);
}

function interrupted(before: () => void): ReturnType<typeof interruption> {
  return interruption(() => {
    before();
    say('Stopping: saving this run first (Ctrl-C again stops at once) …');
  });
}
