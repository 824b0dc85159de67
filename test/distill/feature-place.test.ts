import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import {
  computeClassMeans,
  readClassMeans,
  requireClassMeansOf,
  writeClassMeans,
} from '../../lib/distill/class-means';
import { createObjective } from '../../lib/distill/objective';
import { featureAt, type FeaturePlace, featureSize } from '../../lib/distill/term';
import {
  definitionOf,
  directionCosine,
  normDirection,
  normDirectionAt,
} from '../../lib/distill/terms';
import { classifierWeights } from '../../lib/distill/terms/direction';
import { LabError } from '../../lib/errors';
import { directionCosineLoss, normDirectionLoss } from '../../lib/losses';
import { createModel } from '../../lib/models/registry';
import type { Model, ModelOutput } from '../../lib/nn/model';
import { deterministic } from '../../lib/verify/deterministic';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { expectClose, numbers } from '../support/tensors';

const images = (count: number): tf.Tensor4D =>
  tf.tensor4d(deterministic('feature places', [count, 8, 8, 3], 1), [count, 8, 8, 3]);
const evaluation = { training: false };

describe('a place of features', () => {
  withEngine('native');

  it('one stage earlier is that stage’s output, averaged over height and width', () => {
    const model = createModel('resnet8', { classes: 4, seed: 1 });
    const output = model.forward(images(2), evaluation);
    const stage = output.features[2] as tf.Tensor4D;
    expect(stage.shape).to.deep.equal([2, 4, 4, 32]);
    const values = numbers(stage);
    const expected = Array.from({ length: 2 * 32 }, (_, at) => {
      const [image, channel] = [Math.floor(at / 32), at % 32];
      const cells = Array.from(
        { length: 16 },
        (__, cell) => values[(image * 16 + cell) * 32 + channel],
      );
      return cells.reduce<number>((sum, value) => sum + (value ?? NaN), 0) / 16;
    });
    expectClose(featureAt(output, 'earlier stage'), expected);
    expect(featureAt(output, 'embedding')).to.equal(output.embedding);
    expect(featureAt(output, 'logits')).to.equal(output.logits);
    const sizes = (['earlier stage', 'embedding', 'logits'] as const).map((place) =>
      featureSize(model, place),
    );
    expect(sizes).to.deep.equal([32, 64, 4]);
    model.dispose();
  });

  it('is refused one stage earlier in a network of one stage', async () => {
    const stem = tf.zeros<tf.Rank.R4>([1, 2, 2, 3]);
    const logits = tf.tensor2d([[1]]);
    for (const features of [[], [stem], [stem, stem]]) {
      const { kind } = await faultOf(() =>
        featureAt({ logits, embedding: logits, features }, 'earlier stage'),
      );
      expect(kind).to.equal('model');
    }
  });
});

describe('class means of another place', () => {
  withEngine('native');
  const folder = withFolder();
  const dataset = smallDataset({ classes: 2, perClass: 3 });

  it('are the means there, and their file is of that place alone', () => {
    const teacher = createModel('resnet8', { classes: 2, seed: 1 });
    const options = { teacherHash: 'hash', augmented: false, batchSize: 4 };
    const made = computeClassMeans(teacher, dataset, { ...options, place: 'logits' });
    const embedding = computeClassMeans(teacher, dataset, options);
    expect([made.dimension, embedding.dimension]).to.deep.equal([2, 64]);
    // A linear layer's mean output is its output for the mean input.
    const [weights, bias] = ['fc.weight', 'fc.bias'].map(
      (name) => teacher.state.tensor(name).value,
    );
    const expected = tf.add(
      tf.matMul(tf.tensor2d(embedding.means, [2, 64]), weights as tf.Tensor2D, false, true),
      bias as tf.Tensor,
    );
    expectClose([...made.means], numbers(expected), 1e-4);

    const file = join(folder(), 'means.safetensors');
    writeClassMeans(file, made);
    expect(readClassMeans(file)).to.deep.equal(made);
    const fits = { teacherHash: 'hash', dataset, dimension: 2 };
    expect(() => requireClassMeansOf(made, { ...fits, place: 'logits' })).to.not.throw();
    expect(() => requireClassMeansOf(made, fits)).to.throw(
      LabError,
      'class means of another place',
    );
    expect(embedding).to.not.have.property('place');
    teacher.dispose();
  });
});

