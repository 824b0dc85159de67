import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runDirectory } from '../results/paths';
import { weightsFile } from './execute';
import { withRunLock } from './run-lock';
import type { StudyOptions } from './run-study';
import { classMeansFile, loadTeacher, type TrainedTeacher } from './teacher';

/** The teachers of a study, each loaded and measured once. */
export interface TeacherShelf {
  get(name: string): Promise<TrainedTeacher>;
  dispose(): void;
}

/** @throws LabError from `get` as `loadTeacher` does. */
export function teacherShelf(options: StudyOptions): TeacherShelf {
  const loaded = new Map<string, TrainedTeacher>();
  return {
    async get(name) {
      const known = loaded.get(name);
      if (known) return known;
      const teacher = await load(name, options);
      loaded.set(name, teacher);
      options.onTeacher?.(teacher);
      return teacher;
    },
    dispose() {
      for (const { model } of loaded.values()) model.dispose();
    },
  };
}

async function load(name: string, options: StudyOptions): Promise<TrainedTeacher> {
  const { study, resultsRoot, dataset, teacherSeed, givenTeachers, signal } = options;
  const directory = runDirectory(resultsRoot, {
    study,
    pair: name,
    method: 'teacher',
    seed: teacherSeed,
  });
  const given = givenTeachers.get(name);
  const classMeans =
    given?.classMeans ??
    (given ? join(directory, 'given-teacher.class-means.safetensors') : classMeansFile(directory));
  const makeClassMeans = given?.classMeans === undefined;
  const read = (): Promise<TrainedTeacher> =>
    loadTeacher({
      name,
      dataset,
      weights: given?.weights ?? weightsFile(directory),
      // The file's name, not its place: the record is for others to read.
      source: given ? (given.source ?? basename(given.weights)) : 'trained here',
      classMeans,
      makeClassMeans,
      ...(options.onClassMeans
        ? { onProgress: (done, total) => options.onClassMeans?.(name, done, total) }
        : {}),
    });
  // Making them takes a while on a large data set: the processes of a grid do it once.
  return makeClassMeans && !existsSync(classMeans)
    ? withRunLock(directory, { signal }, read)
    : read();
}
