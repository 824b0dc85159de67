import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { evaluateCoco } from '../coco/evaluate';
import { readAnnotations } from '../coco/read-annotations';
import { readDetections } from '../coco/results-form';
import { cocoStatNames } from '../coco/summary';
import { type CaseOutcome, type Checker, readReference } from './checker';
import { compareNumber } from './compare';

/** Largest difference between two shares. */
const tolerance = 1e-9;

const form = z.object({
  metrics: z.record(z.string(), z.number()),
  apPerCategory: z.record(z.string(), z.number()),
});

/** Average precision of detections, one folder a case: the folder `coco-eval`. */
export const cocoEvalChecker: Checker = {
  entry: 'coco-eval',
  cases: (path) =>
    readdirSync(path)
      .sort()
      .map((name) => ({ name, run: () => compareEvaluation(join(path, name)) })),
};

function compareEvaluation(folder: string): CaseOutcome {
  const expected = readReference(join(folder, 'expected.json'), form);
  const groundTruth = readAnnotations(join(folder, 'instances.json'));
  const detections = readDetections(join(folder, 'detections.json'));
  const { stats, byCategory } = evaluateCoco(groundTruth, detections);
  const compare = (quantity: string, value: number | undefined, found: number | undefined) =>
    compareNumber(quantity, value ?? NaN, found ?? NaN, { tolerance, scale: 1 });
  return {
    mismatches: [
      ...cocoStatNames.flatMap((name) => compare(name, expected.metrics[name], stats[name])),
      ...byCategory.flatMap(({ id, name, AP }) =>
        compare(`AP of ${name}`, expected.apPerCategory[name] ?? expected.apPerCategory[id], AP),
      ),
    ],
  };
}
