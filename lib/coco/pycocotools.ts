import { join } from 'node:path';
import { z } from 'zod';
import { lastLines, runProgram } from '../engine/build-program';
import { LabError } from '../errors';
import { packageRoot } from '../package-root';
import { type CocoStats, cocoStatNames } from './summary';

/** What pycocotools made of two files. */
export interface PycocotoolsEvaluation {
  readonly version: string;
  readonly readMs: number;
  readonly evaluateMs: number;
  readonly stats: CocoStats;
}

const replySchema = z.object({
  version: z.string(),
  readMs: z.number(),
  evaluateMs: z.number(),
  stats: z.array(z.number()).length(cocoStatNames.length),
});

/**
 * Lets pycocotools evaluate detections from their files.
 *
 * @param given.python a Python that has pycocotools
 * @param given.option where the user named it, for messages
 * @throws LabError of kind `option` when Python or pycocotools is not there, or refuses the files.
 */
export async function evaluateInPython(
  annotations: string,
  results: string,
  { python, option }: { readonly python: string; readonly option: string },
): Promise<PycocotoolsEvaluation> {
  const script = join(packageRoot(), 'lib', 'bench', 'pycocotools_eval.py');
  const { stdout, stderr } = await runProgram(python, [script, annotations, results]);
  const answer = replySchema.safeParse(jsonOf(stdout));
  if (!answer.success) {
    throw new LabError({
      kind: 'option',
      what: 'pycocotools could not be run',
      where: `${option} ${python}`,
      found: lastLines(`${stderr}\n${stdout}`, 2) || 'no answer',
      remedy: `Give a Python that has it (${python} -m pip install pycocotools), or leave ${option} out`,
    });
  }
  const { stats, ...others } = answer.data;
  const named = Object.fromEntries(cocoStatNames.map((name, index) => [name, stats[index] ?? NaN]));
  return { ...others, stats: named as Record<keyof CocoStats, number> };
}

/** The largest difference between two of the twelve figures. */
export function largestDifference(ours: CocoStats, theirs: CocoStats): number {
  return Math.max(...cocoStatNames.map((name) => Math.abs(ours[name] - theirs[name])));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
