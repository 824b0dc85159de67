import { basename, dirname, join } from 'node:path';
import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { datasetName, loadDataset } from '../../lib/data/registry';
import { folderPrefix } from '../../lib/data/folder';
import { imageFolderSource } from '../../lib/data/imagenet/source';
import { dataDirectory, withHome } from '../../lib/data/paths';
import type { OnDataProgress } from '../../lib/data/progress';
import { imageNetFolder } from '../../lib/data/tables/needs';
import {
  computeClassMeansOver,
  readClassMeans,
  writeClassMeans,
} from '../../lib/distill/class-means';
import {
  type ClassMeansComparison,
  compareClassMeans,
  type PlainClassMeans,
  readReleasedClassMeans,
  summaryOfComparison,
} from '../../lib/distill/released-class-means';
import { startEngine } from '../../lib/engine/load';
import { requireFile, requireWritable } from '../../lib/files';
import { imageNetModelNames, modelNames } from '../../lib/models/registry';
import { hashStateDict } from '../../lib/nn/state';
import { loadTrainedModel } from '../../lib/runs/classification-teacher';
import { isBatchSource, type TrainingData } from '../../lib/train/batch-source';
import { evaluateTeacher } from '../../lib/train/classifier';
import { datasetNames } from '../datasets';
import type { Flags, Texts } from '../grid/settings';
import { print, withDataProgress } from './common';

type ClassMeansOptions = Readonly<Record<'model' | 'weights' | 'data' | 'out', string>> &
  Texts<'dataDir' | 'compare'> &
  Flags<'plain' | 'json'>;

// When it runs, so that a data set of the user's own that is broken is told as any other mistake.
const command = (): Command =>
  new Command('npm run class-means --')
    .description(
      'Makes the class means of a teacher over a training set: the mean embedding of each class, in evaluation mode. ' +
        'They are written with the hashes of the teacher and the data, and refused for any other.',
    )
    .requiredOption('--model <name>', `the teacher: ${modelNames.join(', ')}`)
    .requiredOption('--weights <file>', 'its weights (.pth or .safetensors)')
    .option('--data <name>', `${datasetNames()}, imagenet (DATA-DIR/imagenet)`, 'fashion-mnist')
    .option('--data-dir <path>', 'where data sets lie (or NORM_DIRECTION_LAB_DATA)')
    .option('--out <file>', 'where the class means go', 'class-means.safetensors')
    .option(
      '--compare <file>',
      'others to compare them with, by cosine and norm: of this command, or a .json of the paper’s code',
    )
    .option('--plain', 'over the images as they are, not augmented as the paper’s code does')
    .option('--json', 'one JSON object on standard output')
    .allowExcessArguments(false)
    .action(makeClassMeans);

async function makeClassMeans(options: ClassMeansOptions): Promise<void> {
  const { out, compare, plain, json } = options;
  requireWritable(dirname(out), '--out');
  requireFile(options.weights, '--weights');
  // Before the pass over the data, which a faulty file would waste.
  const other = compare === undefined ? undefined : readAny(compare);
  return withDataProgress(async (onProgress) => {
    const dataset = await openData(options, onProgress);
    await startEngine();
    const model = await loadTrainedModel(options.weights, options.model, dataset.classes.length);
    const teacherHash = hashStateDict(model.stateDict());
    const settings = {
      teacherHash,
      augmented: plain !== true,
      onProgress: (done: number, total: number): void =>
        onProgress({ message: 'class means', unit: 'images', done, total }),
    };
    const means = await computeClassMeansOver(model, dataset, settings);
    const compared = other && compareClassMeans(means, other);
    writeClassMeans(out, means);
    const { top1 } = await evaluateTeacher({ model }, dataset);
    if (isBatchSource(dataset)) await dataset.dispose?.();
    const { classes, dimension, augmented } = means;
    const found = { file: out, teacherHash, top1, classes, dimension, augmented };
    const words = `${out}: ${classes} class means of ${dimension} numbers; the teacher has ${top1.toFixed(2)} % top-1 on ${dataset.name}`;
    print(
      json,
      {
        ...found,
        ...(compared ? { compared: { ...summaryOfComparison(compared), classes: compared } } : {}),
      },
      compared ? `${words}\n${comparisonText(compared, dataset.classes, compare)}` : words,
    );
  });
}

/** Networks of ImageNet see a folder as it is decoded, at their own size; all others see data in memory. */
async function openData(
  { model, data, dataDir }: ClassMeansOptions,
  onProgress: OnDataProgress,
): Promise<TrainingData> {
  const inFolder = data === imageNetFolder || data.startsWith(folderPrefix);
  if (!inFolder || !imageNetModelNames.includes(model)) {
    return loadDataset(datasetName(data), { dataDir, onProgress });
  }
  return data === imageNetFolder
    ? imageFolderSource({ root: join(dataDirectory(dataDir), data), name: data, onProgress })
    : imageFolderSource({ root: withHome(data.slice(folderPrefix.length)), onProgress });
}

function readAny(file: string): PlainClassMeans {
  return file.endsWith('.json') ? readReleasedClassMeans(file) : readClassMeans(file);
}

/**
 * Of the same weights class means agree up to 0.998 whether images are augmented or not (resnet8, Fashion-MNIST);
 * those of another training lie far apart, since nothing fixes what a feature stands for.
 */
const sameTeacher = 0.99;
const shownClasses = 5;

function comparisonText(
  classes: readonly ClassMeansComparison[],
  names: readonly string[],
  file = '',
): string {
  const { meanCosine, smallestCosine, meanNorm, otherMeanNorm } = summaryOfComparison(classes);
  const furthest = classes
    .map(({ cosine }, index) => ({ cosine, name: names[index] ?? String(index) }))
    .sort((a, b) => a.cosine - b.cosine)
    .slice(0, shownClasses)
    .map(({ name, cosine }) => `${name} ${cosine.toFixed(4)}`);
  const verdict =
    smallestCosine >= sameTeacher
      ? 'the same teacher, as far as class means tell'
      : 'another teacher, or other images';
  return `beside ${basename(file)}: cosine ${meanCosine.toFixed(4)} on average, ${smallestCosine.toFixed(4)} at least; norm ${meanNorm.toFixed(3)} here, ${otherMeanNorm.toFixed(3)} there: ${verdict}\nfurthest apart: ${furthest.join(', ')}`;
}

runCommand(async () => parseCommand(command()));
