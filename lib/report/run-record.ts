import { relative, sep } from 'node:path';
import { bestEpoch, lastTop1 } from '../runs/measures';
import type { Provenance } from '../runs/schema';
import type { Run } from '../runs/store';
import { count } from './numbers';

/** Which run, and how and where it ran. */
export interface RunRecord {
  readonly seed: number;
  /** Below the results directory, with forward slashes. */
  readonly directory: string;
  readonly batchSize: number;
  readonly recipeHash: string;
  readonly provenance: Provenance | null;
}

/** A finished run behind a number. */
export interface RunReference extends RunRecord {
  readonly last: number;
  readonly best: number;
  readonly bestEpoch: number;
  readonly revision: string | null;
  readonly dirty: boolean | null;
}

/** A run that is no part of any number, and why. */
export interface UnfinishedRun extends RunRecord {
  readonly epochs: number;
  readonly of: number;
  readonly why: string | null;
}

/** What ran the runs of a table. */
export interface Environment {
  readonly revisions: readonly Revision[];
  readonly engines: readonly string[];
  readonly devices: readonly string[];
  readonly processors: readonly string[];
  /** `node 20.19.0`, … */
  readonly versions: readonly string[];
  readonly seeds: readonly number[];
  /** Runs of a recipe from before the `++` rows and their bases followed the released code. */
  readonly older: number;
}

/** A state of the code, and how many runs it ran. */
export interface Revision {
  readonly revision: string | null;
  readonly dirty: boolean | null;
  readonly runs: number;
}

/** What of a run, of whatever kind, tells of its environment. */
export interface RecordedRun {
  readonly config: {
    readonly seed: number;
    readonly method: string;
    readonly recipe: Readonly<Record<string, unknown>>;
  };
  readonly provenance: Pick<
    Provenance,
    'revision' | 'dirty' | 'engine' | 'device' | 'processor' | 'versions'
  > | null;
}

/** Gathers from the runs' provenance what ran them. */
export function environmentOf(runs: readonly RecordedRun[]): Environment {
  const known = runs.flatMap(({ provenance }) => (provenance === null ? [] : [provenance]));
  const revisions = new Map<string, Revision>();
  for (const { provenance } of runs) {
    const revision = provenance?.revision ?? null;
    const dirty = provenance?.dirty ?? null;
    const key = `${revision ?? '~'} ${String(dirty)}`;
    revisions.set(key, { revision, dirty, runs: (revisions.get(key)?.runs ?? 0) + 1 });
  }
  return {
    revisions: [...revisions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found),
    engines: distinct(known.map(({ engine }) => engine)),
    devices: distinct(known.map(({ device }) => device)),
    processors: distinct(known.map(({ processor }) => processor)),
    versions: distinct(
      known.flatMap(({ versions }) =>
        Object.entries(versions).map(([name, version]) => `${name} ${version}`),
      ),
    ),
    seeds: [...new Set(runs.map(({ config }) => config.seed))].sort((a, b) => a - b),
    older: runs.filter(isOfOlderRecipe).length,
  };
}

/** Rows of the paper's code, which trains on several GPUs: their recipes of today say so. */
const ofPaperCode = /^(student|(kd|dkd|dist|reviewkd|deit)(\+\+)?|kd\+.+)$/;

function isOfOlderRecipe({ config: { method, recipe } }: RecordedRun): boolean {
  const { training } = recipe;
  return (
    ofPaperCode.test(method) &&
    typeof training === 'object' &&
    training !== null &&
    'epochs' in training &&
    !('imagesPerReplica' in training)
  );
}

/** The seeds and the state of the code behind a table. */
export function environmentInWords({ seeds, revisions, older }: Environment): string {
  const code = revisions.map(
    ({ revision, dirty, runs }) => `${codeInWords(revision, dirty)} (${count(runs, 'run')})`,
  );
  const recipe =
    older === 0 ? '' : ` · ${count(older, 'run')} of an older recipe (docs/differences.md)`;
  return `seeds ${seeds.join(', ')} · code: ${code.join('; ')}${recipe}`;
}

function codeInWords(revision: string | null, dirty: boolean | null): string {
  const name = revision === null ? 'unknown revision' : `revision ${revision.slice(0, 12)}`;
  return `${name}${dirty === true ? ' with uncommitted changes' : ''}`;
}

/** Why a run is in no number: `KD++, seed 1: 2 of 5 epochs done (interrupted); it is in no number.` */
export function unfinishedInWords(label: string, { seed, epochs, of, why }: UnfinishedRun): string {
  return `${label}, seed ${String(seed)}: ${String(epochs)} of ${count(of, 'epoch')} done${why === null ? '' : ` (${why})`}; it is in no number.`;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

/** A finished run as a number’s evidence; nothing of one without an epoch. */
export function runReference(run: Run, root: string): RunReference[] {
  const last = lastTop1(run);
  const best = bestEpoch(run);
  if (last === undefined || best === undefined) return [];
  return [
    {
      ...record(run, root),
      last,
      best: best.top1,
      bestEpoch: best.epoch,
      revision: run.provenance?.revision ?? null,
      dirty: run.provenance?.dirty ?? null,
    },
  ];
}

/** A run that is in no number. */
export function unfinishedRun(run: Run, root: string): UnfinishedRun {
  const { config, metrics, provenance } = run;
  return {
    ...record(run, root),
    epochs: metrics.length,
    of: config.epochs,
    why: provenance?.error ?? provenance?.ended ?? null,
  };
}

function record({ directory, config, provenance }: Run, root: string): RunRecord {
  const { seed, batchSize, recipeHash } = config;
  return { seed, directory: directoryBelow(root, directory), batchSize, recipeHash, provenance };
}

/** A run's directory below the results, with forward slashes. */
export function directoryBelow(root: string, directory: string): string {
  return relative(root, directory).split(sep).join('/');
}
