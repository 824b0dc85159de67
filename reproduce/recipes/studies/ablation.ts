/**
 * Ablation: norm and direction as two losses, ND with other norms and at other weights, and ND on
 * features of another place, each beside KD in the recipe of KD++.
 *
 *     npm run reproduce:ablation -- --scale short --data-dir ~/data
 *
 * Norm alone and direction alone are rows of the norm and direction studies.
 */
import {
  directionCosine,
  type LossTerm,
  normDirection,
  normDirectionAt,
  sifn,
} from '../../../lib/distill/terms';
import { type StudyMethod, studyCells } from '../study-cell';
import { normWeight } from './norm';

function row(
  id: string,
  label: string,
  note: string,
  terms: (ndWeight: number) => LossTerm[],
): StudyMethod {
  return { id, label, note, terms };
}

export const ablationMethods: readonly StudyMethod[] = [
  row('kd+sifn+cosine', 'KD + SIFN + cosine', 'norm and direction as two losses', (nd) => [
    sifn({ weight: normWeight(nd) }),
    directionCosine({ weight: nd }),
  ]),
  row('kd+nd-detached', 'KD + ND, norm constant', 'the larger norm held constant', (nd) => [
    normDirection({ weight: nd, norm: 'max detached' }),
  ]),
  row('kd+nd-teacher-norm', 'KD + ND, teacher’s norm', 'the teacher’s norm always', (nd) => [
    normDirection({ weight: nd, norm: 'teacher' }),
  ]),
  row(
    'kd+nd-earlier',
    'KD + ND, one stage earlier',
    'on the pooled feature of the last stage but one, with class means there',
    (nd) => [normDirectionAt({ weight: nd, place: 'earlier stage' })],
  ),
  row('kd+nd-logits', 'KD + ND, logits', 'on the logits, with class means there', (nd) => [
    normDirectionAt({ weight: nd, place: 'logits' }),
  ]),
  ...[0.5, 2, 4].map((times) =>
    row(`kd+nd-x${times}`, `KD + ND, × ${times}`, `at ${times} times ND’s weight`, (nd) => [
      normDirection({ weight: nd * times }),
    ]),
  ),
];

export const cells = studyCells('ablation', ablationMethods);
