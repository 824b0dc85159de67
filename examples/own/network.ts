import * as tf from '@tensorflow/tfjs';
import { batchNormLayer, convolutionLayer, linearLayer, registerModel } from 'norm-direction-lab';

const channels = 12;

export const model = registerModel('one-layer', {
  imageSize: 32,
  dropsPaths: false,
  build(context, { classes }) {
    const convolution = convolutionLayer(context, 'conv1', {
      ...{ inputs: 3, outputs: channels, kernel: 3, padding: 1 },
    });
    const norm = batchNormLayer(context, 'bn1', channels);
    const classifier = linearLayer(context, 'fc', { inputs: channels, outputs: classes });
    return {
      embeddingSize: channels,
      classify: classifier,
      forward(images, mode) {
        const preActivation = norm(convolution(images, mode), mode);
        const feature = tf.relu(preActivation);
        const embedding = tf.mean<tf.Tensor2D>(feature, [1, 2]);
        const logits = classifier(embedding, mode);
        return { logits, embedding, features: [feature], preActivations: [preActivation] };
      },
    };
  },
});
