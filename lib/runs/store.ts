import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { type DetectionMetrics, detectionMetricsForm } from '../detection/training-metrics';
import { resultsError } from '../errors';
import { readJson, writeAtomic } from '../files';
import { checkRecord } from '../records';
import {
  type EpochMetrics,
  epochMetricsForm,
  metricsFile,
  type MetricsForm,
  readLines,
} from '../train/metrics';
import { runDirectory, runFiles, studyDirectory } from './paths';
import {
  type CommonConfig,
  type CommonProvenance,
  configSchema,
  type DetectionConfig,
  detectionConfigSchema,
  type DetectionEvaluation,
  detectionEvaluationSchema,
  type DetectionProvenance,
  detectionProvenanceSchema,
  type Provenance,
  provenanceSchema,
  type RunConfig,
} from './schema';

const fix =
  'Restore the file from a copy, or delete the run directory and run the same command again';

/** A run as its directory holds it. */
export interface RecordedRun<Config, Line, Origin> {
  readonly directory: string;
  readonly config: Config;
  /** In order; they end early when the run was cut off or still goes on. */
  readonly metrics: readonly Line[];
  readonly provenance: Origin | null;
  /** What was wrong with the files and could be passed over, in words. */
  readonly problems: readonly string[];
}

/** A classifier's run. */
export type Run = RecordedRun<RunConfig, EpochMetrics, Provenance>;

/** A detector's run. */
export type DetectionRun = RecordedRun<DetectionConfig, DetectionMetrics, DetectionProvenance> & {
  /** Null while it is not finished. */
  readonly evaluation: DetectionEvaluation | null;
};

/** What the records of one kind of run are made of. */
interface RunForm<Config, Line, Origin, Length> {
  readonly unit: 'epoch' | 'iteration';
  readonly config: z.ZodType<Config>;
  readonly provenance: z.ZodType<Origin>;
  readonly metrics: MetricsForm<Line>;
  /** The files that a finished run has besides its records. */
  readonly outputs: readonly string[];
  /** Epochs or iterations that a configuration or a recipe asks for. */
  lengthOf(of: Length): number;
  /** Those that are done at a line of metrics. */
  doneAt(line: Line): number;
  /** What TensorBoard shows of a line, by tag; the parts before the slash are its groups. */
  scalars(line: Line): ReadonlyMap<string, number>;
  /** Seconds of an epoch or an iteration; undefined where none was measured. */
  unitSeconds(provenance: Origin): number | undefined;
  /** Seconds of each line of metrics, as far as they were measured. */
  secondsOf(provenance: Origin, lines: readonly Line[]): readonly number[];
}

/** Reads and writes the runs of one kind. */
interface RunStore<Config, Line, Origin, Length> extends Omit<
  RunForm<Config, Line, Origin, Length>,
  'config' | 'provenance' | 'metrics'
> {
  /** @throws LabError when a run directory's `config.json` is missing or holds something else. */
  readConfig(directory: string): Config;
  /** Writes `config.json`, checked against its schema; makes the directory. */
  writeConfig(directory: string, config: Config): void;
  /** A run's provenance, or null when it has none yet. */
  readProvenance(directory: string): Origin | null;
  writeProvenance(directory: string, provenance: Origin): void;
  /** The lines of a run's metrics; none where there is no file. */
  linesIn(directory: string): readonly Line[];
  /** Epochs or iterations that are on disk. */
  doneIn(directory: string): number;
  /** @throws LabError that names file, line and field, when a file is missing or broken. */
  readRun(directory: string): RecordedRun<Config, Line, Origin>;
  /**
   * All the runs of a study, in the order of their directories' names; none without a directory.
   *
   * @throws LabError when a file is broken or a run lies in another run's place.
   */
  readRuns(root: string, study: string): RecordedRun<Config, Line, Origin>[];
  /** Whether a run came to its end: its record says so, and no line of its metrics is missing. */
  isFinished(
    run: Pick<RecordedRun<Config, Line, Origin>, 'config' | 'metrics' | 'provenance'>,
  ): boolean;
  /** Whether a directory holds a finished run with its weights; it says nothing of which recipe. */
  isFinishedIn(directory: string): boolean;
}

/** A store of either kind, where it does not matter which. */
export type AnyRunStore = RunStore<CommonConfig, unknown, CommonProvenance, object>;

