import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../errors';
import { featureOverhaulLoss, overhaulMargins } from '../../losses';
import type { Model } from '../../nn/model';
import { connectors } from '../connectors';
import { featureShapes } from '../feature-shapes';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface OfdTerm extends LossTerm {
  readonly loss: 'ofd';
}

/** OFD (Heo et al., 2019): all stages before their ReLU, through trained connectors. */
export function ofd({ weight = 1 }: { weight?: number } = {}): OfdTerm {
  return { loss: 'ofd', weight };
}

defineTerm<OfdTerm>({
  loss: 'ofd',
  needs: ['teacher', 'teacher batch statistics', 'pre-activations'],
  part(_, { student, teacher, seed }) {
    if (teacher === undefined) throw new Error('OFD is given a teacher');
    const [own, others] = [student, teacher].map(stageChannels) as [number[], number[]];
    const norms = normsOf(teacher);
    // Networks with other numbers of stages are compared from the deepest one on.
    const stages = Math.min(own.length, others.length);
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

function normsOf({ name, preActivationNorms }: Model): readonly string[] {
  if (preActivationNorms !== undefined) return preActivationNorms;
  throw new LabError({
    kind: 'model',
    what: 'OFD takes its margins from the batch norms before the teacher’s ReLUs, and this teacher has none of its own there',
    found: name,
    remedy: 'Choose another teacher: a ResNet, a wide ResNet, a VGG or MobileNetV2',
  });
}

function marginsOf({ state }: Model, norm: string): tf.Tensor1D {
  const numbersOf = (part: string): Float32Array =>
    state.tensor(`${norm}.${part}`).value.dataSync<'float32'>();
  return tf.tensor1d(overhaulMargins(numbersOf('weight'), numbersOf('bias')));
}
