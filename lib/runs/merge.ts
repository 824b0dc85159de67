import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { LabError, resultsError } from '../errors';
import { removeEmptyFolders, writeAtomic, writeFault } from '../files';
import { hashJson } from '../records';
import { metricsFile } from '../train/metrics';
import { ownerInWords, readRunOwner, tryRunLock } from './lock';
import { runDirectory, runFiles } from './paths';
import type { CommonConfig } from './schema';
import {
  classifierRuns,
  readDetectionRun,
  runDirectories,
  storeOf,
  studyNames,
  type AnyRunStore,
} from './store';

/** What is brought back of a run: its records, not its weights, which anybody can train again. */
export const recordFiles: readonly string[] = [
  runFiles.config,
  metricsFile,
  runFiles.provenance,
  runFiles.evaluation,
];

/** A run as it lies below a folder of results: `runs/STUDY/PAIR/METHOD/seed-N`. */
export interface PlacedRun {
  readonly name: string;
  readonly directory: string;
}

/** All runs below a folder of results, by study and name. */
export function allRuns(root: string): PlacedRun[] {
  return studyNames(root, '')
    .flatMap((study) => runDirectories(root, study))
    .map((directory) => ({ name: nameBelow(root, directory), directory }));
}

const nameBelow = (root: string, directory: string): string =>
  relative(join(root, 'runs'), directory).split(sep).join('/');

const mend = 'Bring the run over again from where it was made, or train it here';

/**
 * Checks that a run is whole, finished, in its place, and agrees with itself: files, hash of the recipe, data,
 * teacher and the last number.
 *
 * @throws LabError that names the file and what was found.
 */
export function verifyRun(root: string, directory: string): CommonConfig {
  const store: AnyRunStore = storeOf(directory);
  const { config, metrics, provenance, problems } = store.readRun(directory);
  const fault = (what: string, found: string): LabError =>
    resultsError`${what} (${directory}): found ${found}. ${mend}`;
  const place = runDirectory(root, config);
  if (resolve(place) !== resolve(directory)) {
    throw fault('a run lies in a directory that is not its own', `the configuration of ${place}`);
  }
  if (problems.length > 0) throw fault('the records of a run are not whole', problems.join(', '));
  if (!store.isFinished({ config, metrics, provenance })) {
    const [done, length] = [store.doneIn(directory), store.lengthOf(config)];
    throw fault('a run is not finished', `${done} of ${length} ${store.unit}s`);
  }
  const { recipe, recipeHash, batchSize } = config;
  if (hashJson(recipe) !== recipeHash) {
    throw fault('a recipe is not the one of its hash', `${hashJson(recipe)} of ${recipeHash}`);
  }
  const training = recipe['training'];
  const asked = Object(training) as Readonly<Record<string, unknown>>;
  if (asked[`${store.unit}s`] !== store.lengthOf(config) || asked['batchSize'] !== batchSize) {
    throw fault(
      'a configuration is not that of its recipe',
      `${String(asked[`${store.unit}s`])} ${store.unit}s in batches of ${String(asked['batchSize'])}`,
    );
  }
  for (const [name, recorded] of [
    ['datasetHash', provenance?.dataHash],
    ['teacherHash', provenance?.teacherHash],
    ['classMeansHash', provenance?.classMeansHash],
  ] as const) {
    if (recipe[name] === recorded) continue;
    throw fault(
      'a run was trained on something else than its recipe says',
      `${name} ${String(recorded)} instead of ${String(recipe[name])}`,
    );
  }
  requireFigures(directory, fault);
  return config;
}

/** The last number stands in the record too, and a detector's in a file of its own. */
function requireFigures(directory: string, fault: (what: string, found: string) => LabError): void {
  if (storeOf(directory).unit === 'iteration') {
    const { config, evaluation, provenance } = readDetectionRun(directory);
    if (evaluation === null) throw fault('a detector has no figures', `no ${runFiles.evaluation}`);
    for (const [name, own, recorded] of [
      ['AP', 100 * evaluation.stats.AP, provenance?.AP],
      ['AP50', 100 * evaluation.stats.AP50, provenance?.AP50],
      [
        'evaluationDatasetHash',
        config.recipe['evaluationDatasetHash'],
        provenance?.evaluationDataHash,
      ],
    ] as const) {
      if (own === recorded) continue;
      throw fault(
        'the figures of a detector are not the recorded ones',
        `${name} ${String(own)} instead of ${String(recorded)}`,
      );
    }
    return;
  }
  const { metrics, provenance } = classifierRuns.readRun(directory);
  const [measured, recorded] = [metrics.at(-1)?.testTop1, provenance?.lastTop1];
  if (measured !== recorded) {
    throw fault(
      'the last accuracy of a run is not the recorded one',
      `${String(measured)} % instead of ${String(recorded)} %`,
    );
  }
}

