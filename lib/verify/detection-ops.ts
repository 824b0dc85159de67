import { z } from 'zod';
import { type Checker, notAvailableCases, readReference } from './checker';

const form = z.object({
  roiAlign: z.array(z.unknown()),
  nms: z.array(z.unknown()),
  boxCoder: z.array(z.unknown()),
});

/** RoIAlign, non-maximum suppression and box coding: `detection-ops.json`. */
export const detectionOpsChecker: Checker = {
  entry: 'detection-ops.json',
  cases: (path) =>
    notAvailableCases(
      Object.entries(readReference(path, form)).flatMap(([operation, cases]) =>
        cases.map((_, index) => `${operation} ${index}`),
      ),
      'detection operators',
    ),
};
