import { crossEntropyLoss } from '../../losses';
import { defineTerm, type LossTerm } from '../term';

export interface CrossEntropyTerm extends LossTerm {
  readonly loss: 'crossEntropy';
}

/** Cross entropy with the labels. */
export function crossEntropy({ weight = 1 }: { weight?: number } = {}): CrossEntropyTerm {
  return { loss: 'crossEntropy', weight };
}

defineTerm<CrossEntropyTerm>({
  loss: 'crossEntropy',
  needs: [],
  compute: (_, { student, labels }) => crossEntropyLoss(student.logits, labels),
});
