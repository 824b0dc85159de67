import { optionError, unknownName } from '../errors';
import { modelNames } from '../models/registry';

/** A teacher and the student that learns from it. */
export interface Pair {
  readonly teacher: string;
  readonly student: string;
}

/** One run of a table: a student under a method with a seed. */
export interface Cell extends Pair {
  readonly method: string;
  readonly seed: number;
}

/** `resnet56:resnet20`, as the command line and the results write it. */
export function pairName({ teacher, student }: Pair): string {
  return `${teacher}:${student}`;
}

/**
 * Reads `resnet56:resnet20,resnet32x4:resnet8x4`.
 *
 * @param option what the messages name
 * @param known the models that there are
 * @throws LabError of kind `option` for a broken form or an unknown model.
 */
export function parsePairs(text: string, option = '--pairs', known = modelNames): Pair[] {
  return words(text, option).map((word) => {
    const [teacher, student, ...rest] = word.split(':');
    if (!teacher || !student || rest.length > 0) {
      throw optionError`a pair is a teacher and a student with a colon between them (${option}): found '${word}'. Write resnet56:resnet20`;
    }
    for (const model of [teacher, student]) {
      if (!known.includes(model)) throw unknownName('model', model, known, option);
    }
    return { teacher, student };
  });
}

/**
 * Reads `kd,kd++`.
 *
 * @throws LabError of kind `option` for a name that is not among the known ones.
 */
export function parseMethods(text: string, known: readonly string[]): string[] {
  return words(text, '--methods').map((word) => {
    if (!known.includes(word)) throw unknownName('method', word, known, '--methods');
    return word;
  });
}

/**
 * Reads `1,2,3`.
 *
 * @throws LabError of kind `option` for anything that is not a whole number of at least 0, or a repeated one.
 */
export function parseSeeds(text: string): number[] {
  const seeds = words(text, '--seeds').map((word) => {
    const seed = Number(word);
    if (!/^\d+$/.test(word) || !Number.isSafeInteger(seed)) {
      throw optionError`a seed is a whole number of at least 0 (--seeds): found '${word}'. Write 1,2,3`;
    }
    return seed;
  });
  const repeated = seeds.find((seed, index) => seeds.indexOf(seed) !== index);
  if (repeated === undefined) return seeds;
  throw optionError`each seed is named once (--seeds): found ${repeated} twice in '${text}'. Write 1,2,3`;
}

/** Every cell, seed by seed, so that a grid that is cut off has whole comparisons. */
export function gridOf(
  pairs: readonly Pair[],
  methods: readonly string[],
  seeds: readonly number[],
): Cell[] {
  return seeds.flatMap((seed) =>
    pairs.flatMap((pair) => methods.map((method) => ({ ...pair, method, seed }))),
  );
}

function words(text: string, option: string): string[] {
  const list = text.split(',').map((word) => word.trim());
  const repeated = list.find((word, index) => list.indexOf(word) !== index);
  if (list.some((word) => word === '') || repeated !== undefined) {
    throw optionError`a list of different names with commas between them is needed (${option}): found ${repeated === undefined ? `'${text}'` : `'${repeated}' twice`}. See --help for ${option}`;
  }
  return list;
}

/** Whether a method trains a student alone, in whatever recipe: it learns from no teacher. */
export function isBaseline({ method }: Pick<Cell, 'method'>): boolean {
  return /^student(-published)?$/.test(method);
}

/**
 * The grid without the second and later runs of the same student alone: its run beside one teacher
 * serves for all of them.
 */
export function dedupeBaselines(cells: readonly Cell[]): Cell[] {
  const seen = new Set<string>();
  return cells.filter((cell) => {
    if (!isBaseline(cell)) return true;
    const run = `${cell.student} ${cell.method} ${cell.seed}`;
    const known = seen.has(run);
    seen.add(run);
    return !known;
  });
}

/** One of several parts of a grid, counted from 1. */
interface Shard {
  readonly part: number;
  readonly parts: number;
}

/**
 * Reads `2/8`.
 *
 * @throws LabError of kind `option` for anything but a part from 1 to the number of parts.
 */
export function parseShard(text: string): Shard {
  const [, part = NaN, parts = NaN] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (part >= 1 && part <= parts) return { part, parts };
  throw optionError`a part of the grid is its number, a slash and the number of parts (--shard): found '${text}'. Write 1/4 for the first of four parts, 4/4 for the last`;
}

/**
 * The cells of one part: every `parts`-th one, so that the parts are equally long and each has its share
 * of every pair. The same grid is cut in the same way everywhere.
 */
export function cellsOfShard(cells: readonly Cell[], { part, parts }: Shard): Cell[] {
  return cells.filter((_, index) => index % parts === part - 1);
}
