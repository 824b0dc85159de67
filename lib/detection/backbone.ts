import type * as tf from '@tensorflow/tfjs';
import type { ForwardMode } from '../nn/layers';

/** A part of a backbone that can be frozen as a whole. */
export type Stage = (x: tf.Tensor4D, mode: ForwardMode) => tf.Tensor4D;

/** A network for images: its stages in order, and those after which a feature is shown. */
export interface Backbone {
  readonly stages: readonly Stage[];
  /** Places in `stages` after which the features of stride 4, 8, 16 and 32 are taken. */
  readonly shown: readonly number[];
  /** Their channels. */
  readonly channels: readonly number[];
}

/** A backbone's work so far. */
export interface BackboneProgress {
  readonly x: tf.Tensor4D;
  /** Features shown so far, finest first. */
  readonly features: readonly tf.Tensor4D[];
}

/** Runs the stages `from` … `to` − 1 on what the ones before left. */
export function runStages(
  { stages, shown }: Backbone,
  start: BackboneProgress,
  range: { readonly from: number; readonly to: number },
  mode: ForwardMode,
): BackboneProgress {
  let x = start.x;
  const features = [...start.features];
  stages.slice(range.from, range.to).forEach((stage, offset) => {
    x = stage(x, mode);
    if (shown.includes(range.from + offset)) features.push(x);
  });
  return { x, features };
}
