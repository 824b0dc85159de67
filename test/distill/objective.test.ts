import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { embeddingAdapter } from '../../lib/distill/adapter';
import { createObjective } from '../../lib/distill/objective';
import {
  crd,
  crossEntropy,
  defineTerm,
  directionCosine,
  directionInfoNce,
  dist,
  dkd,
  fitNet,
  kd,
  type LossTerm,
  mixedNormDirection,
  naiveFeature,
  naiveNorm,
  needs,
  normDirection,
  ofd,
  type PartContext,
  pkt,
  reviewKd,
  rkd,
  sifn,
  softCrossEntropy,
  srrl,
  tokenDistillation,
  warmUp,
  warmUpFactor,
} from '../../lib/distill/terms';
import { random } from '../../lib/engine/random';
import {
  crossEntropyLoss,
  directionCosineLoss,
  directionInfoNceLoss,
  distLoss,
  dkdLoss,
  kdLoss,
  naiveFeatureLoss,
  naiveNormLoss,
  normDirectionLoss,
  probabilisticTransferLoss,
  relationalLoss,
} from '../../lib/losses';
import { createModel, registerModel } from '../../lib/models/registry';
import type { Model, ModelOutput } from '../../lib/nn/model';
import { faultOf } from '../support/faults';
import { withEngine } from '../support/engine';
import { expectClose, numbers } from '../support/tensors';

const draw = random(1, 'signals');
const matrix = (rows: number, columns: number): tf.Tensor2D =>
  tf.tensor2d(
    Float32Array.from({ length: rows * columns }, () => draw.normal()),
    [rows, columns],
  );

const outputOf = (logits: tf.Tensor2D, embedding: tf.Tensor2D): ModelOutput => ({
  logits,
  embedding,
  features: [],
  preActivations: [],
});
const at = (epoch: number) => ({ epoch, mode: { training: true } });
/** For methods whose terms own no part that depends on the models. */
const withoutModels = (): PartContext => ({
  student: {} as Model,
  teacher: undefined,
  seed: 0,
  samples: 10,
});

