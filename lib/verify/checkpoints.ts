import { readdirSync } from 'node:fs';
import { type Checker, notAvailableCases } from './checker';

/** Checkpoints as others save them, and broken ones that must be refused: the folder `checkpoints`. */
export const checkpointsChecker: Checker = {
  entry: 'checkpoints',
  cases: (path) => notAvailableCases(readdirSync(path).sort(), 'checkpoints of other programs'),
};
