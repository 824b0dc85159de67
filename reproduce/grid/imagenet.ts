import { join } from 'node:path';
import { datasetName, loadDataset } from '../../lib/data/registry';
import { folderPrefix } from '../../lib/data/folder';
import { folderName, imageFolderSource } from '../../lib/data/imagenet/source';
import { dataDirectory, withHome } from '../../lib/data/paths';
import { requireDataset } from '../../lib/data/registry';
import { nameWithSubset, type Subset } from '../../lib/data/source';
import { imageNetFolder } from '../../lib/data/tables/needs';
import { optionError } from '../../lib/errors';
import { type Classification, classification } from '../../lib/runs/classification';
import { parsePairs } from '../../lib/runs/grid';
import type { ByScale } from '../../lib/runs/schema';
import { classifierRuns } from '../../lib/runs/store';
import { hasTable2Cell, table2Recipe, table2TeacherRecipe } from '../recipes/table2';
import { datasetNames } from '../datasets';
import { cifarScope, classifierOptions, classifierRecipes, type ClassifierScale } from './cifar';
import { atScale, type GridOptions, type Scope, wholeNumber } from './settings';
import { chooseImageNetTeachers } from './teachers';

/** The folder of ImageNet below where data sets lie: `imagenet/train/n01440764/…`, `imagenet/val/…`. */
const imageNet = imageNetFolder;

/** Side of training images by scale, in pixels. */
const sizes: ByScale<number> = { quick: 32, short: 64, paper: 224 };

/** Images of each class that the quick scale takes of a data set in memory. */
const quickSubset: Subset = { train: 80, test: 20 };

const scales: ByScale<ClassifierScale> = {
  quick: { epochs: 3, teacherEpochs: 6, batch: 80 },
  short: { epochs: 20, teacherEpochs: 20, batch: 64 },
  paper: {},
};

/** Table 2: ImageNet, or a folder like it. */
export const imageNetScope: Scope<Classification> = {
  prefix: 'table2-',
  store: classifierRuns,
  paper: {
    words: 'ImageNet at 224 × 224, 100 epochs, DeiT 300',
    data: imageNet,
    isLength: ({ epochs, batchSize }, cell) => {
      const own = table2Recipe(cell, cell.method);
      return epochs === own.epochs && batchSize === own.batchSize;
    },
    otherwise: cifarScope.paper.otherwise,
  },
  estimatesMemory: true,
  data: { quick: 'fashion-mnist', paper: imageNet },
  dataRemedy: 'Give --data folder:PATH, a folder with train/CLASS/… and val/CLASS/…',
  help: {
    get data() {
      return (
        `${datasetNames()} with train/CLASS/… and val/CLASS/…, imagenet (DATA-DIR/imagenet) (default: ` +
        'fashion-mnist, which is embedded, for quick; imagenet for paper)'
      );
    },
    teachers:
      'published (files in DATA-DIR/imagenet-teachers), trained (here), or auto: published at --scale paper on ' +
      'imagenet where they are there, else trained (default: auto)',
  },
  addOptions: (command) =>
    classifierOptions(command)
      .option('--size <pixels>', 'side of the images of a folder (default: 32, 64 or 224 by scale)')
      .option('--micro-batch <number>', 'images that are computed at once (default: the batch)')
      .option('--workers <number>', 'threads that decode images (default: processors less one)')
      .option('--skip-corrupt', 'leave out images that cannot be decoded, and count them')
      .option(
        '--cache <MiB>',
        'most memory for decoded images of a folder, which are then not decoded again; 0 for none (default: an eighth of the memory)',
      )
      .option('--train-images <number>', 'only so many training images of each class')
      .option('--test-images <number>', 'only so many test images of each class'),
  parsePairs: (text) => parsePairs(text),
  has: hasTable2Cell,
  settle(options, choice) {
    const { data } = choice;
    const inFolder = data === imageNet || data.startsWith(folderPrefix);
    if (data !== imageNet) requireDataset(data, [imageNet]);
    if (!inFolder) refuseFolderOptions(data, options);
    const cacheBytes = cacheBytesOf(options);
    const trainSize = wholeNumber(options, 'size') ?? atScale(sizes, choice.scale)[1];
    const microBatch = wholeNumber(options, 'microBatch');
    const workers = wholeNumber(options, 'workers');
    const subset = subsetOf(options, choice.scale === 'quick' && !inFolder ? quickSubset : {});
    const { given, notes } = chooseImageNetTeachers(options, choice);
    // The data as runs record them: not where they lie; ImageNet in another size is not the paper's data.
    const name = inFolder && data !== imageNet ? folderName(folderOf(data)) : data;
    const label = nameWithSubset(name, subset);
    const isResized = data === imageNet && trainSize !== sizes.paper;
    return {
      dataLabel: inFolder ? `${label}-${trainSize}px` : label,
      ...classifierRecipes(options, choice, {
        scale: atScale(scales, choice.scale)[1],
        recipe: table2Recipe,
        teacherRecipe: table2TeacherRecipe,
        // The learning rate goes with the batch (Goyal et al.): the recipes’ batches are large.
        inBatches: (recipe, batchSize) => ({
          ...recipe,
          batchSize,
          learningRate: (recipe.learningRate * batchSize) / recipe.batchSize,
        }),
        adapted(recipe) {
          const atOnce = microBatch ?? recipe.microBatch;
          return {
            ...recipe,
            // Images in memory are small already: they are shifted and flipped, as CIFAR's are, and never mixed.
            augmentation: inFolder ? recipe.augmentation : 'pad-crop-flip',
            ...(atOnce === undefined ? {} : { microBatch: Math.min(atOnce, recipe.batchSize) }),
          };
        },
      }),
      givenTeachers: given,
      notes,
      async openTask(onProgress) {
        const { dataDir, skipCorrupt } = options;
        if (!inFolder) {
          return classification(
            await loadDataset(datasetName(data), { dataDir, subset, onProgress }),
          );
        }
        const root = data === imageNet ? join(dataDirectory(dataDir), imageNet) : folderOf(data);
        const source = await imageFolderSource({
          ...{ root, trainSize, workers, skipCorrupt, onProgress },
          name: isResized ? `${name}-${trainSize}px` : name,
          ...(Object.keys(subset).length > 0 ? { subset } : {}),
          ...(cacheBytes === undefined ? {} : { cacheBytes }),
        });
        return classification(source);
      },
    };
  },
};

function folderOf(data: string): string {
  return withHome(data.slice(folderPrefix.length));
}

/** Whole MiB; 0 for no cache. @throws LabError of kind `option` for anything else. */
function cacheBytesOf(options: GridOptions): number | undefined {
  if (options.cache === '0') return 0;
  const megabytes = wholeNumber(options, 'cache');
  return megabytes === undefined ? undefined : megabytes * 2 ** 20;
}

function subsetOf(options: GridOptions, small: Subset): Subset {
  const train = wholeNumber(options, 'trainImages') ?? small.train;
  const test = wholeNumber(options, 'testImages') ?? small.test;
  return { train, test };
}

/** @throws LabError of kind `option` when an option would be passed over. */
function refuseFolderOptions(data: string, options: GridOptions): void {
  const given = (['size', 'workers', 'cache', 'skipCorrupt'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (given === undefined) return;
  throw optionError`this option is for folders of images (--${given === 'skipCorrupt' ? 'skip-corrupt' : given}): found --data ${data}. Give --data folder:PATH as well, or leave it out`;
}
