import { Command } from 'commander';
import { runCommand } from '../../lib/cli';
import { loadDataset } from '../../lib/data';
import { computeClassMeans, writeClassMeans } from '../../lib/distill/class-means';
import { startEngine } from '../../lib/engine/load';
import { modelNames } from '../../lib/models/registry';
import { hashStateDict } from '../../lib/nn/state';
import { loadTrainedModel } from '../../lib/runs/classification-teacher';
import { evaluateTeacher } from '../../lib/train/classifier';
import { registerDatasets } from '../datasets';
import type { Flags, Texts } from '../grid/settings';
import { print, withDataProgress } from './common';

type ClassMeansOptions = Readonly<Record<'model' | 'weights' | 'data' | 'out', string>> &
  Texts<'dataDir'> &
  Flags<'plain' | 'json'>;

const command = new Command('npm run class-means --')
  .description(
    'Makes the class means of a teacher over a training set: the mean embedding of each class, in evaluation mode. ' +
      'They are written with the hashes of the teacher and the data, and refused for any other.',
  )
  .requiredOption('--model <name>', `the teacher: ${modelNames.join(', ')}`)
  .requiredOption('--weights <file>', 'its weights (.pth or .safetensors)')
  .option('--data <name>', 'fashion-mnist, cifar10, cifar100, folder:PATH', 'fashion-mnist')
  .option('--data-dir <path>', 'where data sets lie (or NORM_DIRECTION_LAB_DATA)')
  .option('--out <file>', 'where the class means go', 'class-means.safetensors')
  .option('--plain', 'over the images as they are, not augmented as the paper’s code does')
  .option('--json', 'one JSON object on standard output')
  .allowExcessArguments(false)
  .action(makeClassMeans);

function makeClassMeans(options: ClassMeansOptions): Promise<void> {
  const { data, dataDir, out, plain, json } = options;
  registerDatasets();
  return withDataProgress(async (onProgress) => {
    await startEngine();
    const dataset = await loadDataset(data, { dataDir, onProgress });
    const model = await loadTrainedModel(options.weights, options.model, dataset.classes.length);
    const teacherHash = hashStateDict(model.stateDict());
    const means = computeClassMeans(model, dataset, {
      teacherHash,
      augmented: plain !== true,
      onProgress: (done, total) =>
        onProgress({ message: 'class means', unit: 'images', done, total }),
    });
    writeClassMeans(out, means);
    const { top1 } = await evaluateTeacher({ model }, dataset);
    const { classes, dimension, augmented } = means;
    print(
      json,
      { file: out, teacherHash, top1, classes, dimension, augmented },
      `${out}: ${classes} class means of ${dimension} numbers; the teacher has ${top1.toFixed(2)} % top-1 on ${dataset.name}`,
    );
  });
}

runCommand(() => command.parseAsync());
