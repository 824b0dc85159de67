/**
 * Direction: cosine against InfoNCE over temperatures, and class means against the weights of the
 * teacher's classifier, each beside KD in the recipe of KD++ and at its ND weight.
 *
 *     npm run reproduce:direction -- --scale short --data-dir ~/data
 *
 * InfoNCE's gradient grows with 1 / temperature; its weight is therefore multiplied by the temperature,
 * so that the pull to the own mean begins as cosine's, and one row keeps ND's weight as it is.
 */
import { directionCosine, directionInfoNce, normDirection } from '../../../lib/distill/terms';
import { type StudyMethod, studyCells } from '../study-cell';

function infoNceRow(ending: string, temperature: number): StudyMethod {
  return {
    id: `kd+infonce${ending}`,
    label: `KD + InfoNCE, τ = ${temperature}`,
    note: 'over all class means, at ND’s weight × τ',
    terms: (nd) => [directionInfoNce({ weight: nd * temperature, temperature })],
  };
}

export const directionMethods: readonly StudyMethod[] = [
  {
    id: 'kd+cosine',
    label: 'KD + cosine',
    note: '1 − cos(f_s, c_y); the same as ND with the student’s norm always',
    terms: (nd) => [directionCosine({ weight: nd })],
  },
  infoNceRow('-t0.05', 0.05),
  infoNceRow('', 0.1),
  infoNceRow('-t0.5', 0.5),
  infoNceRow('-t1', 1),
  {
    id: 'kd+infonce-x10',
    label: 'KD + InfoNCE, τ = 0.1, × 10',
    note: 'at ND’s weight itself',
    terms: (nd) => [directionInfoNce({ weight: nd, temperature: 0.1 })],
  },
  {
    id: 'kd+classifier',
    label: 'KD + cosine, classifier',
    note: 'cosine to the teacher’s classifier weights of the class in the place of its mean',
    terms: (nd) => [directionCosine({ weight: nd, directions: 'classifier' })],
  },
  {
    id: 'kd+nd-classifier',
    label: 'KD + ND, classifier',
    note: 'ND along the teacher’s classifier weights of the class in the place of its mean',
    terms: (nd) => [normDirection({ weight: nd, directions: 'classifier' })],
  },
];

export const cells = studyCells('direction', directionMethods);
