import { softCrossEntropyLoss } from '../../losses/soft-cross-entropy';
import { softLabels } from '../mixing';
import { defineTerm, type LossTerm } from '../term';

export interface SoftCrossEntropyTerm extends LossTerm {
  readonly loss: 'softCrossEntropy';
  /** Share of a label that is spread over all classes. */
  readonly smoothing: number;
}

/** Cross entropy with smoothed labels, mixed as mixup and cutmix mixed the images. */
export function softCrossEntropy({
  weight = 1,
  smoothing = 0.1,
}: Partial<Omit<SoftCrossEntropyTerm, 'loss'>> = {}): SoftCrossEntropyTerm {
  return { loss: 'softCrossEntropy', weight, smoothing };
}

defineTerm<SoftCrossEntropyTerm>({
  loss: 'softCrossEntropy',
  needs: [],
  compute: ({ smoothing }, signals) =>
    softCrossEntropyLoss(signals.student.logits, softLabels(signals, smoothing)),
});
