import { isFinished, type Run } from '../runs/store';
import { bySeed, lastTop1 } from '../runs/measures';
import { summarise, type Summary } from '../statistics/summary';

/** What a run's provenance says of a teacher that is not a published one. */
export const trainedHere = 'trained here';

/** The accuracy of a pair's teacher, and how it is known. */
export interface TeacherEvidence {
  readonly measured: Summary | null;
  readonly origin: string | null;
  /** The students' runs that recorded it, when no run of its own did. */
  readonly seenIn: readonly Run[];
}

/**
 * The accuracy of the teacher that a pair's students learnt from: of its own runs where it was
 * trained here, else as recorded when they were trained, each different teacher once.
 */
export function teacherEvidence(own: readonly Run[], students: readonly Run[]): TeacherEvidence {
  const seenIn = students.filter(
    (run) => isFinished(run) && typeof run.provenance?.teacherTop1 === 'number',
  );
  const published = seenIn.some(({ provenance }) => provenance?.teacherSource !== trainedHere);
  const trained = summarise(bySeed(own, lastTop1));
  if (trained !== null && !published) {
    return { measured: trained, origin: trainedHere, seenIn: [] };
  }
  const teachers = new Map<string, { top1: number; source: string }>();
  for (const { provenance } of seenIn) {
    if (provenance === null || provenance.teacherTop1 === null) continue;
    const source = provenance.teacherSource ?? 'unknown origin';
    teachers.set(provenance.teacherHash ?? source, { top1: provenance.teacherTop1, source });
  }
  const found = [...teachers.values()];
  const measured = summarise(new Map(found.map(({ top1 }, index) => [index, top1])));
  return {
    // The students' seeds say nothing about a teacher.
    measured: measured === null ? null : { ...measured, seeds: [] },
    origin: found.length === 0 ? null : [...new Set(found.map(({ source }) => source))].join('; '),
    seenIn,
  };
}
