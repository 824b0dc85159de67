import type { StudyMethod as StudyRow, StudyName } from '../../../lib/report/study/names';
import { ablationMethods } from './ablation';
import { directionMethods } from './direction';
import { normMethods } from './norm';

/** Rows that table 1 has too. */
const tableRows: readonly StudyRow[] = [
  { id: 'student', label: 'Student alone', note: 'cross entropy alone' },
  { id: 'kd', label: 'KD', note: 'the recipe of KD++ with the ND weight 0' },
  { id: 'kd++', label: 'KD++ (ND)', note: 'KD with the ND loss: the larger norm, class means' },
  { id: 'dkd', label: 'DKD', note: 'the recipe of DKD++ with the ND weight 0' },
  { id: 'dkd++', label: 'DKD++', note: 'DKD with the ND loss' },
  { id: 'reviewkd', label: 'ReviewKD', note: 'the recipe of ReviewKD++ with the ND weight 0' },
  { id: 'reviewkd++', label: 'ReviewKD++', note: 'ReviewKD with the ND loss' },
];

const known: readonly StudyRow[] = [
  ...tableRows,
  ...normMethods,
  ...directionMethods,
  ...ablationMethods,
];

/** The rows of each study, in its table's order; the recipe of each is `table1Recipe(pair, id)`. */
export const studyMethods: Readonly<Record<StudyName, readonly StudyRow[]>> = {
  norm: rows('kd', ...idsOf(normMethods)),
  direction: rows(
    'kd',
    ...idsOf(directionMethods).filter((id) => id !== 'kd+nd-classifier'),
    'kd++',
    'kd+nd-classifier',
  ),
  ablation: rows(
    'kd',
    'kd+sifn',
    'kd+cosine',
    'kd+sifn+cosine',
    'kd++',
    ...idsOf(ablationMethods).filter((id) => id !== 'kd+sifn+cosine'),
  ),
  teachers: tableRows,
};

/** All methods of all studies, each once. */
export function studyMethodIds(): string[] {
  return [...new Set(Object.values(studyMethods).flatMap(idsOf))];
}

function rows(...ids: string[]): StudyRow[] {
  return ids.map((id) => {
    const found = known.find((row) => row.id === id);
    if (found === undefined) throw new Error(`no row ${id}`);
    const { label, note } = found;
    return { id, label, note };
  });
}

function idsOf(methods: readonly StudyRow[]): string[] {
  return methods.map(({ id }) => id);
}
