import * as tf from '@tensorflow/tfjs';
import { random } from '../../engine/random';
import { LabError } from '../../errors';
import { softmaxRegressionLoss } from '../../losses/softmax-regression';
import { batchNormLayer, convolutionLayer } from '../../nn/layers';
import type { Model } from '../../nn/model';
import { ModelState, type StateTensor } from '../../nn/state';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm, type TermPart } from '../term';

export interface SrrlTerm extends LossTerm {
  readonly loss: 'srrl';
}

/**
 * SRRL (Yang et al., ICLR 2021): the student's last feature map, through a trained connector (1 × 1
 * convolution, batch norm, ReLU) and pooled, against the teacher's embedding, and what the teacher's
 * classifier makes of it against the teacher's logits.
 */
export function srrl({ weight = 1 }: { weight?: number } = {}): SrrlTerm {
  return { loss: 'srrl', weight };
}

defineTerm<SrrlTerm>({
  loss: 'srrl',
  needs: ['teacher', 'features'],
  part(_, { student, teacher, seed }): TermPart {
    if (teacher === undefined) throw new Error('SRRL is given a teacher');
    const classifier = classifierOf(teacher);
    const state = new ModelState();
    const context = { state, random: random(seed, 'weights', 'srrl') };
    const size = { inputs: student.embeddingSize, outputs: teacher.embeddingSize };
    // Names are those of the released connector (`Connectors.0.weight` …).
    const convolution = convolutionLayer(context, 'Connectors.0', { ...size, kernel: 1 });
    const norm = batchNormLayer(context, 'Connectors.1', teacher.embeddingSize);
    return {
      state,
      loss(signals, { mode }) {
        const map = signals.student.features.at(-1);
        if (map?.shape[3] !== student.embeddingSize) throw noFeatureMap(student);
        const connected = tf.relu(norm(convolution(map, mode), mode));
        const feature: tf.Tensor2D = tf.mean(connected, [1, 2]);
        const { embedding, logits } = teacherOf(signals);
        return softmaxRegressionLoss(
          { feature, logits: classifier(feature) },
          { feature: embedding, logits },
        );
      },
    };
  },
});

/** The linear layer from the teacher's embedding to its logits, whatever its name; not trained. */
function classifierOf(teacher: Model): (feature: tf.Tensor2D) => tf.Tensor2D {
  const shaped = (shape: readonly number[]): StateTensor[] =>
    teacher.state.trainable.filter(({ value }) => value.shape.join() === shape.join());
  const weights = shaped([teacher.classes, teacher.embeddingSize]).at(-1);
  const bias = shaped([teacher.classes]).find(
    ({ name }) => name === weights?.name.replace(/weight$/, 'bias'),
  );
  if (weights === undefined || bias === undefined) {
    throw new LabError({
      kind: 'model',
      what: 'SRRL needs a teacher whose logits are a linear layer of its embedding',
      where: teacher.name,
      remedy: 'Take another teacher, or leave the method out with --methods',
    });
  }
  return (feature) =>
    tf.add(tf.matMul(feature, weights.value as tf.Tensor2D, false, true), bias.value);
}

function noFeatureMap({ name }: Model): LabError {
  return new LabError({
    kind: 'model',
    what: 'SRRL needs a student whose embedding is the mean of its last feature map',
    where: name,
    remedy: 'Take a convolutional student, or leave the method out with --methods',
  });
}
