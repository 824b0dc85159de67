/**
 * Norm: longer features by the naive loss in both its readings, and by SIFN over steps, weights and
 * kinds of previous norm, each beside KD in the recipe of KD++.
 *
 *     npm run reproduce:norm -- --scale short --data-dir ~/data
 *
 * The paper prints neither SIFN's step nor any weight. Squared differences of norms are of another scale
 * than ND, so they weigh a fortieth of ND's weight: 0.05 beside ND's 2, the weight of the published code of
 * the loss that SIFN follows (arXiv 1811.07456), with which a step of 1 pushes each norm by 0.1, about as
 * hard as ND does. With the norm held constant SIFN's gradient depends on weight × r alone.
 */
import { naiveFeature, naiveNorm, type PreviousNorm, sifn } from '../../../lib/distill/terms';
import { type StudyMethod, studyCells } from '../study-cell';

/** Of losses that are squared differences of norms, beside ND's weight. */
export function normWeight(ndWeight: number): number {
  return ndWeight / 40;
}

function sifnRow(
  ending: string,
  label: string,
  note: string,
  {
    step = 1,
    previousNorm = 'detached',
    times = 1,
  }: { step?: number; previousNorm?: PreviousNorm; times?: number } = {},
): StudyMethod {
  return {
    id: `kd+sifn${ending}`,
    label: `KD + SIFN, ${label}`,
    note,
    terms: (nd) => [sifn({ weight: normWeight(nd) * times, step, previousNorm })],
  };
}

export const normMethods: readonly StudyMethod[] = [
  {
    id: 'kd+norm',
    label: 'KD + naive norm',
    note: '(‖f_s‖ − ‖f_t‖)², at a fortieth of ND’s weight',
    terms: (nd) => [naiveNorm({ weight: normWeight(nd) })],
  },
  {
    id: 'kd+norm-x10',
    label: 'KD + naive norm, × 10',
    note: 'the same at ten times the weight',
    terms: (nd) => [naiveNorm({ weight: normWeight(nd) * 10 })],
  },
  {
    id: 'kd+feature',
    label: 'KD + naive feature',
    note: 'mean of (f_s − f_t)² over the numbers, at ND’s weight',
    terms: (nd) => [naiveFeature({ weight: nd })],
  },
  {
    id: 'kd+feature-x10',
    label: 'KD + naive feature, × 10',
    note: 'the same at ten times the weight',
    terms: (nd) => [naiveFeature({ weight: nd * 10 })],
  },
  sifnRow('-r0.1', 'r = 0.1', 'previous norm: the current one held constant', { step: 0.1 }),
  sifnRow('-r0.5', 'r = 0.5', 'previous norm: the current one held constant', { step: 0.5 }),
  sifnRow('', 'r = 1', 'previous norm: the current one held constant'),
  sifnRow('-r2', 'r = 2', 'previous norm: the current one held constant', { step: 2 }),
  sifnRow('-last-visit', 'r = 1, last visit', 'previous norm: the sample’s when it was last seen', {
    previousNorm: 'lastVisit',
  }),
  sifnRow('-last-visit-x10', 'r = 1, last visit, × 10', 'the same at ten times the weight', {
    previousNorm: 'lastVisit',
    times: 10,
  }),
  sifnRow('-exact', 'r = 1, exact', 'previous norm: under the weights before the last step', {
    previousNorm: 'exact',
  }),
  sifnRow('-exact-x10', 'r = 1, exact, × 10', 'the same at ten times the weight', {
    previousNorm: 'exact',
    times: 10,
  }),
];

export const cells = studyCells('norm', normMethods);