function runStore<
  Config extends CommonConfig & Length,
  Line,
  Origin extends CommonProvenance,
  Length,
>(form: RunForm<Config, Line, Origin, Length>): RunStore<Config, Line, Origin, Length> {
  const store: RunStore<Config, Line, Origin, Length> = {
    ...form,
    linesIn: (directory) => readLines(directory, form.metrics).lines,
    readConfig: (directory) => checkedFile(join(directory, runFiles.config), form.config),
    writeConfig: (directory, config) =>
      writeRecord(directory, runFiles.config, form.config, config),
    readProvenance: (directory) => readRecord(directory, runFiles.provenance, form.provenance),
    writeProvenance: (directory, provenance) =>
      writeRecord(directory, runFiles.provenance, form.provenance, provenance),
    doneIn(directory) {
      const last = store.linesIn(directory).at(-1);
      return last === undefined ? 0 : form.doneAt(last);
    },
    readRun(directory) {
      const config = store.readConfig(directory);
      const { lines, cut } = readLines(directory, form.metrics);
      const provenance = store.readProvenance(directory);
      const problems: string[] = [];
      if (cut !== null) {
        problems.push(
          `${metricsFile}: line ${lines.length + 1} was cut in the middle and is left out`,
        );
      }
      if (provenance === null) problems.push(`${runFiles.provenance} is missing`);
      const last = lines.at(-1);
      const [done, length] = [last === undefined ? 0 : form.doneAt(last), form.lengthOf(config)];
      if (done > length) {
        throw resultsError`a run has more ${form.unit}s than its configuration (${join(directory, metricsFile)}): found ${done} ${form.unit}s instead of ${length}. ${fix}`;
      }
      return { directory, config, metrics: lines, provenance, problems };
    },
    readRuns: (root, study) =>
      runDirectories(root, study).map((directory) =>
        inItsPlace(root, study, store.readRun(directory)),
      ),
    isFinished({ config, metrics, provenance }) {
      const last = metrics.at(-1);
      const whole = last !== undefined && form.doneAt(last) >= form.lengthOf(config);
      // A run whose record is lost is judged by its metrics.
      return whole && (provenance === null || hasEnded(provenance));
    },
    isFinishedIn(directory) {
      const provenance = store.readProvenance(directory);
      return (
        provenance !== null &&
        hasEnded(provenance) &&
        form.outputs.every((name) => existsSync(join(directory, name)))
      );
    },
  };
  return store;
}

function hasEnded({ ended }: CommonProvenance): boolean {
  return ended === 'finished';
}

/** The runs of image classifiers. */
export const classifierRuns: RunStore<
  RunConfig,
  EpochMetrics,
  Provenance,
  { readonly epochs: number }
> = runStore({
  unit: 'epoch',
  config: configSchema,
  provenance: provenanceSchema,
  metrics: epochMetricsForm,
  outputs: [runFiles.weights],
  lengthOf: ({ epochs }) => epochs,
  doneAt: ({ epoch }) => epoch,
  scalars: ({ losses, teacherNorm, cosineToClassMean, ...metrics }) =>
    new Map([
      ...lossScalars(losses),
      ['learningRate', metrics.learningRate],
      ['train/top1', metrics.trainTop1],
      ['test/top1', metrics.testTop1],
      ['test/top5', metrics.testTop5],
      ['test/loss', metrics.testLoss],
      ['embedding/studentNorm', metrics.studentNorm],
      ...optional('embedding/teacherNorm', teacherNorm),
      ...optional('embedding/cosineToClassMean', cosineToClassMean),
    ]),
  unitSeconds: ({ secondsPerEpoch }) => secondsPerEpoch.at(-1),
  secondsOf: ({ secondsPerEpoch }) => secondsPerEpoch,
});

/** The runs of detectors. */
export const detectorRuns: RunStore<
  DetectionConfig,
  DetectionMetrics,
  DetectionProvenance,
  { readonly iterations: number }