describe('a method', () => {
  withEngine('native');

  it('is the sum of its weighted and warmed-up terms', () => {
    const studentLogits = matrix(6, 4);
    const teacherLogits = matrix(6, 4);
    const studentEmbedding = matrix(6, 3);
    const teacherEmbedding = matrix(6, 3);
    const classMeans = matrix(4, 3);
    const labels = tf.tensor1d([0, 1, 2, 3, 0, 1], 'int32');
    const signals = {
      student: outputOf(studentLogits, studentEmbedding),
      teacher: outputOf(teacherLogits, teacherEmbedding),
      studentEmbedding,
      classMeans,
      labels,
    };
    const method = {
      name: 'everything',
      terms: [
        crossEntropy({ weight: 3 }),
        warmUp(20, kd({ weight: 2, temperature: 2 })),
        dkd({ alpha: 1.5, beta: 2 }),
        warmUp(4, dist({ weight: 0.5, temperature: 3 })),
        normDirection({ weight: 1.25 }),
        naiveNorm({ weight: 0.1 }),
        sifn({ weight: 0.2, step: 0.3 }),
        directionInfoNce({ weight: 0.7, temperature: 0.5 }),
      ],
    };
    const value = (loss: tf.Scalar): number => numbers(loss)[0] ?? NaN;
    // Epoch 5: the warm-ups are at 5/20 and over.
    const { total, terms } = createObjective(method, withoutModels()).value(signals, at(5));
    const expected = [
      3 * value(crossEntropyLoss(studentLogits, labels)),
      2 * 0.25 * value(kdLoss(studentLogits, teacherLogits, { temperature: 2 })),
      value(dkdLoss(studentLogits, teacherLogits, labels, { alpha: 1.5, beta: 2, temperature: 4 })),
      0.5 * value(distLoss(studentLogits, teacherLogits, { temperature: 3 })),
      1.25 * value(normDirectionLoss(studentEmbedding, teacherEmbedding, labels, classMeans)),
      0.1 * value(naiveNormLoss(studentEmbedding, teacherEmbedding)),
      // The current norm held constant: (norm + r − norm)² is r² for every sample.
      0.2 * 0.3 * 0.3,
      0.7 * value(directionInfoNceLoss(studentEmbedding, labels, classMeans, { temperature: 0.5 })),
    ];
    terms.forEach((term, index) => {
      expect(value(term), `term ${index}`).to.be.closeTo(expected[index] ?? NaN, 1e-4);
    });
    expect(value(total)).to.be.closeTo(
      expected.reduce((sum, term) => sum + term, 0),
      1e-3,
    );
  });

  it('refuses a term that gives a number for each sample, by its name', async () => {
    defineTerm({
      loss: 'each',
      needs: [],
      compute: (_, { labels }) => labels as unknown as tf.Scalar,
    });
    const logits = matrix(2, 4);
    const labels = tf.tensor1d([0, 1], 'int32');
    const signals = { student: outputOf(logits, logits), studentEmbedding: logits, labels };
    const method = { name: 'mine', terms: [{ loss: 'each', weight: 2 }] };
    const objective = createObjective(method, withoutModels());
    const { kind, where, found } = await faultOf(() => objective.value(signals, at(0)));
    expect([kind, where, found]).to.eql(['model', 'each', 'a tensor [2]']);
  });

  it('of OFD refuses a network without stages, by its name', async () => {
    const context = (student: Model): PartContext => ({
      ...{ student, seed: 0, samples: 10 },
      teacher: createModel('resnet8', { classes: 4 }),
    });
    const stem = registerModel('stem-alone', {
      imageSize: 32,
      dropsPaths: false,
      build: () => ({
        embeddingSize: 3,
        forward: (images) => ({
          embedding: tf.mean<tf.Tensor2D>(images, [1, 2]),
          logits: tf.zeros([images.shape[0], 4]),
          ...{ features: [images], preActivations: [images] },
        }),
      }),
    });
    const method = { name: 'ofd', terms: [ofd()] };
    const { kind, found } = await faultOf(() =>
      createObjective(method, context(createModel(stem, { classes: 4 }))),
    );
    expect([kind, found]).to.eql(['model', 'stem-alone and resnet8']);
  });

  it('gives each term the outputs that it is meant for', () => {
    const [logits, teacherLogits] = [matrix(6, 4), matrix(6, 4)];
    // The student's own embedding, what an adapter makes of it, and the teacher's.
    const [own, adapted, taught] = [matrix(6, 2), matrix(6, 3), matrix(6, 3)];
    const means = matrix(4, 3);
    const labels = tf.tensor1d([0, 1, 2, 3, 0, 1], 'int32');
    const signals = {
      student: outputOf(logits, own),
      teacher: outputOf(teacherLogits, taught),
      studentEmbedding: adapted,
      classMeans: means,
      labels,
    };
    const weights = { distanceWeight: 3, angleWeight: 7 };
    const cases: [LossTerm, tf.Scalar][] = [
      [rkd({ distance: 3, angle: 7 }), relationalLoss(own, taught, weights)],
      [pkt(), probabilisticTransferLoss(own, taught)],
      [naiveNorm(), naiveNormLoss(adapted, taught)],
      [naiveFeature(), naiveFeatureLoss(adapted, taught)],
      [directionCosine(), directionCosineLoss(adapted, labels, means)],
      [
        directionInfoNce({ temperature: 0.2 }),
        directionInfoNceLoss(adapted, labels, means, { temperature: 0.2 }),
      ],
      [normDirection(), normDirectionLoss(adapted, taught, labels, means)],
      [kd({ temperature: 3 }), kdLoss(logits, teacherLogits, { temperature: 3 })],
      [
        dist({ beta: 2, gamma: 3, temperature: 5 }),
        distLoss(logits, teacherLogits, { beta: 2, gamma: 3, temperature: 5 }),
      ],
    ];
    for (const [term, expected] of cases) {
      const objective = createObjective({ name: 'm', terms: [term] }, withoutModels());
      const found = numbers(objective.value(signals, at(0)).total)[0];
      expect(found, term.loss).to.be.closeTo(numbers(expected)[0] ?? NaN, 1e-5);
    }
  });

  for (const previousNorm of ['detached', 'lastVisit'] as const) {
    it(`lengthens the student’s own embedding by SIFN, not an adapter’s (${previousNorm})`, () => {
      const objective = createObjective(
        { name: 'm', terms: [sifn({ previousNorm })] },
        withoutModels(),
      );
      const own = tf.tensor2d([3, 4, 0, 2], [2, 2]);
      const gradient = tf.grad((given) => {
        const embedding = tf.reshape<tf.Rank.R2>(given, [2, 2]);
        const signals = {
          student: outputOf(matrix(2, 4), embedding),
          studentEmbedding: tf.matMul<tf.Tensor2D>(
            embedding,
            tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]),
          ),
          labels: tf.tensor1d([0, 1], 'int32'),
          indices: new Int32Array([0, 1]),
        };
        return objective.value(signals, at(0)).total;
      })(own);
      // Of the mean over two samples of (norm + 1 − norm)², the first norm held constant: minus the direction.
      expectClose(numbers(gradient), [-0.6, -0.8, 0, -1]);
    });
  }

  it('has the papers’ settings where none are given', () => {
    const defaults: [LossTerm, Record<string, unknown>][] = [
      [crossEntropy(), { loss: 'crossEntropy' }],
      [kd(), { loss: 'kd', temperature: 4 }],
      [dkd(), { loss: 'dkd', alpha: 1, beta: 8, temperature: 4 }],
      [dist(), { loss: 'dist', beta: 1, gamma: 1, temperature: 4 }],
      [normDirection(), { loss: 'normDirection' }],
      [mixedNormDirection(), { loss: 'mixedNormDirection', smoothing: 0.1 }],
      [softCrossEntropy(), { loss: 'softCrossEntropy', smoothing: 0.1 }],
      [tokenDistillation(), { loss: 'tokenDistillation', kind: 'hard', temperature: 1 }],
      [sifn(), { loss: 'sifn', step: 1, previousNorm: 'detached' }],
      [directionCosine(), { loss: 'directionCosine' }],
      [directionInfoNce(), { loss: 'directionInfoNce', temperature: 0.1 }],
      [naiveNorm(), { loss: 'naiveNorm' }],
      [naiveFeature(), { loss: 'naiveFeature' }],
      [fitNet(), { loss: 'fitNet', hintLayer: 2 }],
      [rkd(), { loss: 'rkd', distance: 25, angle: 50 }],
      [pkt(), { loss: 'pkt' }],
      [ofd(), { loss: 'ofd' }],
      [crd(), { loss: 'crd', size: 128, negatives: 16_384, temperature: 0.07, momentum: 0.5 }],
      [reviewKd(), { loss: 'reviewKd' }],
      [srrl(), { loss: 'srrl' }],
    ];
    for (const [term, expected] of defaults) {
      expect(term).to.deep.equal({ weight: 1, ...expected });
    }
  });

  it('grows a term from nothing in the first epoch to its weight', () => {
    const grown = [0, 1, 5, 20, 21].map((epoch) => warmUpFactor(warmUp(20, kd()), epoch));
    expect(grown).to.deep.equal([0, 1 / 20, 5 / 20, 1, 1]);
    expect(warmUpFactor(kd(), 0)).to.equal(1);
  });

  it('says what it needs', () => {
    const method = (...terms: LossTerm[]) => ({ name: 'm', terms });
    expect(needs(method(crossEntropy()), 'teacher')).to.equal(false);
    expect(needs(method(crossEntropy(), kd()), 'teacher')).to.equal(true);
    expect(needs(method(kd()), 'class means')).to.equal(false);
    expect(needs(method(directionCosine()), 'class means')).to.equal(true);
  });

  it('refuses a term that nobody defined, and a second definition of a name', async () => {
    const unknown = await faultOf(() =>
      createObjective({ name: 'm', terms: [{ loss: 'kdd', weight: 1 }] }, withoutModels()),
    );
    expect(unknown.kind).to.equal('option');
    expect(unknown.what).to.contain("'kdd'");
    expect((await faultOf(() => defineTerm({ loss: 'kd', needs: [] }))).found).to.equal("'kd'");
  });

  it('lets a term remember only steps that were kept, saves its memory, and frees what it noted', () => {
    interface CountTerm extends LossTerm {
      readonly loss: 'countOfTheTest';
    }
    defineTerm<CountTerm>({
      loss: 'countOfTheTest',
      needs: [],
      part() {
        let sum = 0;
        let seen: tf.Scalar | undefined;
        return {
          loss({ labels }, { remember }) {
            seen = remember(tf.sum<tf.Scalar>(labels));
            return tf.scalar(sum);
          },
          commit: () => (sum += seen?.dataSync()[0] ?? NaN),
          memory: {
            save: () => new Map([['sum', { shape: [1], data: Float32Array.of(sum) }]]),
            restore: (entries) => (sum = entries.get('sum')?.data[0] ?? NaN),
          },
        };
      },
    });
    const method = { name: 'm', terms: [crossEntropy(), { loss: 'countOfTheTest', weight: 2 }] };
    const counting = createObjective(method, withoutModels());
    const logits = matrix(2, 3);
    const signals = {
      student: outputOf(logits, logits),
      studentEmbedding: logits,
      labels: tf.tensor1d([1, 2], 'int32'),
    };
    const before = tf.memory().numTensors;
    const step = (objective = counting): number =>
      tf.tidy(() => numbers(objective.value(signals, at(0)).terms[1] as tf.Scalar)[0] ?? NaN);
    expect(step()).to.equal(0);
    counting.endPart(false, false);
    expect(step(), 'the step before was not kept').to.equal(0);
    counting.endPart(true, true);
    expect(step(), 'twice the labels of one step').to.equal(2 * (1 + 2));
    counting.endPart(true, true);
    expect(tf.memory().numTensors).to.equal(before);
    const resumed = createObjective(method, withoutModels());
    resumed.restore(counting.save(), 'a checkpoint');
    expect(step(resumed)).to.equal(2 * 2 * (1 + 2));
    resumed.endPart(false, false);
  });
});

