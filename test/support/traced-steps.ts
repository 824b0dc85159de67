import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { type FloatType, inFloatType } from '../../lib/engine/operations/activations';
import { tidied } from '../../lib/engine/tidy';
import { sha256 } from '../../lib/files';
import { createModel, type ModelName } from '../../lib/models/registry';
import type { ForwardMode } from '../../lib/nn/layers';
import type { Model } from '../../lib/nn/model';
import { hashStateDict } from '../../lib/nn/state';
import { type TracedTraining, tracedTraining } from '../../lib/nn/traced';
import { lossAndGradients } from '../../lib/train/gradients';

export const classes = 5;
export const logitsOnly: ForwardMode = { training: true, features: false, preActivations: false };
export const everything: ForwardMode = { training: true };

export function images(
  batch: number,
  seed: number,
  side = 32,
  type: FloatType = 'float32',
): tf.Tensor4D {
  const x = tf.randomNormal<tf.Rank.R4>([batch, side, side, 3], 0, 1, 'float32', seed);
  return inFloatType(x, type);
}

export interface Step {
  readonly functions: boolean;
  readonly loss: number;
  /** A hash of them. */
  readonly gradients: string;
  readonly reached: boolean;
  readonly state: string;
}

function summary(gradients: readonly tf.Tensor[]): Pick<Step, 'gradients' | 'reached'> {
  const read = gradients.map((gradient) => gradient.dataSync<'float32'>());
  return {
    gradients: sha256(read.map((values) => sha256(new Uint8Array(values.slice().buffer))).join()),
    reached: read.every(
      (values) => values.every(Number.isFinite) && values.some((value) => value !== 0),
    ),
  };
}

/** One step's loss and gradients, and the state that it leaves: running statistics and counts. */
export function step(
  model: Model,
  x: tf.Tensor4D,
  mode: ForwardMode,
  traced?: TracedTraining,
): Step {
  return tidied(() => {
    const pass = traced?.forward(x, {}, mode.random);
    const { loss, gradients } = lossAndGradients(
      () => {
        const output = pass?.output ?? model.forward(x, mode);
        const maps = [
          ...(mode.features === false ? [] : output.features.slice(1)),
          ...(mode.preActivations === false ? [] : output.preActivations.slice(1)),
        ];
        return tf.addN([
          tf.mean(tf.square(output.logits)),
          tf.mean(output.embedding),
          ...maps.map((map) => tf.mean(tf.square(map))),
        ]) as tf.Scalar;
      },
      model.state.trainable,
      pass,
    );
    pass?.dispose();
    return {
      functions: pass !== undefined,
      loss: loss.dataSync()[0] ?? NaN,
      ...summary(gradients),
      state: hashStateDict(model.stateDict()),
    };
  });
}

/** A network, the side and type of its images, and what is asked of its passes. */
export type Family = readonly [ModelName, number, FloatType, ForwardMode];

/** Tests that each network's passes are the same as functions, run beside a twin without them. */
export function itGivesTheSame(families: readonly Family[]): void {
  for (const [name, side, type, mode] of families) {
    it(`give ${name} the same loss, gradients and running statistics to the bit, in ${type}`, function () {
      const model = createModel(name, { classes, seed: 3, imageSize: side });
      const twin = createModel(name, { classes, seed: 3, imageSize: side });
      const traced = tracedTraining(model, mode);
      const used = Array.from({ length: 6 }, (_, index) => {
        const x = images(4, index, side, type);
        const found = step(model, x, mode, traced);
        const { functions: _plain, ...expected } = step(twin, x, mode);
        const { functions, ...same } = found;
        expect(same).to.deep.equal(expected);
        expect(same.reached).to.equal(true);
        return functions;
      });
      expect(used).to.deep.equal([false, false, false, true, true, true]);
      traced.dispose();
    });
  }
}
