import type { StateTensor } from '../nn/state';
import { adamW, type AdamWOptions } from './adamw';
import type { Optimiser } from './optimiser-state';
import { sgd, type SgdOptions } from './sgd';

export type { Optimiser } from './optimiser-state';

/** An optimiser as a recipe has it: SGD where no kind is named. */
export type OptimiserOptions = SgdOptions | AdamWOptions;

/**
 * @param parameters what it changes, in a fixed order
 * @throws LabError as `adamW` does.
 */
export function createOptimiser(
  parameters: readonly StateTensor[],
  options: OptimiserOptions,
): Optimiser {
  if ('kind' in options) return adamW(parameters, options);
  const optimiser = sgd(parameters, options);
  return {
    step: (gradients, learningRate) => optimiser.step(gradients, learningRate),
    save() {
      const velocity = optimiser.velocity();
      return new Map([['velocity', { shape: [velocity.length], data: velocity }]]);
    },
    restore: (entries) => optimiser.restore(entries.get('velocity')?.data ?? new Float32Array(0)),
    dispose: () => optimiser.dispose(),
  };
}
