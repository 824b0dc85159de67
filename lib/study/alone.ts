import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hashJson } from '../canonical';
import { studyDirectory } from '../results/paths';
import { isFinished, provenanceFile, readRun } from '../results/store';
import type { PlannedRun } from './plan';

/**
 * Whether a student alone was trained to its end in another pair of the study, by the same recipe and
 * seed: it learns from no teacher, so that one run serves for all of them.
 */
export function isTrainedInAnotherPair(
  { directory, recipe }: PlannedRun,
  resultsRoot: string,
  study: string,
): boolean {
  const root = studyDirectory(resultsRoot, study);
  if (!existsSync(root)) return false;
  const seed = basename(directory);
  const method = basename(dirname(directory));
  const wanted = hashJson(recipe);
  return readdirSync(root)
    .map((pair) => join(root, pair, method, seed))
    .filter((place) => place !== directory && existsSync(join(place, provenanceFile)))
    .some((place) => {
      const run = readRun(place);
      return (
        isFinished(run) &&
        run.provenance?.ended === 'finished' &&
        hashJson(run.config.recipe['training']) === wanted
      );
    });
}
