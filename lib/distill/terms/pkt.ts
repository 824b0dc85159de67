import { probabilisticTransferLoss } from '../../losses';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface PktTerm extends LossTerm {
  readonly loss: 'pkt';
}

/** PKT (Passalis and Tefas, 2018): how alike each sample's embedding is to the others of its batch. */
export function pkt({ weight = 1 }: { weight?: number } = {}): PktTerm {
  return { loss: 'pkt', weight };
}

defineTerm<PktTerm>({
  loss: 'pkt',
  needs: ['teacher'],
  compute: (_, signals) =>
    probabilisticTransferLoss(signals.student.embedding, teacherOf(signals).embedding),
});
