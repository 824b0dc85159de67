import { distLoss } from '../../losses';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface DistTerm extends LossTerm {
  readonly loss: 'dist';
  readonly beta: number;
  readonly gamma: number;
  readonly temperature: number;
}

/** DIST (Huang et al., 2022): relations between and within classes. */
export function dist({
  weight = 1,
  beta = 1,
  gamma = 1,
  temperature = 4,
}: Partial<Omit<DistTerm, 'loss'>> = {}): DistTerm {
  return { loss: 'dist', weight, beta, gamma, temperature };
}

defineTerm<DistTerm>({
  loss: 'dist',
  needs: ['teacher'],
  compute: (term, signals) => distLoss(signals.student.logits, teacherOf(signals).logits, term),
});