> = runStore({
  unit: 'iteration',
  config: detectionConfigSchema,
  provenance: detectionProvenanceSchema,
  metrics: detectionMetricsForm,
  outputs: [runFiles.weights, runFiles.evaluation],
  lengthOf: ({ iterations }) => iterations,
  doneAt: ({ iteration }) => iteration,
  scalars: ({ losses, total, learningRate }) =>
    new Map([...lossScalars({ ...losses, total }), ['learningRate', learningRate]]),
  unitSeconds: ({ secondsPerIteration }) => secondsPerIteration ?? undefined,
  secondsOf: ({ secondsPerIteration }, lines) =>
    secondsPerIteration === null
      ? []
      : lines.map(
          ({ iteration }, index) =>
            (iteration - (lines[index - 1]?.iteration ?? 0)) * secondsPerIteration,
        ),
});

export const { readConfig, writeConfig, readProvenance, writeProvenance } = classifierRuns;
export const { readRun, readRuns, isFinished } = classifierRuns;

/** One detector's run. */
export function readDetectionRun(directory: string): DetectionRun {
  const evaluation = readRecord(directory, runFiles.evaluation, detectionEvaluationSchema);
  return { ...detectorRuns.readRun(directory), evaluation };
}

/** All detectors' runs of a study, in the order of their directories' names. */
export function readDetectionRuns(root: string, study: string): DetectionRun[] {
  return detectorRuns.readRuns(root, study).map(({ directory }) => readDetectionRun(directory));
}

export function writeDetectionEvaluation(directory: string, evaluation: DetectionEvaluation): void {
  writeRecord(directory, runFiles.evaluation, detectionEvaluationSchema, evaluation);
}

/** The store that a run directory belongs to. */
export function storeOf(directory: string): AnyRunStore {
  const config = readJson(join(directory, runFiles.config), fix);
  const ofDetector = typeof config === 'object' && config !== null && 'iterations' in config;
  return ofDetector ? detectorRuns : classifierRuns;
}

/** The directories of a study's runs that hold anything, in the order of their names. */
export function runDirectories(root: string, study: string): string[] {
  const base = studyDirectory(root, study);
  return subdirectories(base)
    .flatMap((pair) => subdirectories(join(base, pair)).map((method) => join(base, pair, method)))
    .flatMap((cell) =>
      subdirectories(cell)
        .filter((name) => /^seed-\d+$/u.test(name))
        .map((name) => join(cell, name)),
    )
    .filter((run) => [runFiles.config, metricsFile].some((name) => existsSync(join(run, name))));
}

/** The names of the studies below a results directory that begin so. */
export function studyNames(root: string, prefix: string): string[] {
  return subdirectories(join(root, 'runs')).flatMap((folder) => {
    const name = studyIn(folder);
    return name?.startsWith(prefix) === true ? [name] : [];
  });
}

/** The study that a folder's name stands for; undefined for one that is somebody else's. */
function studyIn(folder: string): string | undefined {
  try {
    return decodeURIComponent(folder);
  } catch {
    return undefined;
  }
}

// A run copied by hand to another place would be counted as another seed or another method.
function inItsPlace<R extends { readonly directory: string; readonly config: CommonConfig }>(
  root: string,
  study: string,
  run: R,
): R {
  const expected = runDirectory(root, run.config);
  if (resolve(expected) === resolve(run.directory) && run.config.study === study) return run;
  throw resultsError`a run lies in a directory that is not its own (${run.directory}): found the configuration of ${expected}. Move the directory back to its place or delete it`;
}

function subdirectories(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort(byNumberInName);
}

/** `seed-2` before `seed-10`; the same on every machine, unlike the locale's own order. */
function byNumberInName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : 1);
}

function readRecord<T>(directory: string, name: string, schema: z.ZodType<T>): T | null {
  const path = join(directory, name);
  return existsSync(path) ? checkedFile(path, schema) : null;
}

function checkedFile<T>(path: string, schema: z.ZodType<T>): T {
  return checkRecord(schema, readJson(path, fix), path, fix);
}

function writeRecord<T>(directory: string, name: string, schema: z.ZodType<T>, value: T): void {
  const path = join(directory, name);
  const checked = checkRecord(schema, value, path, 'Nothing was written');
  writeAtomic(path, `${JSON.stringify(checked, null, 2)}\n`);
}

function lossScalars(losses: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(losses).map(([term, value]) => [`loss/${term}`, value]);
}

function optional(tag: string, value: number | null): [string, number][] {
  return value === null ? [] : [[tag, value]];
}
