import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import {
  contrastiveLoss,
  crossEntropyLoss,
  directionCosineLoss,
  hintLoss,
  kdLoss,
  requireLabelRange,
} from '../../lib/losses';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { labelsOf } from '../support/losses';

/** Zeros of a shape that the compiler would not let through: `never` stands for every tensor. */
const shaped = (...shape: number[]): never => tf.zeros(shape) as never;

describe('the losses refuse', () => {
  withEngine('plain');

  for (const [title, work, found] of [
    [
      'a matrix and what has a side more',
      () => kdLoss(shaped(1, 2), shaped(1, 2, 3)),
      'student logits [1, 2], teacher logits [1, 2, 3]',
    ],
    ['a vector for a matrix', () => kdLoss(shaped(2), shaped(2)), 'student logits [2]'],
    ['a batch of none', () => kdLoss(shaped(0, 2), shaped(0, 2)), 'student logits [0, 2]'],
    [
      'labels in a column',
      () => crossEntropyLoss(shaped(2, 3), tf.zeros([2, 1], 'int32') as never),
      'labels [2, 1], logits [2, 3]',
    ],
    [
      'features of three sides',
      () => hintLoss(shaped(2, 2, 1), shaped(2, 2, 1)),
      'student features [2, 2, 1], teacher features [2, 2, 1]',
    ],
    [
      'features of a batch of none',
      () => hintLoss(shaped(0, 2, 2, 1), shaped(0, 2, 2, 1)),
      'student features [0, 2, 2, 1], teacher features [0, 2, 2, 1]',
    ],
    [
      'class means of three sides',
      () => directionCosineLoss(shaped(1, 2), labelsOf(0), shaped(1, 2, 1)),
      'class means [1, 2, 1], student embedding [1, 2]',
    ],
    [
      'means of no class',
      () => directionCosineLoss(shaped(1, 2), labelsOf(0), shaped(0, 2)),
      'class means [0, 2], student embedding [1, 2]',
    ],
    [
      'anchors of three sides',
      () =>
        contrastiveLoss(shaped(1, 2, 1), {
          memory: shaped(4, 2),
          candidates: tf.tensor2d([[0, 1]], undefined, 'int32'),
          normaliser: 1,
        }),
      'anchors [1, 2, 1], memory [4, 2], candidates [1, 2] int32',
    ],
    [
      'candidates without a negative',
      () =>
        contrastiveLoss(shaped(1, 2), {
          memory: shaped(4, 2),
          candidates: tf.tensor2d([[0]], undefined, 'int32'),
          normaliser: 1,
        }),
      'anchors [1, 2], memory [4, 2], candidates [1, 1] int32',
    ],
  ] as const) {
    it(title, async () => {
      expect((await faultOf(work)).found).to.equal(found);
    });
  }
});

describe('the range of labels', () => {
  it('is every whole number below the number of classes', () => {
    expect(() => {
      requireLabelRange([0, 2, 1], 3, 'train labels');
    }).not.to.throw();
  });

  for (const [label, index] of [
    [3, 0],
    [3, 1],
    [-1, 2],
    [0.5, 1],
    [NaN, 2],
  ] as const) {
    it(`does not hold ${label}: says where, at index ${index}`, async () => {
      const labels = [0, 1, 2];
      labels[index] = label;
      const fault = await faultOf(() => {
        requireLabelRange(labels, 3, 'train labels');
      });
      expect(fault.where).to.equal('train labels');
      expect(fault.found).to.equal(`${label} at index ${index}`);
    });
  }
});