describe('the directions of a teacher’s classifier', () => {
  withEngine('native');

  for (const name of ['resnet8', 'wrn_16_1', 'vgg8', 'MobileNetV2', 'ShuffleV2'] as const) {
    it(`are what ${name} multiplies its embedding with`, () => {
      const model = createModel(name, { classes: 5, seed: 2 });
      const batch = tf.tensor4d(deterministic(name, [2, 32, 32, 3], 1), [2, 32, 32, 3]);
      const { logits, embedding } = model.forward(batch, evaluation);
      const difference = <T extends tf.Tensor>(rows: T): tf.Tensor =>
        tf.sub(tf.slice(rows, [0, 0], [1, -1]), tf.slice(rows, [1, 0], [1, -1]));
      const expected = tf.matMul(
        difference(embedding) as tf.Tensor2D,
        classifierWeights(model).value,
        false,
        true,
      );
      expectClose(difference(logits), numbers(expected), 1e-3);
      model.dispose();
    });
  }

  it('are refused where there is no such layer', async () => {
    const model = createModel('resnet8', { classes: 5 });
    const { kind } = await faultOf(() => classifierWeights({ ...model, embeddingSize: 63 }));
    expect(kind).to.equal('model');
    model.dispose();
  });
});

describe('terms with another direction or place', () => {
  withEngine('native');
  let student: Model;
  let teacher: Model;
  before(() => {
    student = createModel('resnet8', { classes: 4, seed: 1 });
    teacher = createModel('resnet14', { classes: 4, seed: 2 });
  });
  after(() => {
    student.dispose();
    teacher.dispose();
  });

  const labels = (): tf.Tensor1D => tf.tensor1d([0, 3, 1], 'int32');
  const outputs = (): { own: ModelOutput; others: ModelOutput } => ({
    own: student.forward(images(3), evaluation),
    others: teacher.forward(images(3), evaluation),
  });
  const valueOf = (
    term: Parameters<typeof createObjective>[0]['terms'][number],
    classMeansAt = new Map<FeaturePlace, Float32Array>(),
  ): number => {
    const { own, others } = outputs();
    const objective = createObjective(
      { name: 'm', terms: [term] },
      { student, teacher, seed: 0, samples: 3, classMeansAt },
    );
    const { total } = objective.value(
      { student: own, teacher: others, studentEmbedding: own.embedding, labels: labels() },
      { epoch: 0, mode: { training: true } },
    );
    objective.dispose();
    return numbers(total)[0] ?? NaN;
  };

  it('take the teacher’s classifier in the place of its class means', () => {
    const { own, others } = outputs();
    const directions = teacher.state.tensor('fc.weight').value as tf.Tensor2D;
    expect(valueOf(directionCosine({ directions: 'classifier' }))).to.be.closeTo(
      numbers(directionCosineLoss(own.embedding, labels(), directions))[0] ?? NaN,
      1e-6,
    );
    expect(valueOf(normDirection({ directions: 'classifier', weight: 2 }))).to.be.closeTo(
      2 *
        (numbers(normDirectionLoss(own.embedding, others.embedding, labels(), directions))[0] ??
          NaN),
      1e-6,
    );
  });

  it('are refused along the classifier where only a batch’s signals are known', async () => {
    const { own } = outputs();
    const signals = { student: own, studentEmbedding: own.embedding, labels: labels() };
    const term = directionCosine({ directions: 'classifier' });
    const { kind } = await faultOf(() => definitionOf(term).compute?.(term, signals));
    expect(kind).to.equal('option');
  });

  it('begin the adapter of their place as the run’s other adapter begins', () => {
    const wide = createModel('resnet8x4', { classes: 4, seed: 2 });
    const place = 'earlier stage';
    const classMeansAt = new Map([[place, new Float32Array(4 * 128)]] as const);
    const biasesWith = (adapterStart?: 'small-normal'): number[] => {
      const objective = createObjective(
        { name: 'm', terms: [normDirectionAt({ place })] },
        { student, teacher: wide, seed: 0, samples: 3, classMeansAt, adapterStart },
      );
      const biases = [...(objective.save().get('0/state/2.bias')?.data ?? [])];
      objective.dispose();
      return biases;
    };
    expect(biasesWith()).to.have.length(128).and.not.include(0);
    expect(new Set(biasesWith('small-normal'))).to.deep.equal(new Set([0]));
    wide.dispose();
  });

  it('take the features and the class means of their place', () => {
    const { own, others } = outputs();
    for (const [place, size] of [
      ['logits', 4],
      ['earlier stage', 32],
    ] as const) {
      const means = deterministic(place, [4, size], 1);
      const expected = normDirectionLoss(
        featureAt(own, place),
        featureAt(others, place),
        labels(),
        tf.tensor2d(means, [4, size]),
      );
      expect(
        valueOf(
          normDirectionAt({ place, weight: 3 }),
          new Map([[place, Float32Array.from(means)]]),
        ),
      ).to.be.closeTo(3 * (numbers(expected)[0] ?? NaN), 1e-6);
    }
  });

  it('are refused without the class means of their place', async () => {
    const { kind, found } = await faultOf(() => valueOf(normDirectionAt({ place: 'logits' })));
    expect(kind).to.equal('option');
    expect(found).to.equal('logits');
  });
});
