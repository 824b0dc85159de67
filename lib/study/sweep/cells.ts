import { needs, type LossTerm } from '../../distill/terms';
import { type Cell, gridOf } from '../grid';
import type { SweepOptions } from './options';

const fromTeacher = [
  'teacher',
  'teacher batch statistics',
  'class means',
  'teacher space',
] as const;

/** Whether a method is another one under another teacher. */
export function learnsFromTeacher(name: string, terms: readonly LossTerm[]): boolean {
  return fromTeacher.some((need) => needs({ name, terms }, need));
}

/** The cells to train, in their order: what learns nothing of a teacher stands beside the first alone. */
export function cellsOf({
  teachers,
  students,
  methods,
  seeds,
}: Pick<
  SweepOptions<string, string, string>,
  'teachers' | 'students' | 'methods' | 'seeds'
>): Cell[] {
  const [first] = teachers;
  const pairs = students.flatMap((student) => teachers.map((teacher) => ({ teacher, student })));
  return gridOf(pairs, Object.keys(methods), seeds).filter(
    ({ teacher, method }) => teacher === first || learnsFromTeacher(method, methods[method] ?? []),
  );
}