/** A run that was not taken, why, and what to do about it. */
export interface RefusedRun {
  readonly run: string;
  readonly why: string;
  readonly fix: string;
}

export interface MergedRuns {
  readonly merged: readonly string[];
  /** Those that are here already, byte for byte. */
  readonly present: readonly string[];
  readonly refused: readonly RefusedRun[];
}

interface MergeOptions {
  /** The results that are brought, and those that take them. */
  readonly from: string;
  readonly into: string;
  /** What a run's recipe is here, where this package knows; throws where it knows none. */
  readonly recipesOf: (config: CommonConfig) => readonly unknown[] | undefined;
}

/**
 * Takes the runs of one folder of results into another: those that verify, whose cell is still free and whose
 * recipe is the one of this package and of the cell's other seeds. Each comes whole or not at all.
 *
 * @throws LabError of kind `file` when nothing can be written.
 */
export async function mergeRuns({ from, into, recipesOf }: MergeOptions): Promise<MergedRuns> {
  // A cell's other seeds are found, and empty folders removed, by their whole paths.
  const root = resolve(into);
  const merged: string[] = [];
  const present: string[] = [];
  const refused: RefusedRun[] = [];
  for (const { name, directory } of allRuns(from)) {
    try {
      const config = verifyRun(from, directory);
      requireKnownRecipe(config, directory, recipesOf);
      const target = runDirectory(root, config);
      if (isSame(directory, target)) present.push(name);
      else {
        await takeRun(config, directory, target);
        merged.push(name);
      }
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      refused.push({ run: name, why: error.problem, fix: error.fix });
    }
  }
  return { merged, present, refused };
}

function requireKnownRecipe(
  config: CommonConfig,
  directory: string,
  recipesOf: MergeOptions['recipesOf'],
): void {
  const known = recipesOf(config)?.map(hashJson);
  const found = hashJson(config.recipe['training']);
  if (known === undefined || known.includes(found)) return;
  throw resultsError`a run was trained by a recipe that this package does not have (${directory}): found recipe ${found.slice(0, 8)} instead of ${known.map((hash) => hash.slice(0, 8)).join(' or ')}. Check out the revision that it was made with (provenance.json), or train it here`;
}

function isSame(a: string, b: string): boolean {
  return recordFiles.every((name) => {
    const [one, other] = [a, b].map((directory) => contentOf(join(directory, name)));
    return one === undefined ? other === undefined : other !== undefined && one.equals(other);
  });
}

function contentOf(path: string): Buffer | undefined {
  return existsSync(path) ? readFileSync(path) : undefined;
}

async function takeRun(config: CommonConfig, directory: string, target: string): Promise<void> {
  requireOtherSeedsAlike(config, target);
  const above = dirname(target);
  const lock = await tryRunLock(target);
  try {
    if (lock === undefined) {
      throw resultsError`another process trains this run here (${target}): found ${ownerInWords(readRunOwner(target))}. Wait for it, or stop it and delete the directory`;
    }
    if (existsSync(target)) {
      throw resultsError`there is a run in this place already (${target}): found other files. Keep that one, or delete the directory and merge again`;
    }
    // Another name until it is whole: no reader takes it for a run.
    const unfinished = `${target}.merging`;
    rmSync(unfinished, { recursive: true, force: true });
    try {
      for (const name of recordFiles) {
        const bytes = contentOf(join(directory, name));
        if (bytes !== undefined) writeAtomic(join(unfinished, name), bytes);
      }
      rename(unfinished, target);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  } finally {
    await lock?.release();
    removeEmptyFolders(above, resolve(above, '..', '..', '..', '..'));
  }
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    throw writeFault(to, error);
  }
}

/** Seeds of one cell are averaged, so that they must have one recipe, teacher and data included. */
function requireOtherSeedsAlike({ recipeHash, study }: CommonConfig, target: string): void {
  const cell = dirname(target);
  const root = resolve(cell, '..', '..', '..', '..');
  const others = runDirectories(root, study).filter((other) => dirname(other) === cell);
  for (const other of others) {
    const found = storeOf(other).readConfig(other).recipeHash;
    if (found === recipeHash) continue;
    throw resultsError`the other seeds of this cell have another recipe (${other}): found ${found.slice(0, 8)} instead of ${recipeHash.slice(0, 8)} of seed ${basename(target).slice('seed-'.length)}. Merge it into other results (--results), or train the cell's seeds with the same teacher and data`;
  }
}
