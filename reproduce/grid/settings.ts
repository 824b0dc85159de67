import type { Command } from 'commander';
import type { OnDataProgress } from '../../lib/data/progress';
import { parsePrecision, type Precision } from '../../lib/engine/precision';
import { optionError, unknownName } from '../../lib/errors';
import type { Classification } from '../../lib/runs/classification';
import {
  type Cell,
  cellsOfShard,
  dedupeBaselines,
  gridOf,
  type Pair,
  pairName,
  parseMethods,
  parseSeeds,
  parseShard,
} from '../../lib/runs/grid';
import { type JobChoice, parseGpus } from '../../lib/runs/jobs';
import { readManifest, rowOf } from '../../lib/runs/manifest';
import { teacherMethod } from '../../lib/runs/plan';
import type { GridSettings, Rendered } from '../../lib/runs/run-grid';
import { type ByScale, type Scale, scales } from '../../lib/runs/schema';
import type { AnyRunStore } from '../../lib/runs/store';
import type { GivenTeacher, Task, TaskKind } from '../../lib/runs/task';

/** Options of a command that take a text, and those that take none. */
export type Texts<Name extends string> = { readonly [name in Name]?: string };
export type Flags<Name extends string> = { readonly [name in Name]?: true };

type CommonOptions = Texts<'data' | 'dataDir' | 'pairs' | 'methods' | 'seeds' | 'batch'> &
  Texts<'precision' | 'teachers' | 'teacherWeights' | 'jobs' | 'gpus' | 'shard'> &
  Texts<'manifest' | 'index' | 'hours'> &
  Flags<'list' | 'missing' | 'render' | 'deterministic' | 'tensorboard' | 'json'> & {
    readonly scale: string;
    readonly results: string;
    readonly resume: boolean;
  };
type ClassifierOptions = Texts<'epochs' | 'teacherEpochs' | 'classMeans' | 'teacherCache'>;
type StudyOptions = Texts<'teacherModels' | 'students' | 'classMeansDir'>;
type Table2Options = Texts<'size' | 'microBatch' | 'workers' | 'cache'> &
  Texts<'trainImages' | 'testImages'> &
  Flags<'skipCorrupt'>;
type DetectorOptions = Texts<'iterations' | 'teacherIterations' | 'classMeansIterations'> &
  Texts<'shortSide' | 'studentWeights'>;

/** What the user asked for, as the command line gives it; `gridSettings` alone reads it. */
export type GridOptions = CommonOptions &
  ClassifierOptions &
  StudyOptions &
  Table2Options &
  DetectorOptions;

/** What a view of the grid runs at a scale unless the options say otherwise. */
export interface ScaleDefaults {
  /** As `--pairs` takes them. */
  readonly pairs: string;
  /** As `--methods` takes them; every row unless given. */
  readonly methods?: string;
  /** As `--seeds` takes them. */
  readonly seeds: string;
}

/** What is to be rendered, and from where. */
export interface RenderRequest {
  readonly resultsRoot: string;
  /** The folder of runs that was asked for. */
  readonly study: string;
  readonly classMeansDir?: string | undefined;
}

/**
 * A table or study as a view of one grid of runs: which of its cells the command trains, and how what was
 * measured is shown. Views of one scope, scale and data set share their runs, so that a method that two
 * of them show is trained once.
 */
export interface GridStudy<Kind extends TaskKind = Classification> {
  /** The npm script, as help and records name it: `reproduce:table1`. */
  readonly script: string;
  readonly description: string;
  readonly scope: Scope<Kind>;
  readonly defaults: ByScale<ScaleDefaults>;
  /** What `--help` says of them, and below the options. */
  readonly help: {
    readonly scales: string;
    readonly pairs: string;
    readonly methods: string;
    readonly after: string;
  };
  /** What `--methods` takes besides `teacher`, in the table's order. */
  methods(): readonly string[];
  /** Whether a student alone is trained once for all its teachers. */
  readonly sharedBaselines?: boolean;
  /** Options of its own. */
  readonly addOptions?: (command: Command) => Command;
  /** Pairs as its own options name them; undefined where these say nothing. */
  readonly pairsOf?: (options: GridOptions, defaults: ScaleDefaults) => string | undefined;
  /** What the user should know of a choice, a line each. */
  notes(pairs: readonly Pair[], methods: readonly string[]): readonly string[];
  render(request: RenderRequest): Promise<Rendered>;
}

/** What the options settle before recipes are made. */
export interface Choice {
  readonly scale: Scale;
  readonly data: string;
  readonly pairs: readonly Pair[];
  readonly methods: readonly string[];
  readonly precision: Precision;
}

/** What is settled of the data, the recipes and the teachers. */
export interface Settled<Kind extends TaskKind> {
  /** The data as the folder of runs names them. */
  readonly dataLabel: string;
  readonly recipeOf: (cell: Cell) => Kind['recipe'];
  readonly teacherRecipeOf: (model: string) => Kind['recipe'];
  readonly givenTeachers: ReadonlyMap<string, GivenTeacher>;
  readonly notes: readonly string[];
  readonly openTask: (onProgress: OnDataProgress) => Promise<Task<Kind>>;
}

