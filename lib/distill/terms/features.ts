import * as tf from '@tensorflow/tfjs';
import { random } from '../../engine/random';
import { type LabError, modelError, optionError } from '../../errors';
import {
  featureOverhaulLoss,
  hintLoss,
  overhaulMargins,
  probabilisticTransferLoss,
  relationalLoss,
} from '../../losses';
import { softmaxRegressionLoss } from '../../losses/features';
import { batchNormLayer, convolutionLayer } from '../../nn/layers';
import type { Model, ModelOutput } from '../../nn/model';
import { ModelState, type StateTensor } from '../../nn/state';
import { connectors, type FeatureShape, featureShapes, regressor } from '../connectors';
import { termKind, type LossTerm, type PlainTerm, teacherOf, type TermPart } from '../term';

export interface FitNetTerm extends LossTerm {
  readonly loss: 'fitNet';
  /** Which feature: 0 is the stem, 1 the first stage, … */
  readonly hintLayer: number;
}

/** FitNet (Romero et al., 2015): a middle feature of the teacher, through a trained regressor. */
export const fitNet = termKind<FitNetTerm>({
  loss: 'fitNet',
  defaults: { hintLayer: 2 },
  needs: ['teacher', 'features'],
  part({ hintLayer }, { student, teacher, seed }) {
    if (teacher === undefined) throw new Error('FitNet is given a teacher');
    const { state, forward } = regressor({
      student: shapeAt(student, hintLayer),
      teacher: shapeAt(teacher, hintLayer),
      seed,
    });
    return {
      state,
      loss: (signals, { mode }) =>
        hintLoss(
          forward(featureAt(signals.student, hintLayer), mode),
          featureAt(teacherOf(signals), hintLayer),
        ),
    };
  },
});

function shapeAt(model: Model, layer: number): FeatureShape {
  const { features } = featureShapes(model);
  const shape = features[layer];
  if (shape !== undefined) return shape;
  throw optionError`a model has no such hint layer (${model.name}): found ${String(layer)}. Give a whole number from 0 to ${features.length - 1}`;
}

function featureAt({ features }: ModelOutput, layer: number): tf.Tensor4D {
  const feature = features[layer];
  if (feature === undefined) throw new Error(`no feature ${layer}`);
  return feature;
}

export interface RkdTerm extends LossTerm {
  readonly loss: 'rkd';
  /** Weight of the distances between two samples. */
  readonly distance: number;
  /** Weight of the angles between three samples. */
  readonly angle: number;
}

/** RKD (Park et al., 2019): distances and angles between the embeddings of a batch. */
export const rkd = termKind<RkdTerm>({
  loss: 'rkd',
  defaults: { distance: 25, angle: 50 },
  needs: ['teacher'],
  compute: ({ distance, angle }, signals) =>
    relationalLoss(signals.student.embedding, teacherOf(signals).embedding, {
      distanceWeight: distance,
      angleWeight: angle,
    }),
});

/** PKT (Passalis and Tefas, 2018): how alike each sample's embedding is to the others of its batch. */
export const pkt = termKind<PlainTerm<'pkt'>>({
  loss: 'pkt',
  needs: ['teacher'],
  compute: (_, signals) =>
    probabilisticTransferLoss(signals.student.embedding, teacherOf(signals).embedding),
});

/** OFD (Heo et al., 2019): all stages before their ReLU, through trained connectors. */
export const ofd = termKind<PlainTerm<'ofd'>>({
  loss: 'ofd',
  needs: ['teacher', 'teacher batch statistics', 'pre-activations'],
  part(_, { student, teacher, seed }) {
    if (teacher === undefined) throw new Error('OFD is given a teacher');
    const [own, others] = [student, teacher].map(stageChannels) as [number[], number[]];
    const norms = normsOf(teacher);
    // Networks with other numbers of stages are compared from the deepest one on.
    const stages = Math.min(own.length, others.length);
    if (stages === 0) throw noStages([student, teacher]);
    const { state, forward } = connectors({
      studentChannels: own.slice(-stages),
      teacherChannels: others.slice(-stages),
      seed,
    });
    const margins = norms.slice(-stages).map((norm) => tf.keep(marginsOf(teacher, norm)));
    return {
      state,
      loss: (signals, { mode }) =>
        featureOverhaulLoss(
          forward(signals.student.preActivations.slice(-stages), mode),
          teacherOf(signals).preActivations.slice(-stages),
          margins,
        ),
      dispose() {
        margins.forEach((margin) => margin.dispose());
      },
    };
  },
});

/** Of the stages, without the stem. */
function stageChannels(model: Model): number[] {
  return featureShapes(model)
    .preActivations.slice(1)
    .map(({ channels }) => channels);
}

function noStages(pair: readonly Model[]): LabError {
  const found = pair.map(({ name }) => name).join(' and ');
  return modelError`OFD compares stages before their ReLU, and one of these networks gives none after its stem: found ${found}. Let it give preActivations of the stem and of each stage, or leave the method out with --methods`;
}

function normsOf({ name, preActivationNorms }: Model): readonly string[] {
  if (preActivationNorms !== undefined) return preActivationNorms;
  throw modelError`OFD takes its margins from the batch norms before the teacher’s ReLUs, and this teacher has none of its own there: found ${name}. Choose another teacher: a ResNet, a wide ResNet, a VGG or MobileNetV2`;
}

function marginsOf({ state }: Model, norm: string): tf.Tensor1D {
  const numbersOf = (part: string): Float32Array =>
    state.tensor(`${norm}.${part}`).value.dataSync<'float32'>();
  return tf.tensor1d(overhaulMargins(numbersOf('weight'), numbersOf('bias')));
}

/**
 * SRRL (Yang et al., ICLR 2021): the student's last feature map, through a trained connector (1 × 1
 * convolution, batch norm, ReLU) and pooled, against the teacher's embedding, and what the teacher's
 * classifier makes of it against the teacher's logits.
 */
export const srrl = termKind<PlainTerm<'srrl'>>({
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
    throw modelError`SRRL needs a teacher whose logits are a linear layer of its embedding (${teacher.name}). Take another teacher, or leave the method out with --methods`;
  }
  return (feature) =>
    tf.add(tf.matMul(feature, weights.value as tf.Tensor2D, false, true), bias.value);
}

function noFeatureMap({ name }: Model): LabError {
  return modelError`SRRL needs a student whose embedding is the mean of its last feature map (${name}). Take a convolutional student, or leave the method out with --methods`;
}
