import type * as tf from '@tensorflow/tfjs';
import { random } from '../engine/random';
import { batchNormLayer, convolutionLayer, type ForwardMode } from '../nn/layers';
import { ModelState } from '../nn/state';

/** Carry the student's stages to the teacher's numbers of channels. */
export interface Connectors {
  readonly state: ModelState;
  /** @param features of each stage, shallow first */
  forward(features: readonly tf.Tensor4D[], mode: ForwardMode): tf.Tensor4D[];
}

export interface ConnectorOptions {
  /** Channels of each stage, shallow first. */
  readonly studentChannels: readonly number[];
  readonly teacherChannels: readonly number[];
  readonly seed: number;
}

/**
 * OFD's connectors (Heo et al., arXiv 1904.01866): a 1 × 1 convolution without bias and a batch norm for
 * each stage. Names are those of mdistiller's list (`0.0.weight`, `0.1.weight`, …).
 */
export function connectors({
  studentChannels,
  teacherChannels,
  seed,
}: ConnectorOptions): Connectors {
  const state = new ModelState();
  const context = { state, random: random(seed, 'weights', 'connectors') };
  const stages = studentChannels.map((inputs, stage) => {
    const outputs = teacherChannels[stage] ?? 0;
    const convolution = convolutionLayer(context, `${stage}.0`, { inputs, outputs, kernel: 1 });
    const norm = batchNormLayer(context, `${stage}.1`, outputs);
    return (x: tf.Tensor4D, mode: ForwardMode) => norm(convolution(x, mode), mode);
  });
  return {
    state,
    forward: (features, mode) =>
      stages.map((stage, index) => {
        const feature = features[index];
        if (feature === undefined) throw new Error(`no feature of stage ${index}`);
        return stage(feature, mode);
      }),
  };
}
