import { crossEntropy } from '../../distill/terms';
import { requirePrecision } from '../../engine/precision';
import { startEngine } from '../../engine/load';
import { optionError } from '../../errors';
import { formatDuration } from '../../format-duration';
import type { ModelName } from '../../models/registry';
import type { TrainingRecipe } from '../../train/recipe';
import { type Classification, classification } from '../classification';
import { ConsoleReporter } from '../console-reporter';
import { costModel, secondsLeftOf } from '../cost';
import type { Cell } from '../grid';
import { type PlannedRun, planRuns, requireGoesOn, teacherMethod } from '../plan';
import { runStudy, runUntilInterrupted } from '../run-study';
import { assertSameData } from '../same-recipe';
import { classifierRuns } from '../store';
import type { GivenTeacher, Task } from '../task';
import {
  type AnySweepOptions,
  cellsOf,
  checkSweep,
  completedRecipe,
  type SweepOptions,
} from './options';
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
export async function sweep<const T extends ModelName, const S extends ModelName, M extends string>(
  options: SweepOptions<T, S, M>,
): Promise<SweepResult<T, S, M>> {
  checkSweep(options);
  const { events, signal, teacherSeed = 0, results: resultsRoot = 'results' } = options;
  const study = `sweep-${options.name}`;
  const givenTeachers = givenIn(options);
  const planOptions = {
    store: classifierRuns,
    study,
    resultsRoot,
    cells: cellsOf(options),
    teacherSeed,
    recipeOf: ({ student, method }: Cell) => recipeOf(options, student, method),
    teacherRecipeOf: (model: string) => teacherRecipeOf(options, model),
    givenTeachers: new Set(givenTeachers.keys()),
  };
  const task = classification(options.dataset);
  const planned = planRuns(planOptions);
  requireGoesOn(planned, classifierRuns);
  for (const run of planned.filter(({ recordOnly }) => recordOnly)) {
    assertSameData(run.directory, task.hashes({ run, teacher: undefined }), classifierRuns);
  }
  const runs = planned.filter(({ recordOnly }) => recordOnly !== true);
  for (const { recipe } of runs) task.requireFits(recipe);
  const precisions = new Set(runs.map(({ recipe }) => recipe.precision ?? 'f32'));
  if (precisions.has('tf32') && precisions.size > 1) {
    throw optionError`an engine that computes in TF32 does so in all runs (precision): found ${[...precisions].join(' and ')}. Give recipe and teacherRecipe the same`;
  }
  const engine = await startEngine({ tf32: precisions.has('tf32') });
  precisions.forEach((precision) => requirePrecision(precision, engine, say));
  const reporter = events === undefined ? announced(options.name, task, runs) : undefined;
  const whole = {
    ...(events ?? reporter?.events),
    task,
    study,
    scale: 'short',
    resultsRoot,
    runs,
    givenTeachers,
    teacherSeed,
    engine,
    command: `sweep ${options.name}`,
  } as const;
  try {
    if (signal === undefined) await runUntilInterrupted(whole, reporter ?? unheard);
    else await runStudy({ ...whole, signal });
  } finally {
    reporter?.stop();
  }
  return sweepResult(options, planRuns(planOptions));
}

/** Where others hear of the progress, only Ctrl-C is told of. */
const unheard = { stop: (): void => undefined, say };

function recipeOf(
  { recipe, methods }: AnySweepOptions,
  student: string,
  name: string,
): TrainingRecipe {
  return completedRecipe(recipe, { student, method: { name, terms: methods[name] ?? [] } });
}

function teacherRecipeOf(
  { recipe, teacherRecipe = recipe }: AnySweepOptions,
  student: string,
): TrainingRecipe {
  const method = { name: teacherMethod, terms: [crossEntropy()] };
  return completedRecipe(teacherRecipe, { student, method });
}

function givenIn({ givenTeachers = {} }: AnySweepOptions): ReadonlyMap<string, GivenTeacher> {
  return new Map(
    Object.entries(givenTeachers).flatMap(([name, given]) =>
      given === undefined ? [] : [[name, given] as const],
    ),
  );
}

function announced(
  name: string,
  task: Task<Classification>,
  runs: readonly PlannedRun[],
): ConsoleReporter<Classification> {
  const cost = costModel(task, runs, (network) => say(`Timing a step of ${network} here …`));
  const left = formatDuration(secondsLeftOf(runs, cost));
  const done = runs.filter(({ finished }) => finished).length;
  say(
    `Sweep ${name}: ${runs.length} runs, ${done} of them done; about ${left} left. Ctrl-C saves.`,
  );
  return new ConsoleReporter({ task, cost });
}
