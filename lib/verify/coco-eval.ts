import { readdirSync } from 'node:fs';
import { type Checker, notAvailableCases } from './checker';

/** Average precision of detections, one folder a case: the folder `coco-eval`. */
export const cocoEvalChecker: Checker = {
  entry: 'coco-eval',
  cases: (path) => notAvailableCases(readdirSync(path).sort(), 'COCO evaluation'),
};
