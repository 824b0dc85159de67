import { join } from 'node:path';
import { loadDataset } from '../../lib/data';
import { dataDirectory } from '../../lib/data/directory';
import { folderPrefix } from '../../lib/data/folder';
import { folderName, imageFolderSource } from '../../lib/data/imagenet';
import { findSource } from '../../lib/data/registry';
import { nameWithSubset, type Subset } from '../../lib/data/subset';
import { LabError } from '../../lib/errors';
import type { TrainingRecipe } from '../../lib/train/recipe';
import type { GridOptions } from '../grid/command';
import { wholeNumber } from '../grid/options';
import type { GridScope, ScopeSetting } from '../grid/scope';
import { hasTable2Cell, table2Recipe, table2TeacherRecipe } from '../recipes/table2';
import { chooseImageNetTeachers } from './teachers';

/** The folder of ImageNet below where data sets lie: `imagenet/train/n01440764/…`, `imagenet/val/…`. */
const imageNet = 'imagenet';

/** Side of training images by scale, in pixels. */
const sizes = { quick: 32, short: 64, paper: 224 } as const;

/** Images of each class that the quick scale takes of a data set in memory. */
const quickSubset: Subset = { train: 80, test: 20 };

/** Table 2: ImageNet, or a folder like it. */
export const imageNetScope: GridScope = {
  prefix: 'table2-',
  paper: { words: 'ImageNet at 224 × 224, 100 epochs, DeiT 300', data: imageNet },
  estimatesMemory: true,
  scales: {
    quick: { data: 'fashion-mnist', epochs: 3, teacherEpochs: 6, batch: 80 },
    short: { epochs: 20, teacherEpochs: 20, batch: 64 },
    paper: { data: imageNet },
  },
  recipe: table2Recipe,
  teacherRecipe: table2TeacherRecipe,
  has: hasTable2Cell,
  // The learning rate goes with the batch (Goyal et al.): the recipes’ batches are large.
  inBatches: (recipe, batchSize) => ({
    ...recipe,
    batchSize,
    learningRate: (recipe.learningRate * batchSize) / recipe.batchSize,
  }),
  adapted,
  dataLabel: (setting, options) =>
    readsFolder(setting)
      ? `${nameWithSubset(recordedName(setting), subsetOf(setting, options))}-${sizeOf(setting, options)}px`
      : nameWithSubset(setting.data, subsetOf(setting, options)),
  checkData(setting, options) {
    if (setting.data !== imageNet) findSource(setting.data);
    if (!readsFolder(setting)) refuseFolderOptions(setting.data, options);
    if (options.cache !== undefined) cacheBytes(options.cache);
    for (const name of ['size', 'microBatch', 'workers', 'trainImages', 'testImages'] as const) {
      wholeNumber(
        `--${name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)}`,
        options[name],
      );
    }
  },
  openData(setting, options, onProgress) {
    const subset = subsetOf(setting, options);
    if (!readsFolder(setting)) {
      return loadDataset(setting.data, { dataDir: options.dataDir, subset, onProgress });
    }
    return imageFolderSource({
      root:
        setting.data === imageNet
          ? join(dataDirectory(options.dataDir), imageNet)
          : setting.data.slice(folderPrefix.length),
      name: recordedName(setting),
      trainSize: sizeOf(setting, options),
      ...(Object.keys(subset).length > 0 ? { subset } : {}),
      workers: wholeNumber('--workers', options.workers),
      skipCorrupt: options.skipCorrupt,
      ...(options.cache === undefined ? {} : { cacheBytes: cacheBytes(options.cache) }),
      onProgress,
    });
  },
  chooseTeachers: chooseImageNetTeachers,
};

/** @throws LabError of kind `option` when an option would be passed over. */
function refuseFolderOptions(data: string, options: GridOptions): void {
  const given = (['size', 'workers', 'cache', 'skipCorrupt'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (given === undefined) return;
  throw new LabError({
    kind: 'option',
    what: 'this option is for folders of images',
    where: `--${given === 'skipCorrupt' ? 'skip-corrupt' : given}`,
    found: `--data ${data}`,
    remedy: 'Give --data folder:PATH as well, or leave it out',
  });
}

/** @throws LabError of kind `option` for anything but a whole number of MiB. */
function cacheBytes(text: string): number {
  return text === '0' ? 0 : (wholeNumber('--cache', text) ?? 0) * 2 ** 20;
}

/** Whether the images are decoded as training goes on. */
function readsFolder({ data }: Pick<ScopeSetting, 'data'>): boolean {
  return data === imageNet || data.startsWith(folderPrefix);
}

/** The data as runs record them: not where they lie. */
function recordedName({ data }: Pick<ScopeSetting, 'data'>): string {
  return data === imageNet ? data : folderName(data.slice(folderPrefix.length));
}

function sizeOf({ scale }: ScopeSetting, { size }: GridOptions): number {
  return wholeNumber('--size', size) ?? sizes[scale];
}

function subsetOf(setting: ScopeSetting, options: GridOptions): Subset {
  const small = setting.scale === 'quick' && !readsFolder(setting) ? quickSubset : {};
  const train = wholeNumber('--train-images', options.trainImages) ?? small.train;
  const test = wholeNumber('--test-images', options.testImages) ?? small.test;
  return { ...(train === undefined ? {} : { train }), ...(test === undefined ? {} : { test }) };
}

/** Images in memory are small already: they are shifted and flipped, as CIFAR's are, and never mixed. */
function adapted(
  recipe: TrainingRecipe,
  setting: ScopeSetting,
  options: GridOptions,
): TrainingRecipe {
  const microBatch = wholeNumber('--micro-batch', options.microBatch) ?? recipe.microBatch;
  return {
    ...recipe,
    augmentation: readsFolder(setting) ? recipe.augmentation : 'pad-crop-flip',
    ...(microBatch === undefined ? {} : { microBatch: Math.min(microBatch, recipe.batchSize) }),
  };
}
