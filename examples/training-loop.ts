import * as tf from '@tensorflow/tfjs';
import {
  createLearner,
  createModel,
  crossEntropy,
  normDirection,
  startEngine,
} from 'norm-direction-lab';

await startEngine();
const images: tf.Tensor4D = tf.randomNormal([30, 32, 32, 3], 0, 1, 'float32', 1); // yours
const labels = tf.tensor1d(
  Array.from({ length: 30 }, (_, index) => index % 3), // yours
  'int32',
);
const model = createModel('resnet20', { classes: 3 });
const learner = createLearner({
  student: createModel('resnet8', { classes: 3 }),
  teacher: { model, classMeans: new Float32Array(3 * model.embeddingSize).fill(1) },
  method: { name: 'mine', terms: [crossEntropy(), normDirection({ weight: 2 })] },
});
for (let epoch = 0; epoch < 8; epoch++) {
  console.log(learner.step({ images, labels }, { epoch, learningRate: 0.02 }).total);
}
