import type { Precision } from '../../lib/engine/precision';
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { estimateDetectionStep } from '../../lib/bench/detector-step';
import { dataDirectory, withHome } from '../../lib/data/paths';
import { cocoFolder, detectorsFolder } from '../../lib/data/tables/needs';
import { detectorIn } from '../../lib/data/tables/places';
import {
  cocoData,
  type DetectionData,
  shapesData,
  type ShapesSize,
} from '../../lib/detection/coco/detection-data';
import { hashDetectorFile } from '../../lib/detection/weights';
import { fileError, type LabError, optionError } from '../../lib/errors';
import { type Detection, detection, type FirstWeights } from '../../lib/runs/detection';
import {
  type DetectionRecipe,
  type DetectorForm,
  detectorNames,
  isSmall,
  requirePair,
  scaledToIterations,
  type SmallRecipeOptions,
} from '../../lib/runs/detection-recipe';
import { pairName, parsePairs } from '../../lib/runs/grid';
import type { ByScale } from '../../lib/runs/schema';
import { detectorRuns } from '../../lib/runs/store';
import type { GivenTeacher } from '../../lib/runs/task';
import { table3Recipe, table3TeacherRecipe } from '../recipes/table3';
import {
  atScale,
  type Choice,
  type GridOptions,
  type Scope,
  type Settled,
  teacherSeed,
  wholeNumber,
} from './settings';
import {
  classMeansFor,
  distinct,
  refuseClassMeans,
  requireChoice,
  requireNoOtherChoice,
  singleOf,
} from './teachers';

/** Made up by the program. */
const shapes = 'shapes';
/** The folder of COCO below where data sets lie. */
const coco = cocoFolder;
const cocoPrefix = 'coco:';
const backboneEnding = '-backbone';

/** How long detectors are trained at a scale unless the options say otherwise. */
interface DetectorScale {
  readonly classMeansIterations: number;
  /** Of small detectors. */
  readonly small: SmallRecipeOptions;
  readonly smallTeacher: SmallRecipeOptions;
  /** Of the paper's; their recipes' own unless given. */
  readonly iterations?: number;
}

const scales: ByScale<DetectorScale> = {
  quick: {
    classMeansIterations: 50,
    small: { iterations: 240, batchSize: 4, shortSide: 96 },
    smallTeacher: { iterations: 400, batchSize: 4, shortSide: 96 },
    iterations: 100,
  },
  short: {
    classMeansIterations: 200,
    small: { iterations: 1200, batchSize: 4, shortSide: 256, flip: true },
    smallTeacher: { iterations: 2400, batchSize: 4, shortSide: 256, flip: true },
    iterations: 2000,
  },
  paper: { classMeansIterations: 30_000, small: {}, smallTeacher: {} },
};

/** Table 3: COCO, or data in its form. */
export const cocoScope: Scope<Detection> = {
  prefix: 'table3-',
  store: detectorRuns,
  paper: {
    words: 'COCO 2017, 180,000 iterations',
    data: coco,
    isLength: ({ iterations, batchSize }) => iterations === 180_000 && batchSize === 8,
    otherwise: "its figures cannot be compared with the paper's",
  },
  estimatesMemory: false,
  baselinesHaveTeachers: false,
  data: { quick: shapes, paper: coco },
  dataRemedy:
    'Give --data coco:PATH, a folder with annotations/instances_{train,val}2017.json, train2017/ and val2017/, or --data shapes',
  help: {
    data:
      'shapes (drawn by the program; default of quick), shapes:256:128 (as many for training and evaluation), coco (DATA-DIR/coco; default of paper), coco:PATH: a ' +
      'folder with annotations/instances_{train,val}2017.json, train2017/ and val2017/',
    teachers:
      'published (files in DATA-DIR/detectors, as r101-fpn.pkl), trained (here), or auto: published where they ' +
      'are there (default: auto)',
  },
  addOptions: (command) =>
    command
      .option('--iterations <number>', 'of each student (milestones and warm-up shrink along)')
      .option('--teacher-iterations <number>', 'of a teacher that is trained here')
      .option(
        '--class-means-iterations <number>',
        'training batches over which a teacher’s class means are gathered (for paper: 30,000)',
      )
      .option(
        '--class-means <file>',
        'a given teacher’s class means, or released: the paper’s files in DATA-DIR/class-means, as r101-fpn.json',
      )
      .option('--short-side <pixels>', 'of the resized images of small detectors')
      .option(
        '--teacher-weights <file>',
        'a trained teacher (.pkl of detectron2, .pth, .safetensors), for pairs of a single teacher',
      )
      .option(
        '--student-weights <file>',
        'what a student begins with, a published backbone (.pkl, .pth, .safetensors), for pairs of a single ' +
          'student (default: DATA-DIR/detectors/STUDENT-backbone.* where it is there)',
      ),
  parsePairs(text) {
    const pairs = parsePairs(text, '--pairs', detectorNames);
    pairs.forEach((pair) => requirePair(pair));
    return pairs;
  },
  has: () => true,
  settle(options, choice) {
    const { data, precision } = choice;
    requireData(data);
    refuseShortSide(options, choice);
    const [, scale] = atScale(scales, choice.scale);
    const recipes = recipesOf(options, scale, precision);
    const classMeansIterations =
      wholeNumber(options, 'classMeansIterations') ?? scale.classMeansIterations;
    const folder = join(dataDirectory(options.dataDir), detectorsFolder);
    const teachers = teachersOf(options, choice, folder);
    const first = firstWeightsOf(options, choice, { folder, given: teachers.given });
    return {
      dataLabel: labelOf(data),
      ...recipes,
      givenTeachers: teachers.given,
      notes: [...teachers.notes, ...first.notes],
      async openTask() {
        const opened = openData(data, options);
        return detection({
          data: opened,
          teacherSeed,
          teacherRecipeOf: recipes.teacherRecipeOf,
          classMeansIterations,
          firstWeights: await hashed(first.files),
          estimateStep: (recipe, teacher) => secondsOfStep(recipe, teacher, opened),
        });
      },
    };
  },
};

