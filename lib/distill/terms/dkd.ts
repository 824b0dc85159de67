import { dkdLoss } from '../../losses';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface DkdTerm extends LossTerm {
  readonly loss: 'dkd';
  readonly alpha: number;
  readonly beta: number;
  readonly temperature: number;
}

/** Decoupled knowledge distillation (Zhao et al., 2022). */
export function dkd({
  weight = 1,
  alpha = 1,
  beta = 8,
  temperature = 4,
}: Partial<Omit<DkdTerm, 'loss'>> = {}): DkdTerm {
  return { loss: 'dkd', weight, alpha, beta, temperature };
}

defineTerm<DkdTerm>({
  loss: 'dkd',
  needs: ['teacher'],
  // The classes are split into the target and at least two others.
  fewestClasses: 3,
  compute: (term, signals) =>
    dkdLoss(signals.student.logits, teacherOf(signals).logits, signals.labels, term),
});