describe('the embedding adapter', () => {
  withEngine('native');

  it('is batch norm, dropout, linear: without dropout in evaluation', () => {
    const adapter = embeddingAdapter({ studentSize: 2, teacherSize: 3, seed: 1 });
    expect([...adapter.state.stateDict()].map(([name, { shape }]) => [name, shape])).to.deep.equal([
      ['0.weight', [2]],
      ['0.bias', [2]],
      ['0.running_mean', [2]],
      ['0.running_var', [2]],
      ['0.num_batches_tracked', []],
      ['2.weight', [3, 2]],
      ['2.bias', [3]],
    ]);
    adapter.state.loadStateDict(
      new Map([
        ['0.weight', { shape: [2], data: Float32Array.of(2, 3) }],
        ['0.bias', { shape: [2], data: Float32Array.of(1, 1) }],
        ['0.running_mean', { shape: [2], data: Float32Array.of(1, 0) }],
        ['0.running_var', { shape: [2], data: Float32Array.of(4, 1) }],
        ['2.weight', { shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 1, 1) }],
        ['2.bias', { shape: [3], data: Float32Array.of(0, 0, 10) }],
      ]),
    );
    // x = (3, 2): normalised (1, 2), scaled and shifted (3, 7).
    const output = numbers(adapter.forward(tf.tensor2d([[3, 2]]), { training: false }));
    [3, 7, 20].forEach((value, i) => expect(output[i]).to.be.closeTo(value, 1e-3));
    adapter.state.dispose();
  });

  it('drops half of what it is given in training, or the share that it is told, and scales the rest', () => {
    const shares: [number | undefined, number[]][] = [
      [undefined, [0, 2]],
      [0.5, [0, 2]],
      [0.2, [0, 1.25]],
      [0, [1]],
    ];
    for (const [dropoutProbability, values] of shares) {
      const adapter = embeddingAdapter({
        ...{ studentSize: 1, teacherSize: 1, seed: 1 },
        ...(dropoutProbability === undefined ? {} : { dropoutProbability }),
      });
      // The batch norm gives 1 whatever it sees, the linear layer what it is given.
      adapter.state.loadStateDict(
        new Map([
          ...adapter.state.stateDict(),
          ['0.weight', { shape: [1], data: Float32Array.of(0) }],
          ['0.bias', { shape: [1], data: Float32Array.of(1) }],
          ['2.weight', { shape: [1, 1], data: Float32Array.of(1) }],
          ['2.bias', { shape: [1], data: Float32Array.of(0) }],
        ]),
      );
      const mode = { training: true, random: random(1, 'dropout') };
      const output = numbers(adapter.forward(matrix(1000, 1), mode));
      expect([...new Set(output)].sort()).to.deep.equal(values);
      const dropped = output.filter((value) => value === 0).length;
      expect(dropped / 1000).to.be.closeTo(dropoutProbability ?? 0.5, 0.05);
      adapter.state.dispose();
    }
  });
});
