import type * as tf from '@tensorflow/tfjs';
import { type FusionBlocks, fusionBlocks } from '../../distill/fusion-blocks';
import type { LossTerm } from '../../distill/term';
import type { ForwardMode } from '../../nn/layers';
import { hierarchicalContextLoss } from '../../losses';

export interface ReviewPyramidTerm extends LossTerm {
  readonly loss: 'reviewPyramid';
}

/** ReviewKD (Chen et al., arXiv 2104.09044) on the levels of the feature pyramid. */
export function reviewPyramid({ weight = 1 }: { weight?: number } = {}): ReviewPyramidTerm {
  return { loss: 'reviewPyramid', weight };
}

/** P2 … P6 of the student, carried to the teacher's. */
export interface PyramidReview {
  readonly fusion: FusionBlocks;
  loss(
    student: readonly tf.Tensor4D[],
    teacher: readonly tf.Tensor4D[],
    mode: ForwardMode,
  ): tf.Scalar;
}

const levels = 5;

/** The blocks that ReviewKD trains beside the student; the coarsest level comes first in them. */
export function pyramidReview(options: {
  readonly studentChannels: number;
  readonly teacherChannels: number;
  readonly seed: number;
}): PyramidReview {
  const repeated = (channels: number): number[] => Array.from({ length: levels }, () => channels);
  const fusion = fusionBlocks({
    studentChannels: repeated(options.studentChannels),
    teacherChannels: repeated(options.teacherChannels),
    seed: options.seed,
  });
  return {
    fusion,
    loss(student, teacher, mode) {
      const sides = teacher.map(({ shape }): [number, number] => [shape[1], shape[2]]);
      return hierarchicalContextLoss(fusion.forward(student, sides, mode), teacher);
    },
  };
}
