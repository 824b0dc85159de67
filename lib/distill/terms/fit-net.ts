import type * as tf from '@tensorflow/tfjs';
import { LabError } from '../../errors';
import { hintLoss } from '../../losses';
import type { Model, ModelOutput } from '../../nn/model';
import { featureShapes, type FeatureShape } from '../feature-shapes';
import { regressor } from '../regressor';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface FitNetTerm extends LossTerm {
  readonly loss: 'fitNet';
  /** Which feature: 0 is the stem, 1 the first stage, … */
  readonly hintLayer: number;
}

/** FitNet (Romero et al., 2015): a middle feature of the teacher, through a trained regressor. */
export function fitNet({
  weight = 1,
  hintLayer = 2,
}: Partial<Omit<FitNetTerm, 'loss'>> = {}): FitNetTerm {
  return { loss: 'fitNet', weight, hintLayer };
}

defineTerm<FitNetTerm>({
  loss: 'fitNet',
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
  throw new LabError({
    kind: 'option',
    what: 'a model has no such hint layer',
    where: model.name,
    found: String(layer),
    remedy: `Give a whole number from 0 to ${features.length - 1}`,
  });
}

function featureAt({ features }: ModelOutput, layer: number): tf.Tensor4D {
  const feature = features[layer];
  if (feature === undefined) throw new Error(`no feature ${layer}`);
  return feature;
}
