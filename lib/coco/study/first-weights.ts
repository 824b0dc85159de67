import type { Detector } from '../../detection/detector';
import { loadDetectorWeights } from '../../detection/load-weights';

/** What a student begins with where that is not random: a published backbone, as in the paper. */
export interface FirstWeights {
  readonly file: string;
  /** Of the file's tensors. */
  readonly hash: string;
  /** As the record of the run names it. */
  readonly source: string;
}

/**
 * Gives a student the weights of a published backbone; what the file lacks stays random.
 *
 * @throws LabError as `loadDetectorWeights` does.
 */
export async function loadFirstWeights(student: Detector, { file }: FirstWeights): Promise<void> {
  await loadDetectorWeights(student, file, 'backbone');
}
