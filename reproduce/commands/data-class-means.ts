import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { OnDataProgress } from '../../lib/data/progress';
import { classMeansFolder } from '../../lib/data/tables/needs';
import {
  compareClassMeans,
  type ComparisonSummary,
  readReleasedClassMeans,
  summaryOfComparison,
} from '../../lib/distill/released-class-means';
import { LabError } from '../../lib/errors';
import { studyTeachers } from '../../lib/runs/run-study';
import type { LoadedTeacher, TaskKind } from '../../lib/runs/task';
import { type GridOptions, gridSettings, type GridStudy } from '../grid/settings';
import { tableOf } from './common';

type WithClassMeans = TaskKind & {
  readonly teacher: LoadedTeacher & { readonly classMeans?: Float32Array };
};

interface ClassMeansOptions {
  /** The folder of all data sets. */
  readonly directory: string;
  /** Where the table keeps its runs, and its teachers' class means beside them. */
  readonly results: string;
  readonly signal: AbortSignal;
  readonly onProgress: OnDataProgress;
  /** Other options of the table than its own at the paper's scale. */
  readonly grid?: Partial<GridOptions>;
}

/** Class means that are ready for a table. */
export interface PreparedClassMeans {
  readonly teacher: string;
  /** SHA-256 of the numbers. */
  readonly sha256: string | null;
  /** Beside the published ones; null where these are not there. */
  readonly compared: ComparisonSummary | null;
}

/**
 * Makes the class means of teachers that are given where a table looks for them, so that the table need not, and
 * compares them with the published ones that are there. Those that are made already are read.
 *
 * @param names the teachers; those of other tables are passed over
 * @returns what is ready, and an error a line of each teacher whose are not
 */
export async function prepareClassMeans<Kind extends WithClassMeans>(
  study: GridStudy<Kind>,
  names: readonly string[],
  { directory, results, signal, onProgress, grid = {} }: ClassMeansOptions,
): Promise<{ readonly ready: readonly PreparedClassMeans[]; readonly notes: readonly string[] }> {
  const pairs = study.scope
    .parsePairs(grid.pairs ?? study.defaults.paper.pairs)
    .filter(({ teacher }) => names.includes(teacher))
    .map(({ teacher, student }) => `${teacher}:${student}`);
  const ready: PreparedClassMeans[] = [];
  const notes: string[] = [];
  if (pairs.length === 0) return { ready, notes };
  const settings = gridSettings(study, {
    ...{ scale: 'paper', dataDir: directory, results, resume: true, seeds: '1' },
    ...{ methods: study.methods().filter(hasNormDirection).join(), ...grid },
    pairs: pairs.join(),
  });
  const task = await settings.openTask(onProgress);
  const teachers = studyTeachers({
    ...{ ...settings, task, signal },
    onClassMeans: (teacher, done, total) =>
      onProgress({ message: `class means of ${teacher}`, unit: 'images', done, total }),
  });
  const open = new Set(names);
  try {
    for (const cell of settings.cells) {
      if (!open.delete(cell.teacher)) continue;
      try {
        const teacher = await teachers.get({ ...cell, recipe: settings.recipeOf(cell) });
        if (teacher?.classMeans) ready.push(compared(teacher, teacher.classMeans, directory));
      } catch (error) {
        if (!(error instanceof LabError) || error.kind === 'interrupted') throw error;
        notes.push(`error: ${cell.teacher}: ${error.message}`);
      }
    }
  } finally {
    teachers.dispose();
    await task.dispose?.();
  }
  return { ready, notes };
}

/** Rows that need class means. */
function hasNormDirection(method: string): boolean {
  return /^(kd|deit)\+\+$/u.test(method);
}

function compared(
  { name: teacher, classMeansHash: sha256 }: LoadedTeacher,
  means: Float32Array,
  directory: string,
): PreparedClassMeans {
  const file = join(directory, classMeansFolder, `${teacher}.json`);
  if (!existsSync(file)) return { teacher, sha256, compared: null };
  const published = readReleasedClassMeans(file);
  const { dimension } = published;
  const own = { means, classes: means.length / dimension, dimension };
  return { teacher, sha256, compared: summaryOfComparison(compareClassMeans(own, published)) };
}

/** Class means beside the published ones. */
export function classMeansText(ready: readonly PreparedClassMeans[]): string {
  const table = tableOf([
    'class means of',
    'cosine to the published ones: mean',
    'smallest',
    'mean norm here',
    'published',
  ]);
  for (const { teacher, compared: found } of ready) {
    const numbers = found
      ? [found.meanCosine, found.smallestCosine, found.meanNorm, found.otherMeanNorm]
      : [];
    table.push([teacher, ...[0, 1, 2, 3].map((at) => numbers[at]?.toFixed(4) ?? '')]);
  }
  return table.toString();
}
