import * as tf from '@tensorflow/tfjs';
import { modelError } from '../../errors';
import { crossEntropyLoss, distLoss, dkdLoss, kdLoss } from '../../losses';
import { softCrossEntropyLoss } from '../../losses/cross-entropy';
import { softLabels } from '../objective';
import { type BatchSignals, termKind, type LossTerm, type PlainTerm, teacherOf } from '../term';

/** Cross entropy with the labels. */
export const crossEntropy = termKind<PlainTerm<'crossEntropy'>>({
  loss: 'crossEntropy',
  needs: [],
  compute: (_, { student, labels }) => crossEntropyLoss(student.logits, labels),
});

export interface SoftCrossEntropyTerm extends LossTerm {
  readonly loss: 'softCrossEntropy';
  /** Share of a label that is spread over all classes. */
  readonly smoothing: number;
}

/** Cross entropy with smoothed labels, mixed as mixup and cutmix mixed the images. */
export const softCrossEntropy = termKind<SoftCrossEntropyTerm>({
  loss: 'softCrossEntropy',
  defaults: { smoothing: 0.1 },
  needs: [],
  compute: ({ smoothing }, signals) =>
    softCrossEntropyLoss(signals.student.logits, softLabels(signals, smoothing)),
});

export interface KdTerm extends LossTerm {
  readonly loss: 'kd';
  readonly temperature: number;
}

/** Knowledge distillation (Hinton et al., 2015), multiplied by temperature². */
export const kd = termKind<KdTerm>({
  loss: 'kd',
  defaults: { temperature: 4 },
  needs: ['teacher'],
  compute: (term, signals) => kdLoss(signals.student.logits, teacherOf(signals).logits, term),
});

export interface DkdTerm extends LossTerm {
  readonly loss: 'dkd';
  readonly alpha: number;
  readonly beta: number;
  readonly temperature: number;
}

/** Decoupled knowledge distillation (Zhao et al., 2022). */
export const dkd = termKind<DkdTerm>({
  loss: 'dkd',
  defaults: { alpha: 1, beta: 8, temperature: 4 },
  needs: ['teacher'],
  // The classes are split into the target and at least two others.
  fewestClasses: 3,
  compute: (term, signals) =>
    dkdLoss(signals.student.logits, teacherOf(signals).logits, signals.labels, term),
});

export interface DistTerm extends LossTerm {
  readonly loss: 'dist';
  readonly beta: number;
  readonly gamma: number;
  readonly temperature: number;
}

/** DIST (Huang et al., 2022): relations between and within classes. */
export const dist = termKind<DistTerm>({
  loss: 'dist',
  defaults: { beta: 1, gamma: 1, temperature: 4 },
  needs: ['teacher'],
  compute: (term, signals) => distLoss(signals.student.logits, teacherOf(signals).logits, term),
});

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
export const tokenDistillation = termKind<TokenDistillationTerm>({
  loss: 'tokenDistillation',
  defaults: { kind: 'hard', temperature: 1 },
  choices: { kind: ['hard', 'soft'] },
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
  throw modelError`distillation through a token needs a student that has one. Take deit_base_distilled_patch16_224 or the like, or the term kd`;
}
