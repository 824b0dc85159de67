import { kdLoss } from '../../losses';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface KdTerm extends LossTerm {
  readonly loss: 'kd';
  readonly temperature: number;
}

/** Knowledge distillation (Hinton et al., 2015), multiplied by temperature². */
export function kd({ weight = 1, temperature = 4 }: Partial<Omit<KdTerm, 'loss'>> = {}): KdTerm {
  return { loss: 'kd', weight, temperature };
}

defineTerm<KdTerm>({
  loss: 'kd',
  needs: ['teacher'],
  compute: (term, signals) => kdLoss(signals.student.logits, teacherOf(signals).logits, term),
});
