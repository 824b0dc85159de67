import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../errors';
import { crossEntropyLoss, kdLoss } from '../../losses';
import { type BatchSignals, teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface TokenDistillationTerm extends LossTerm {
  readonly loss: 'tokenDistillation';
  /** Cross entropy with the teacher's decision, or KL divergence from its distribution. */
  readonly kind: 'hard' | 'soft';
  /** Of the soft kind. */
  readonly temperature: number;
}

/**
 * DeiT's distillation (Touvron et al., arXiv 2012.12877): the head on the distillation token learns from
 * the teacher. Hard: cross entropy with argmax of the teacher's logits. Soft: T² · KL, the mean over the
 * batch; DeiT's code divides that by the number of classes too.
 */
export function tokenDistillation({
  weight = 1,
  kind = 'hard',
  temperature = 1,
}: Partial<Omit<TokenDistillationTerm, 'loss'>> = {}): TokenDistillationTerm {
  return { loss: 'tokenDistillation', weight, kind, temperature };
}

defineTerm<TokenDistillationTerm>({
  loss: 'tokenDistillation',
  needs: ['teacher'],
  compute(term, signals) {
    const student = tokenLogitsOf(signals);
    const teacher = teacherOf(signals).logits;
    return term.kind === 'soft'
      ? kdLoss(student, teacher, term)
      : crossEntropyLoss(student, tf.argMax(teacher, 1));
  },
});

function tokenLogitsOf({ student }: BatchSignals): tf.Tensor2D {
  if (student.distillationLogits !== undefined) return student.distillationLogits;
  throw new LabError({
    kind: 'model',
    what: 'distillation through a token needs a student that has one',
    remedy: 'Take deit_base_distilled_patch16_224 or the like, or the term kd',
  });
}