/**
 * What the views of one grid of runs share: their data, lengths, recipes and teachers. Runs of another
 * scope lie in folders that begin otherwise.
 */
export interface Scope<Kind extends TaskKind> extends Pick<
  GridSettings<Kind>,
  'estimatesMemory' | 'baselinesHaveTeachers'
> {
  readonly paper: Pick<GridSettings['paper'], 'words' | 'otherwise'> & {
    /** As runs record it. */
    readonly data: string;
    /** Whether a student's recipe has the paper's length and batch. */
    isLength(recipe: Kind['recipe'], cell: Cell): boolean;
  };
  readonly store: AnyRunStore;
  /** How the folders of runs begin: `table1-`. */
  readonly prefix: string;
  /** The data of a scale; missing where the user must name them, and then this is said. */
  readonly data: Readonly<Partial<Record<Scale, string>>>;
  readonly dataRemedy: string;
  /** Of `--data` and `--teachers`, for `--help`. */
  readonly help: { readonly data: string; readonly teachers: string };
  readonly addOptions: (command: Command) => Command;
  parsePairs(text: string): Pair[];
  /** Whether a pair has this row; cells without are left out of the grid. */
  has(pair: Pair, method: string): boolean;
  /** @throws LabError of kind `option` that names the option, before anything is read. */
  settle(options: GridOptions, choice: Choice): Settled<Kind>;
}

/** The options of a command, checked and completed. */
interface CommandSettings<Kind extends TaskKind> extends GridSettings<Kind> {
  readonly data: string;
  readonly dataLabel: string;
  readonly pairs: readonly Pair[];
}

/** The seed of teachers that are trained here; students of all seeds share the teacher. */
export const teacherSeed = 0;

/**
 * Checks the options and completes them from the scale's defaults: whoever runs the grid needs nothing else.
 *
 * @throws LabError of kind `option` that names the option.
 */
export function gridSettings<Kind extends TaskKind>(
  study: GridStudy<Kind>,
  options: GridOptions,
): CommandSettings<Kind> {
  const { scope, sharedBaselines = false } = study;
  const [scale, own] = atScale(study.defaults, options.scale);
  const known = study.methods();
  const listed = manifestCells(options, (file) => readManifest(file, scope.parsePairs, known));
  const pairs = listed
    ? [...new Map(listed.map((cell) => [pairName(cell), cell])).values()]
    : scope.parsePairs(study.pairsOf?.(options, own) ?? options.pairs ?? own.pairs);
  const methods = parseMethods(
    (listed && [...new Set(listed.map(({ method }) => method))].join(',')) ??
      options.methods ??
      own.methods ??
      known.join(','),
    [teacherMethod, ...known],
  );
  const precision = parsePrecision(options.precision ?? 'f32', '--precision');
  const data = options.data ?? scope.data[scale] ?? missingData(scale, scope.dataRemedy);
  const asked = listed ?? gridOf(pairs, methods, parseSeeds(options.seeds ?? own.seeds));
  const whole = asked.filter(
    (cell) => cell.method === teacherMethod || scope.has(cell, cell.method),
  );
  const lacking = asked.find((cell) => !whole.includes(cell));
  if (lacking !== undefined && (listed !== undefined || whole.length === 0)) {
    throw optionError`there is no such row in this table (${listed ? '--manifest' : '--methods'}): found ${lacking.method} of ${pairName(lacking)}. --help lists the methods; leave it out, or name another pair`;
  }
  const grid = sharedBaselines ? dedupeBaselines(whole) : whole;
  const cells = partOf(grid, options, listed);
  const jobs: JobChoice = {
    jobs: options.jobs === 'auto' ? 'auto' : wholeNumber(options, 'jobs'),
    gpus: options.gpus === undefined ? undefined : parseGpus(options.gpus),
  };
  const settled = scope.settle(options, { scale, data, pairs, methods, precision });
  refuseTeacherLength(options, pairs, settled.givenTeachers);
  const { estimatesMemory, baselinesHaveTeachers = true, prefix, store } = scope;
  const paper = {
    ...scope.paper,
    isSetting: (dataset: string) =>
      scale === 'paper' &&
      dataset === scope.paper.data &&
      cells.every(
        (cell) =>
          cell.method === teacherMethod || scope.paper.isLength(settled.recipeOf(cell), cell),
      ),
  };
  const { results: resultsRoot, classMeansDir } = options;
  // Runs of another scale, on other data or in another precision lie apart, so that none stands in another's way.
  const folder = `${prefix}${scale}-${settled.dataLabel}${precision === 'f32' ? '' : `-${precision}`}`;
  return {
    ...settled,
    ...{ paper, estimatesMemory, baselinesHaveTeachers, sharedBaselines, store, teacherSeed },
    ...{ script: study.script, study: folder, resultsRoot, scale, precision, data, pairs },
    ...{ grid, cells, jobs, shard: options.shard, resume: options.resume },
    notes: [...study.notes(pairs, methods), ...settled.notes],
    action: actionOf(options),
    hours: hoursOf(options),
    deterministic: options.deterministic === true,
    tensorboard: options.tensorboard === true,
    json: options.json === true,
    render: () => study.render({ resultsRoot, study: folder, classMeansDir }),
  };
}

