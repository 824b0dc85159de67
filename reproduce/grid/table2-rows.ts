import type { StudyMethod } from '../../lib/report/study/model';
import { table2Methods } from '../recipes/table2';

const rows: Readonly<Record<string, Omit<StudyMethod, 'id'>>> = {
  'student-published': {
    label: 'Student (published)',
    note: 'cross entropy alone, in the recipe behind the paper’s number',
  },
  student: { label: 'Student', note: 'cross entropy alone, in the recipe of the ++ rows' },
  crd: { label: 'CRD', note: 'contrastive representation distillation, its published recipe' },
  'crd++': { label: 'CRD++', note: 'CRD with the ND loss, weight 1; not in the paper' },
  srrl: { label: 'SRRL', note: 'softmax regression representation learning, its published recipe' },
  'srrl++': { label: 'SRRL++', note: 'SRRL with the ND loss, weight 1; not in the paper' },
  'reviewkd-published': { label: 'ReviewKD (published)', note: 'mdistiller’s recipe' },
  reviewkd: { label: 'ReviewKD', note: 'the recipe of ReviewKD++ with the ND weight 0' },
  'kd-published': { label: 'KD (published)', note: 'mdistiller’s recipe' },
  kd: { label: 'KD', note: 'the recipe of KD++ with the ND weight 0' },
  'dkd-published': { label: 'DKD (published)', note: 'mdistiller’s recipe' },
  dkd: { label: 'DKD', note: 'the recipe of DKD++ with the ND weight 0' },
  'kd++': { label: 'KD++', note: 'KD with the ND loss' },
  'reviewkd++': { label: 'ReviewKD++', note: 'ReviewKD with the ND loss' },
  'dkd++': { label: 'DKD++', note: 'DKD with the ND loss' },
  'deit-published': {
    label: 'DeiT (published)',
    note: 'hard distillation through a token; without repeated augmentation',
  },
  deit: { label: 'DeiT', note: 'the recipe of DeiT++ with the ND weight 0' },
  'deit++': {
    label: 'DeiT++',
    note: 'hard distillation through a token, with the ND loss',
  },
};

/** The rows of table 2, in its order; those of recipes of the user's own come last. */
export function table2Rows(): StudyMethod[] {
  const known = table2Methods();
  const named = Object.entries(rows).flatMap(([id, row]) =>
    known.includes(id) ? [{ id, ...row }] : [],
  );
  const others = known.filter((id) => !Object.hasOwn(rows, id));
  return [...named, ...others.map((id) => ({ id, label: id, note: '' }))];
}