function recipesOf(
  options: GridOptions,
  scale: DetectorScale,
  precision: Precision,
): Pick<Settled<Detection>, 'recipeOf' | 'teacherRecipeOf'> {
  const iterations = wholeNumber(options, 'iterations');
  const teacherIterations = wholeNumber(options, 'teacherIterations');
  const batchSize = wholeNumber(options, 'batch');
  const shortSide = wholeNumber(options, 'shortSide');
  const smallOf = (base: SmallRecipeOptions, length: number | undefined): SmallRecipeOptions => ({
    ...base,
    ...(length === undefined ? {} : { iterations: length }),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(shortSide === undefined ? {} : { shortSide }),
  });
  const whole = (recipe: DetectionRecipe, length: number | undefined): DetectionRecipe => {
    const scaled = scaledToIterations(recipe, length ?? scale.iterations ?? recipe.iterations);
    return batchSize === undefined ? scaled : inBatches(scaled, batchSize);
  };
  const inPrecision = (recipe: DetectionRecipe): DetectionRecipe =>
    precision === 'f32' ? recipe : { ...recipe, precision };
  return {
    recipeOf: (cell) =>
      inPrecision(
        isSmall(cell.student)
          ? table3Recipe(cell, cell.method, smallOf(scale.small, iterations))
          : whole(table3Recipe(cell, cell.method), iterations),
      ),
    teacherRecipeOf: (teacher) =>
      inPrecision(
        isSmall(teacher)
          ? table3TeacherRecipe(teacher, smallOf(scale.smallTeacher, teacherIterations))
          : whole(table3TeacherRecipe(teacher), teacherIterations),
      ),
  };
}

/** @throws LabError of kind `option` where it would be passed over. */
function refuseShortSide({ shortSide }: GridOptions, { pairs }: Choice): void {
  if (shortSide === undefined) return;
  if (pairs.some(({ teacher, student }) => isSmall(teacher) || isSmall(student))) return;
  throw optionError`this option is for small detectors (--short-side): found --pairs ${pairs.map(pairName).join(',')}. Name a pair of small ones, as r34-small:r18-small, or leave it out`;
}

/** The learning rate goes with the batch (Goyal et al.). */
function inBatches(recipe: DetectionRecipe, batchSize: number): DetectionRecipe {
  const base = (recipe.schedule.base * batchSize) / recipe.batchSize;
  return { ...recipe, batchSize, schedule: { ...recipe.schedule, base } };
}

function secondsOfStep(
  { detector, method, batchSize, precision, sizes, sampling }: DetectionRecipe,
  teacher: DetectorForm | undefined,
  { training }: DetectionData,
): number {
  return estimateDetectionStep({
    student: detector,
    teacher,
    method,
    classes: training.classes.length,
    batch: batchSize,
    shortSide: sizes.evaluation,
    sampling,
    precision,
  });
}

/** As runs record the data; a folder that has the name of other data is told from them. */
function labelOf(data: string): string {
  if (!data.startsWith(cocoPrefix)) return data.replaceAll(':', '-');
  const name = basename(folderOf(data));
  return name === coco || /^shapes(-|$)/.test(name) ? `${cocoPrefix}${name}` : name;
}

function folderOf(data: string): string {
  return resolve(withHome(data.slice(cocoPrefix.length)));
}

function openData(data: string, { dataDir }: GridOptions): DetectionData {
  if (isShapes(data)) return shapesData(shapesSize(data));
  const folder = data === coco ? join(dataDirectory(dataDir), coco) : folderOf(data);
  if (!existsSync(folder)) throw noSuchFolder(data, folder);
  return cocoData(folder, labelOf(data));
}