/**
 * The number that an option gives; undefined where it is not there.
 *
 * @throws LabError of kind `option` for anything but a whole number of at least 1.
 */
export function wholeNumber<Name extends string>(
  options: Texts<Name>,
  name: Name,
): number | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw optionError`a whole number of at least 1 is needed (${flag}): found '${text}'. Write for example ${flag} 8`;
}

/** The scales of a table, from the shortest. */
export function scalesOf(by: ByScale<unknown>): Scale[] {
  return scales.filter((scale) => by[scale] !== undefined);
}

/**
 * What a table does at a scale.
 *
 * @throws LabError of kind `option` that lists the scales it has.
 */
export function atScale<T>(by: ByScale<T>, name: string): [Scale, T] {
  const scale = scales.find((known) => known === name);
  const found = scale === undefined ? undefined : by[scale];
  if (scale === undefined || found === undefined) {
    throw unknownName('scale', name, scalesOf(by), '--scale');
  }
  return [scale, found];
}

/**
 * Some networks differ from others in the case of their names alone, as ResNet50 of CIFAR and resnet50 of ImageNet.
 *
 * @throws LabError of kind `option` for a pair that is one of a table's but for that.
 */
export function refuseOtherCase(pairs: readonly Pair[], table: readonly string[]): void {
  const inLowerCase = new Map(table.map((pair) => [pair.toLowerCase(), pair]));
  for (const given of pairs.map(pairName)) {
    const known = inLowerCase.get(given.toLowerCase());
    if (known === undefined || known === given) continue;
    throw optionError`this pair has other networks than the table's, whose names differ in case alone (--pairs): found '${given}'. Did you mean '${known}'?`;
  }
}

function actionOf({ render, list, missing }: GridOptions): GridSettings['action'] {
  if (render) return 'render';
  if (missing && !list) {
    throw optionError`what is left is listed, not run (--missing): found no --list. Write --list --missing, and give what it prints to --manifest`;
  }
  return missing ? 'missing' : list ? 'list' : 'train';
}

function hoursOf({ hours }: GridOptions): number | undefined {
  if (hours === undefined) return undefined;
  if (/^\d*\.?\d+$/.test(hours) && Number(hours) > 0) return Number(hours);
  throw optionError`a number of hours above 0 is needed (--hours): found '${hours}'. Write for example --hours 0.4`;
}

/** The cells that a file lists; undefined without one. */
function manifestCells(
  { manifest, index }: GridOptions,
  read: (file: string) => Cell[],
): Cell[] | undefined {
  if (manifest !== undefined) return read(manifest);
  if (index === undefined) return undefined;
  throw optionError`a run is chosen by its place in a manifest (--index ${index}): found no --manifest. Name the file`;
}

/** Which of an indexed job's pods this is. */
const kubernetesIndex = (): string | undefined => process.env['JOB_COMPLETION_INDEX'];

function partOf(
  grid: readonly Cell[],
  { shard, resume, index = kubernetesIndex() }: GridOptions,
  listed?: readonly Cell[],
): readonly Cell[] {
  const row = listed && index !== undefined ? rowOf(listed, index) : undefined;
  const part = shard === undefined ? undefined : parseShard(shard);
  if (!resume && (row ?? part) !== undefined) {
    throw optionError`the parts of a grid share their teachers, and one would delete what another has trained (--no-resume with ${row ? '--index' : '--shard'}). Delete the folder of the study before the first part starts`;
  }
  if (row !== undefined) return [row];
  return part === undefined ? grid : cellsOfShard(grid, part);
}

/** @throws LabError of kind `option` for the length of a teacher's training where none is trained. */
function refuseTeacherLength(
  options: GridOptions,
  pairs: readonly Pair[],
  given: ReadonlyMap<string, GivenTeacher>,
): void {
  const unit = (['epochs', 'iterations'] as const).find(
    (name) => options[name === 'epochs' ? 'teacherEpochs' : 'teacherIterations'] !== undefined,
  );
  if (unit === undefined || pairs.some(({ teacher }) => !given.has(teacher))) return;
  throw optionError`this option is for a teacher that is trained here (--teacher-${unit}): found a given or published ${[...given.keys()].join(', ')}. Leave it out, or train one with --teachers trained`;
}

function missingData(scale: Scale, fix: string): never {
  throw optionError`--scale ${scale} needs data of yours (--data). ${fix}`;
}
