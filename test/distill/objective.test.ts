import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { embeddingAdapter } from '../../lib/distill/adapter';
import { objective } from '../../lib/distill/objective';
import {
  crossEntropy,
  directionCosine,
  directionInfoNce,
  dist,
  dkd,
  kd,
  naiveNorm,
  needsClassMeans,
  needsNormMemory,
  needsTeacher,
  normDirection,
  sifn,
  warmUp,
} from '../../lib/distill/terms';
import { random } from '../../lib/engine/random';
import {
  crossEntropyLoss,
  directionInfoNceLoss,
  distLoss,
  dkdLoss,
  kdLoss,
  naiveNormLoss,
  normDirectionLoss,
} from '../../lib/losses';
import { withEngine } from '../support/engine';
import { numbers } from '../support/tensors';

const draw = random(1, 'signals');
const matrix = (rows: number, columns: number): tf.Tensor2D =>
  tf.tensor2d(
    Float32Array.from({ length: rows * columns }, () => draw.normal()),
    [rows, columns],
  );

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
      studentLogits,
      teacherLogits,
      studentEmbedding,
      teacherEmbedding,
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
    const { total, terms } = objective(method, signals, 5);
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

  it('says what it needs', () => {
    const method = (...terms: Parameters<typeof needsTeacher>[0]['terms'][number][]) => ({
      name: 'm',
      terms,
    });
    expect(needsTeacher(method(crossEntropy()))).to.equal(false);
    expect(needsTeacher(method(crossEntropy(), kd()))).to.equal(true);
    expect(needsClassMeans(method(kd()))).to.equal(false);
    expect(needsClassMeans(method(directionCosine()))).to.equal(true);
    expect(needsNormMemory(method(sifn()))).to.equal(false);
    expect(needsNormMemory(method(sifn({ previousNorm: 'lastVisit' })))).to.equal(true);
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
});
