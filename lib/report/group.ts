import { resultsError } from '../errors';
import { hashJson, isRecord } from '../records';
import { type RunConfig, scales } from '../runs/schema';
import { isFinished, type Run } from '../runs/store';
import { isPublished } from './methods';

/** What runs must share before any mean is taken over them. */
export interface GroupSetting extends Pick<
  RunConfig,
  'dataset' | 'scale' | 'epochs' | 'precision'
> {
  /** The batch of the `++` rows' recipe; rows in a published recipe have their own. */
  readonly batchSize: number;
  /** SHA-256 of the data as read; null when no run recorded it. */
  readonly dataHash: string | null;
}

/** `cifar100 · scale short · 30 epochs · batch 128 · f32`. */
export function settingInWords(setting: GroupSetting): string {
  const { dataset, scale, epochs, batchSize, precision } = setting;
  return `${dataset} · scale ${scale} · ${String(epochs)} epochs · batch ${String(batchSize)} · ${precision}`;
}

/** Runs of one setting: one table. */
export interface RunGroup {
  readonly setting: GroupSetting;
  /** Students, alone and distilled. */
  readonly runs: readonly Run[];
  /** The teachers' own runs on the same data at the same scale; their epochs may be others. */
  readonly teachers: readonly Run[];
}

/**
 * Sorts the runs of a study into groups of one setting each, the longest scale and schedule first; those
 * without any finished run come after all others.
 * Nothing is ever averaged over two groups. Rows in a published recipe stand beside the `++` rows
 * whatever their batch, which is part of that recipe.
 *
 * @throws LabError of kind `results` when two seeds of one cell were run with different recipes.
 */
export function groupRuns(runs: readonly Run[]): RunGroup[] {
  const students = runs.filter(({ config }) => config.method !== 'teacher');
  const groups: MutableGroup[] = [];
  for (const run of [...students].sort((a, b) => sortKey(a) - sortKey(b))) {
    const setting = settingOf(run);
    const matching = matchingGroups(run, groups);
    if (matching.length === 0) groups.push({ setting, runs: [run], teachers: [] });
    else matching.forEach((group) => group.runs.push(run));
  }
  for (const run of runs.filter(({ config }) => config.method === 'teacher')) {
    const setting = settingOf(run);
    const { epochs, batchSize } = setting;
    const taught = groups.filter(
      (group) =>
        sameSetting({ ...group.setting, epochs, batchSize }, setting) &&
        group.runs.some(({ config }) => config.teacher === run.config.student),
    );
    const untaught = groups.filter(
      (group) => group.runs.length === 0 && sameSetting(group.setting, setting),
    );
    const matching = taught.length > 0 ? taught : untaught.slice(0, 1);
    if (matching.length === 0) groups.push({ setting, runs: [], teachers: [run] });
    else matching.forEach((group) => group.teachers.push(run));
  }
  groups.forEach((group) => {
    requireSameRecipes(group.runs.filter(isFinished));
  });
  return groups.sort(
    (a, b) =>
      Number(hasFinished(b)) - Number(hasFinished(a)) ||
      scales.indexOf(b.setting.scale) - scales.indexOf(a.setting.scale) ||
      b.setting.epochs - a.setting.epochs ||
      (JSON.stringify(a.setting) < JSON.stringify(b.setting) ? -1 : 1),
  );
}

function hasFinished({ runs, teachers }: RunGroup): boolean {
  return [...runs, ...teachers].some(isFinished);
}

/** A run as far as it is asked what it was trained under. */
interface Recorded {
  readonly config: Pick<RunConfig, 'recipe'>;
}

/** What a run was trained under but for its losses: the same text, the same training. */
function trainingOf({ config }: Recorded, without: object = {}): string {
  const training = config.recipe['training'];
  return hashJson(isRecord(training) ? { ...training, method: null, ...without } : null);
}

/**
 * Of some runs those that differ from a method's own by the losses alone: the same training, the same
 * teacher. What another recipe or teacher gives is in no gain.
 */
export function comparableTo<One extends Recorded>(
  own: readonly Recorded[],
  runs: readonly One[],
): One[] {
  const wanted = new Set(own.map(conditionsOf));
  return runs.filter((run) => wanted.has(conditionsOf(run)));
}

/** Of some runs without a teacher those whose training differs from a method's own by the losses alone. */
export function aloneComparableTo<One extends Recorded>(
  own: readonly Recorded[],
  runs: readonly One[],
): One[] {
  // The released code lets a student begin otherwise alone than inside of a method's module.
  const training = (run: Recorded): string => trainingOf(run, { linearStart: null });
  const wanted = new Set(own.map(training));
  return runs.filter((run) => wanted.has(training(run)));
}

/** What is said where `comparableTo` leaves a method's base out. */
export function noGainInWords(method: string, base: string): string {
  return `${method}: no gain over ${base}, whose runs had another recipe or teacher.`;
}

/** Training and teacher, which must be the same for two methods to be compared. */
export function conditionsOf(run: Recorded): string {
  return hashJson([trainingOf(run), run.config.recipe['teacherHash'] ?? null]);
}

interface MutableGroup extends RunGroup {
  readonly runs: Run[];
  readonly teachers: Run[];
}

function settingOf({ config, provenance }: Run): GroupSetting {
  const { dataset, scale, epochs, batchSize, precision } = config;
  return { dataset, scale, epochs, batchSize, precision, dataHash: provenance?.dataHash ?? null };
}

/**
 * Runs that recorded no data hash yet join the group that they would belong to with any hash, and
 * runs in a published recipe that of any batch: both come after the groups are there.
 */
function sortKey({ config, provenance }: Run): number {
  return (isPublished(config.method) ? 2 : 0) + (provenance === null ? 1 : 0);
}

/** The groups that a student's run belongs to; several only for a published recipe beside several batches. */
function matchingGroups(run: Run, groups: readonly MutableGroup[]): MutableGroup[] {
  const setting = settingOf(run);
  const { method, pair, batchSize } = run.config;
  if (!isPublished(method)) {
    return groups.filter((group) => sameSetting(group.setting, setting)).slice(0, 1);
  }
  const beside = groups.filter((group) => sameSetting({ ...group.setting, batchSize }, setting));
  const ofPair = beside.filter(({ runs }) => runs.some(({ config }) => config.pair === pair));
  return ofPair.length > 0 ? ofPair : beside.slice(0, 1);
}

function sameSetting(group: GroupSetting, setting: GroupSetting): boolean {
  const hash = setting.dataHash ?? group.dataHash;
  return JSON.stringify(group) === JSON.stringify({ ...setting, dataHash: hash });
}

/** @throws LabError of kind `results` when two seeds of one cell were run with different recipes. */
export function requireSameRecipes(
  runs: readonly {
    readonly config: Pick<RunConfig, 'pair' | 'method' | 'recipeHash'>;
    readonly directory: string;
  }[],
): void {
  const first = new Map<string, (typeof runs)[number]>();
  for (const run of runs) {
    const { pair, method, recipeHash } = run.config;
    const cell = `${pair} ${method}`;
    const other = first.get(cell);
    if (other === undefined) first.set(cell, run);
    else if (other.config.recipeHash !== recipeHash) {
      throw resultsError`the seeds of ${method} on ${pair} were run with different recipes (${run.directory}): found recipe ${recipeHash.slice(0, 8)}, but ${other.config.recipeHash.slice(0, 8)} in ${other.directory}. Move the runs of one of the recipes to another results directory`;
    }
  }
}
