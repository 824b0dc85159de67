import { runDirectory } from './paths';
import { type PlannedRun, teacherMethod } from './plan';
import type { GivenTeacher, Task, TaskKind, TeacherRequest } from './task';

export interface TeacherCacheOptions<Kind extends TaskKind> {
  readonly task: Task<Kind>;
  readonly study: string;
  readonly resultsRoot: string;
  readonly teacherSeed: number;
  readonly givenTeachers: ReadonlyMap<string, GivenTeacher>;
  readonly signal?: AbortSignal | undefined;
  readonly onTeacher?: ((teacher: Kind['teacher']) => void) | undefined;
  readonly onClassMeans?: ((teacher: string, done: number, total: number) => void) | undefined;
}

/** The teachers of a study, each loaded and measured once. */
export interface TeacherCache<Kind extends TaskKind> {
  /** The teacher of a run, with what its method needs; undefined where it has none. */
  get(run: PlannedRun<Kind['recipe']>): Promise<Kind['teacher'] | undefined>;
  dispose(): void;
}

/** @throws LabError from `get` as the task's `loadTeacher` does. */
export function teacherCache<Kind extends TaskKind>(
  options: TeacherCacheOptions<Kind>,
): TeacherCache<Kind> {
  const { task, study, resultsRoot, teacherSeed, givenTeachers, signal } = options;
  const { onTeacher, onClassMeans } = options;
  const loaded = new Map<string, Kind['teacher']>();
  return {
    async get({ teacher: name, recipe }) {
      if (name === null) return undefined;
      const key = { study, pair: name, method: teacherMethod, seed: teacherSeed };
      const request: TeacherRequest = {
        name,
        directory: runDirectory(resultsRoot, key),
        given: givenTeachers.get(name),
        signal,
        onProgress: onClassMeans && ((done, total) => onClassMeans(name, done, total)),
      };
      let teacher = loaded.get(name);
      if (teacher === undefined) {
        teacher = await task.loadTeacher(request);
        loaded.set(name, teacher);
        onTeacher?.(teacher);
      }
      return task.teacherFor(teacher, recipe, request);
    },
    dispose() {
      for (const teacher of loaded.values()) teacher.dispose();
    },
  };
}
