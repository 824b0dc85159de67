// The ND loss and its gradient on features of your own.
import * as tf from '@tensorflow/tfjs';
import { normDirectionLoss, startEngine } from 'norm-direction-lab';

await startEngine();
const classMeans = tf.tensor2d([
  [0, 2], // of class 0
  [3, 0], // of class 1
]);
const labels = tf.tensor1d([0, 1], 'int32');
const teacher = tf.tensor2d([
  [0, 2],
  [4, 0],
]);
const student = tf.tensor2d([
  [0, 1], // along its class mean, half as long as the teacher's: 1 − 1 / 2
  [0, 5], // at a right angle to it: 1 − 0
]);

const { value, grad } = tf.valueAndGrad((features) =>
  normDirectionLoss(features as tf.Tensor2D, teacher, labels, classMeans),
)(student);
console.log('ND loss', value.dataSync()[0]); // (0.5 + 1) / 2
console.log('gradient', grad.arraySync()); // pushes the first feature along [0, 1], the second along [1, 0]
