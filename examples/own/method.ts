import * as tf from '@tensorflow/tfjs';
import { crossEntropy, teacherOf, termKind } from 'norm-direction-lab';
import { paperRecipe, type Table1Cell } from 'norm-direction-lab/recipes';

const logitDistance = termKind({
  loss: 'logitDistance',
  needs: ['teacher'],
  compute: (_, signals) =>
    tf.mean<tf.Scalar>(tf.squaredDifference(teacherOf(signals).logits, signals.student.logits)),
});

export const cell: Table1Cell = {
  pair: '*', // every pair
  row: 'near-logits',
  recipes: { 'near-logits': paperRecipe([crossEntropy(), logitDistance({ weight: 0.1 })]) },
};
