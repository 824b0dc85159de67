import { hierarchicalContextLoss } from '../../losses';
import type { Model } from '../../nn/model';
import {
  type FusionBlocks,
  fusionBlocks,
  reviewedChannels,
  studentFeatures,
  teacherFeatures,
} from '../fusion-blocks';
import { termKind, type LossTerm, teacherOf } from '../term';

/** Which features are compared, where that is not as mdistiller has it for CIFAR-100. */
export interface ReviewKdOptions {
  /** The teacher's stages: before their last ReLU unless given. */
  readonly teacherStages?: 'after ReLU';
  /** The student's: after it unless given. */
  readonly studentStages?: 'before ReLU';
  /** At most so many channels pass from one fusion block to the next; 512 unless given. */
  readonly mostMiddleChannels?: number;
}

export interface ReviewKdTerm extends LossTerm, ReviewKdOptions {
  readonly loss: 'reviewKd';
}

/** The fusion blocks that a term trains between two networks. */
export function reviewKdBlocks(
  { mostMiddleChannels }: ReviewKdOptions,
  { student, teacher, seed }: { student: Model; teacher: Model; seed: number },
): FusionBlocks {
  return fusionBlocks({
    studentChannels: reviewedChannels(student),
    teacherChannels: reviewedChannels(teacher),
    mostMiddleChannels,
    seed,
  });
}

/** ReviewKD (Chen et al., 2021): fused features of all stages against the teacher's. Options that are not given are not in the recipe. */
export const reviewKd = termKind<ReviewKdTerm>({
  loss: 'reviewKd',
  choices: {
    teacherStages: ['after ReLU'],
    studentStages: ['before ReLU'],
    mostMiddleChannels: 'number',
  },
  needs: ({ teacherStages, studentStages }) => [
    'teacher',
    'features',
    ...(teacherStages === undefined || studentStages !== undefined
      ? (['pre-activations'] as const)
      : []),
  ],
  part(term, { student, teacher, seed }) {
    if (teacher === undefined) throw new Error('ReviewKD is given a teacher');
    const fusion = reviewKdBlocks(term, { student, teacher, seed });
    return {
      state: fusion.state,
      loss(signals, { mode }) {
        const targets = teacherFeatures(teacherOf(signals), term.teacherStages);
        const sides = targets.map(({ shape }) => shape[1]);
        const features = studentFeatures(signals.student, term.studentStages);
        return hierarchicalContextLoss(fusion.forward(features, sides, mode), targets);
      },
    };
  },
});
