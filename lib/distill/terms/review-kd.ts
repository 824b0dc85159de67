import { hierarchicalContextLoss } from '../../losses';
import { fusionBlocks, reviewedChannels, studentFeatures, teacherFeatures } from '../fusion-blocks';
import { defineTerm, type LossTerm, teacherOf } from '../term';

export interface ReviewKdTerm extends LossTerm {
  readonly loss: 'reviewKd';
}

/** ReviewKD (Chen et al., 2021): fused features of all stages against the teacher's. */
export function reviewKd({ weight = 1 }: { weight?: number } = {}): ReviewKdTerm {
  return { loss: 'reviewKd', weight };
}

defineTerm<ReviewKdTerm>({
  loss: 'reviewKd',
  needs: ['teacher', 'features', 'pre-activations'],
  part(_, { student, teacher, seed }) {
    if (teacher === undefined) throw new Error('ReviewKD is given a teacher');
    const fusion = fusionBlocks({
      studentChannels: reviewedChannels(student),
      teacherChannels: reviewedChannels(teacher),
      seed,
    });
    return {
      state: fusion.state,
      loss(signals, { mode }) {
        const targets = teacherFeatures(teacherOf(signals));
        const sides = targets.map(({ shape }) => shape[1]);
        const fused = fusion.forward(studentFeatures(signals.student), sides, mode);
        return hierarchicalContextLoss(fused, targets);
      },
    };
  },
});
