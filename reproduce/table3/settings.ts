import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { cocoData, type DetectionData, shapesData } from '../../lib/coco/study/data';
import { detectorNames, isSmall, requirePair } from '../../lib/coco/study/detectors';
import { type DetectionRecipe, scaledToIterations } from '../../lib/coco/study/recipe';
import type { SmallRecipeOptions } from '../../lib/coco/study/small-recipe';
import { dataDirectory } from '../../lib/data/directory';
import { LabError, unknownName } from '../../lib/errors';
import { type Scale, scales } from '../../lib/results/schema';
import {
  type Cell,
  gridOf,
  type Pair,
  parseMethods,
  parsePairs,
  parseSeeds,
} from '../../lib/study/grid';
import { cellsOfShard, parseShard } from '../../lib/study/shard';
import { wholeNumber } from '../grid/options';
import {
  fallbackNotes,
  paperPairs,
  table3Methods,
  table3Recipe,
  table3TeacherRecipe,
} from '../recipes/table3';
import type { Table3Options } from './command';
import { chooseWeights, type ChosenWeights } from './weights';

/** Made up by the program. */
const shapes = 'shapes';
/** The folder of COCO below where data sets lie. */
const coco = 'coco';
const cocoPrefix = 'coco:';

const smallPair = 'r34-small:r18-small';

/** What a scale is unless the options say otherwise. */
interface ScaleDefaults {
  readonly data?: string;
  readonly pairs: string;
  readonly methods?: string;
  readonly classMeansIterations: number;
  /** Of small detectors. */
  readonly small: SmallRecipeOptions;
  readonly smallTeacher: SmallRecipeOptions;
  /** Of the paper's; their recipes' own unless given. */
  readonly iterations?: number;
}

const defaults: Readonly<Record<Scale, ScaleDefaults>> = {
  quick: {
    data: shapes,
    pairs: smallPair,
    methods: 'student,kd,kd++,reviewkd,reviewkd++',
    classMeansIterations: 50,
    small: { iterations: 240, batchSize: 4, shortSide: 96 },
    smallTeacher: { iterations: 400, batchSize: 4, shortSide: 96 },
    iterations: 100,
  },
  short: {
    pairs: smallPair,
    classMeansIterations: 200,
    small: { iterations: 1200, batchSize: 4, shortSide: 256, flip: true },
    smallTeacher: { iterations: 2400, batchSize: 4, shortSide: 256, flip: true },
    iterations: 2000,
  },
  paper: {
    data: coco,
    pairs: paperPairs.join(','),
    classMeansIterations: 30_000,
    small: {},
    smallTeacher: {},
  },
};

/** The seed of teachers that are trained here; students of all seeds share the teacher. */
export const teacherSeed = 0;

/** The options, checked and completed. */
export interface Table3Settings {
  readonly scale: Scale;
  readonly data: string;
  /** The folder of the runs. */
  readonly study: string;
  readonly pairs: readonly Pair[];
  /** The whole table, and what of it is to run here. */
  readonly grid: readonly Cell[];
  readonly cells: readonly Cell[];
  readonly classMeansIterations: number;
  readonly recipeOf: (cell: Cell) => DetectionRecipe;
  readonly teacherRecipeOf: (teacher: string) => DetectionRecipe;
  readonly weights: ChosenWeights;
  /** What the user should know of them, a line each. */
  readonly notes: readonly string[];
  readonly openData: () => DetectionData;
}

/**
 * Checks the options and completes them from the scale's defaults.
 *
 * @throws LabError of kind `option` that names the option.
 */
