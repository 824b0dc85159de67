import * as tf from '@tensorflow/tfjs';
import { dropout } from '../engine/operations/activations';
import { random } from '../engine/random';
import { batchNorm1dLayer, type ForwardMode, linearLayer, type LinearStart } from '../nn/layers';
import { inReplicas } from '../nn/replicas';
import { ModelState } from '../nn/state';

/** Carries the student's embedding into the teacher's space where their sizes differ. */
export interface EmbeddingAdapter {
  readonly state: ModelState;
  /** [batch, studentSize] → [batch, teacherSize] */
  forward(embedding: tf.Tensor2D, mode: ForwardMode): tf.Tensor2D;
}

interface EmbeddingAdapterOptions {
  readonly studentSize: number;
  readonly teacherSize: number;
  readonly seed: number;
  /** 0.5 in the paper's code. */
  readonly dropoutProbability?: number;
  /** How its linear layer begins; as PyTorch's by default. */
  readonly linearStart?: LinearStart;
}

/**
 * Batch norm, dropout 0.5, linear: the adapter of the paper's code, used by the ND term only. Names are
 * those of the `nn.Sequential` there (`0.weight` … `2.bias`).
 */
export function embeddingAdapter({
  studentSize,
  teacherSize,
  seed,
  dropoutProbability = 0.5,
  linearStart,
}: EmbeddingAdapterOptions): EmbeddingAdapter {
  const state = new ModelState();
  const context = { state, random: random(seed, 'weights', 'adapter'), linearStart };
  const norm = batchNorm1dLayer(context, '0', studentSize);
  const linear = linearLayer(context, '2', { inputs: studentSize, outputs: teacherSize });
  return {
    state,
    forward(embedding, mode) {
      const normalised = inReplicas(
        [embedding],
        mode,
        ([part], partMode) => norm(part, partMode),
        (parts) => tf.concat2d([...parts], 0),
      );
      const kept =
        mode.training && mode.random !== undefined
          ? dropout(normalised, dropoutProbability, mode.random)
          : normalised;
      return linear(kept, mode);
    },
  };
}
