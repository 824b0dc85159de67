import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { computeClassMeans } from '../../lib/distill/class-means';
import { type FeaturePlace, featurePlaces } from '../../lib/distill/term';
import { createModel } from '../../lib/models/registry';
import { hashStateDict } from '../../lib/nn/state';
import { type ClassifierTraining, trainClassifier } from '../../lib/train/classifier';
import type { Teacher } from '../../lib/train/learner';
import type { EpochMetrics } from '../../lib/train/metrics';
import { studyMethodIds } from '../../reproduce/recipes/studies';
import { table1Methods, table1Recipe } from '../../reproduce/recipes/table1';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

const dataset = smallDataset({ perClass: 6 });
/** 24 images in batches of 8. */
const batches = 3;

/** Every loss that the studies add to table 1's, once: rows that differ in a number train alike. */
const kinds = studyMethodIds().filter(
  (id) => !table1Methods().includes(id) && !/-(x|r|t)[\d.]+$/.test(id),
);

/** A wider network than the student, so that adapters are trained too. */
function makeTeacher(): Teacher {
  const model = createModel('wrn_16_2', { classes: 4, seed: 9 });
  const meansAt = (place: FeaturePlace): Float32Array =>
    computeClassMeans(model, dataset, { teacherHash: 'any', place }).means;
  return {
    model,
    classMeans: meansAt('embedding'),
    classMeansAt: new Map(featurePlaces.map((place) => [place, meansAt(place)])),
    embeddingNorm: 1,
  };
}

let teacher: Teacher;

/** Trains a study's row for two epochs. */
async function trainRow(
  method: string,
  directory: string,
  options: Partial<ClassifierTraining> = {},
): Promise<{ hash: string; metrics: EpochMetrics[] }> {
  const student = createModel('resnet8', { classes: 4, seed: 1 });
  try {
    await trainClassifier({
      recipe: {
        ...table1Recipe({ teacher: 'wrn_16_2', student: 'resnet8' }, method),
        epochs: 2,
        batchSize: 8,
        learningRate: 0.02,
      },
      recipeHash: 'recipe',
      student,
      teacher,
      dataset,
      seed: 1,
      directory,
      ...options,
    });
    const lines = readFileSync(join(directory, 'metrics.jsonl'), 'utf8').trim().split('\n');
    return {
      hash: hashStateDict(student.stateDict()),
      metrics: lines.map((line) => JSON.parse(line) as EpochMetrics),
    };
  } finally {
    student.dispose();
  }
}

describe('the rows of the studies', function () {
  this.timeout(60_000);
  withEngine('native');
  const folder = withFolder();
  before(() => (teacher = makeTeacher()));
  after(() => teacher.model.dispose());
  const hashes = new Map<string, string>();

  for (const method of kinds) {
    it(`train ${method} with a constant number of tensors and leave none`, async () => {
      const tensors = tf.memory().numTensors;
      const counts: number[] = [];
      const { hash, metrics } = await trainRow(method, folder(), {
        onBatch: () => counts.push(tf.memory().numTensors),
      });
      expect(counts).to.have.length(2 * batches);
      // The first step makes the optimiser's velocities and the terms' memories.
      expect(new Set(counts.slice(1)).size, counts.join()).to.equal(1);
      expect(tf.memory().numTensors).to.equal(tensors);
      // The cosine is measured in the space of the class means, where the student reaches it.
      const reached = metrics.every(({ cosineToClassMean }) => cosineToClassMean !== null);
      expect(metrics.every(({ cosineByClass }) => cosineByClass?.length === 4)).to.equal(reached);
      expect(metrics.every(({ losses }) => Object.values(losses).every(Number.isFinite))).to.equal(
        true,
      );
      hashes.set(method, hash);
    });
  }

  it('train to different weights', () => {
    expect(hashes.size).to.equal(kinds.length);
    expect(new Set(hashes.values()).size).to.equal(kinds.length);
  });

  // Weights before the last step; an adapter of its own; norms of the last visit.
  const interrupted: [string, number][] = [
    ['kd+sifn-exact-x10', 1],
    ['kd+sifn-exact-x10', 4],
    ['kd+nd-earlier', 4],
    ['kd+sifn-last-visit-x10', 5],
  ];
  for (const [method, stop] of interrupted) {
    it(`go on with ${method} after a stop at batch ${stop} as if there had been none`, async () => {
      const unbroken = await trainRow(method, join(folder(), 'unbroken'));
      const directory = join(folder(), 'broken');
      const controller = new AbortController();
      let seen = 0;
      const fault = await faultOf(() =>
        trainRow(method, directory, {
          signal: controller.signal,
          onBatch: () => {
            if (++seen === stop) controller.abort();
          },
        }),
      );
      expect(fault.kind).to.equal('interrupted');
      expect(await trainRow(method, directory)).to.deep.equal(unbroken);
    });
  }
});