function noSuchFolder(data: string, folder: string): LabError {
  const layout = 'a folder with annotations/, train2017/ and val2017/';
  if (data !== coco) {
    return fileError`no such folder (--data ${data}): found nothing at ${folder}. Give --data coco:FOLDER, ${layout}, or --data shapes`;
  }
  return fileError`COCO is looked for below the folder of the data sets (--data-dir): found no ${folder}. Run \`npm run data -- table3\`, or give --data coco:FOLDER, ${layout}`;
}

function isShapes(data: string): boolean {
  return data === shapes || data.startsWith(`${shapes}:`);
}

/** `shapes:256:128`; undefined for what is no such size, and for the usual one. */
function shapesSize(data: string): ShapesSize | undefined {
  const [, training, evaluation] = /^shapes:([1-9]\d{0,5}):([1-9]\d{0,5})$/.exec(data) ?? [];
  if (training === undefined || evaluation === undefined) return undefined;
  return { training: Number(training), evaluation: Number(evaluation) };
}

function requireData(data: string): void {
  if (data === coco || data === shapes || shapesSize(data)) return;
  if (data.startsWith(cocoPrefix) && data.length > cocoPrefix.length) return;
  throw optionError`no such data for detectors (--data): found '${data}'. Give shapes, shapes:TRAINING:EVALUATION, coco, or coco:PATH`;
}

/** The teachers that are given; others are trained here, the paper's only when that is asked for. */
function teachersOf(
  options: GridOptions,
  { scale, pairs, methods }: Choice,
  folder: string,
): { given: Map<string, GivenTeacher>; notes: string[] } {
  const { teacherWeights, teachers } = options;
  const choice = requireChoice(teachers);
  const given = new Map<string, GivenTeacher>();
  const notes: string[] = [];
  if (teacherWeights !== undefined) {
    requireNoOtherChoice(choice);
    const what = { where: '--teacher-weights', what: 'detectors' };
    const name = singleOf('teacher', pairs, what);
    given.set(name, { weights: teacherWeights, ...classMeansFor(name, options) });
    return { given, notes };
  }
  if (choice === 'trained') {
    refuseClassMeans(options);
    return { given, notes };
  }
  const learns = methods.some((method) => method !== 'student' && method !== 'teacher');
  for (const name of distinct('teacher', pairs)) {
    const file = isSmall(name) && choice === 'auto' ? undefined : detectorIn(folder, name);
    const needed = scale === 'paper' && !isSmall(name) && learns && !methods.includes('teacher');
    if (file !== undefined) {
      given.set(name, {
        weights: join(folder, file),
        source: `published: ${file}`,
        ...classMeansFor(name, options),
      });
      notes.push(`Teacher ${name}: ${file}.`);
    } else if (choice === 'published' || needed) {
      throw optionError`the teacher ${name} is not there, and training it takes 270,000 iterations (--teachers): found no ${name}.pkl, .pth or .safetensors in ${folder}. Run \`npm run data -- table3\`, put detectron2’s published detector there, name a file with --teacher-weights, or name the row teacher in --methods to train it here`;
    } else {
      refuseClassMeans(options);
    }
  }
  return { given, notes };
}

/** The files that detectors begin with: students, and the teachers that are trained here. */
function firstWeightsOf(
  { studentWeights }: GridOptions,
  { pairs, methods }: Choice,
  { folder, given }: { folder: string; given: ReadonlyMap<string, GivenTeacher> },
): { files: Map<string, string>; notes: string[] } {
  const files = new Map<string, string>();
  const notes: string[] = [];
  if (studentWeights !== undefined) {
    const what = { where: '--student-weights', what: 'detectors' };
    files.set(singleOf('student', pairs, what), studentWeights);
  }
  const taught = methods.some((method) => method !== 'student');
  const teachers = taught ? distinct('teacher', pairs).filter((name) => !given.has(name)) : [];
  for (const name of new Set([...distinct('student', pairs), ...teachers])) {
    if (isSmall(name) || files.has(name)) continue;
    const file = detectorIn(folder, `${name}${backboneEnding}`);
    if (file !== undefined) {
      files.set(name, join(folder, file));
      notes.push(`${name} begins with ${file}.`);
    } else {
      notes.push(
        `WARNING: ${name} begins with random weights under frozen norms and will learn little. ` +
          `Run \`npm run data -- table3\`, or put a backbone trained on ImageNet into ${folder} as ${name}${backboneEnding}.pkl or .pth, or name it with --student-weights.`,
      );
    }
  }
  return { files, notes };
}

async function hashed(files: ReadonlyMap<string, string>): Promise<Map<string, FirstWeights>> {
  const first = new Map<string, FirstWeights>();
  for (const [name, file] of files) {
    // The file's name, not its place: the record is for others to read.
    first.set(name, { file, hash: await hashDetectorFile(file), source: basename(file) });
  }
  return first;
}
