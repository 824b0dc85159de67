import type { TeacherMemoryKey } from '../../lib/train/teacher-memory';

/** Of the memory that `fill-memory.ts` fills. */
export const filledKey: TeacherMemoryKey = {
  ...{ teacher: 'filled', data: 'numbers', precision: 'f32', engine: 'one' },
  ...{ images: 20, size: 64 },
};

/** The embedding of an image of one number. */
export function answerOf(number: number): number[] {
  return Array.from({ length: filledKey.size }, (_, at) => Math.fround(number + at / 128));
}