export async function table3Settings(options: Table3Options): Promise<Table3Settings> {
  const scale = scales.find((known) => known === options.scale);
  if (scale === undefined) throw unknownName('scale', options.scale, scales, '--scale');
  const own = defaults[scale];
  const pairs = parsePairs(options.pairs ?? own.pairs, '--pairs', detectorNames);
  pairs.forEach((pair) => requirePair(pair));
  const known = table3Methods();
  const methods = parseMethods(options.methods ?? own.methods ?? known.join(','), [
    'teacher',
    ...known,
  ]);
  const data = options.data ?? own.data ?? missingData(scale);
  requireData(data);
  const grid = gridOf(pairs, methods, parseSeeds(options.seeds ?? '1'));
  const weights = await chooseWeights(options, { scale, pairs, methods });
  return {
    scale,
    data,
    study: `table3-${scale}-${labelOf(data)}`,
    pairs,
    grid,
    cells: partOf(grid, options),
    classMeansIterations:
      wholeNumber('--class-means-iterations', options.classMeansIterations) ??
      own.classMeansIterations,
    ...recipesOf(options, own),
    weights,
    notes: [...fallbackNotes(pairs, methods), ...weights.notes],
    openData: () => openData(data, options),
  };
}

function recipesOf(
  options: Table3Options,
  own: ScaleDefaults,
): Pick<Table3Settings, 'recipeOf' | 'teacherRecipeOf'> {
  const iterations = wholeNumber('--iterations', options.iterations);
  const teacherIterations = wholeNumber('--teacher-iterations', options.teacherIterations);
  const batchSize = wholeNumber('--batch', options.batch);
  const shortSide = wholeNumber('--short-side', options.shortSide);
  const smallOf = (base: SmallRecipeOptions, length: number | undefined): SmallRecipeOptions => ({
    ...base,
    ...(length === undefined ? {} : { iterations: length }),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(shortSide === undefined ? {} : { shortSide }),
  });
  const whole = (recipe: DetectionRecipe, length: number | undefined): DetectionRecipe => {
    const scaled = scaledToIterations(recipe, length ?? own.iterations ?? recipe.iterations);
    return batchSize === undefined ? scaled : inBatches(scaled, batchSize);
  };
  return {
    recipeOf: (cell) =>
      isSmall(cell.student)
        ? table3Recipe(cell, cell.method, smallOf(own.small, iterations))
        : whole(table3Recipe(cell, cell.method), iterations),
    teacherRecipeOf: (teacher) =>
      isSmall(teacher)
        ? table3TeacherRecipe(teacher, smallOf(own.smallTeacher, teacherIterations))
        : whole(table3TeacherRecipe(teacher), teacherIterations),
  };
}

/** The learning rate goes with the batch (Goyal et al.). */
function inBatches(recipe: DetectionRecipe, batchSize: number): DetectionRecipe {
  const base = (recipe.schedule.base * batchSize) / recipe.batchSize;
  return { ...recipe, batchSize, schedule: { ...recipe.schedule, base } };
}

function labelOf(data: string): string {
  return data.startsWith(cocoPrefix) ? basename(folderOf(data)) : data;
}

/** `coco:~/mini` too: a shell leaves the tilde alone there. */
function folderOf(data: string): string {
  return resolve(data.slice(cocoPrefix.length).replace(/^~(?=$|\/)/u, homedir()));
}

function openData(data: string, { dataDir }: Table3Options): DetectionData {
  if (data === shapes) return shapesData();
  const folder = data === coco ? join(dataDirectory(dataDir), coco) : folderOf(data);
  return cocoData(folder, labelOf(data));
}

function requireData(data: string): void {
  if (data === shapes || data === coco) return;
  if (data.startsWith(cocoPrefix) && data.length > cocoPrefix.length) return;
  throw new LabError({
    kind: 'option',
    what: 'no such data for detectors',
    where: '--data',
    found: `'${data}'`,
    remedy: 'Give shapes, coco, or coco:PATH',
  });
}

function partOf(grid: readonly Cell[], { shard, resume }: Table3Options): readonly Cell[] {
  if (shard === undefined) return grid;
  if (resume) return cellsOfShard(grid, parseShard(shard));
  throw new LabError({
    kind: 'option',
    what: 'the parts of a table share their teachers, and one would delete what another has trained',
    where: '--no-resume with --shard',
    remedy: 'Delete the folder of the runs before the first part starts',
  });
}

function missingData(scale: Scale): never {
  throw new LabError({
    kind: 'option',
    what: `--scale ${scale} needs data of yours`,
    where: '--data',
    remedy:
      'Give --data coco:PATH, a folder with annotations/instances_{train,val}2017.json, train2017/ and val2017/, or --data shapes',
  });
}
