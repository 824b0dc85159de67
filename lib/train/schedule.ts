/** The learning rate by epoch, or by step. */
export type Schedule =
  | { readonly kind: 'step'; readonly milestones: readonly number[]; readonly factor: number }
  | CosineSchedule;

interface CosineSchedule {
  readonly kind: 'cosine';
  /** Where it ends; 0 unless given. */
  readonly minimum?: number;
  /** Epochs over which it first rises in a line; none unless given. */
  readonly warmUpEpochs?: number;
  /** Where it rises from; 0 unless given. */
  readonly warmUpFrom?: number;
  /**
   * What the half cosine spans: all epochs, of which the warm-up hides the first (timm's default), or
   * those after the warm-up (MAE's and the paper's code).
   */
  readonly over?: 'all epochs' | 'epochs after the warm-up';
  /** Whether it changes at each step (MAE's and the paper's code) or each epoch (timm's default). */
  readonly by?: 'epoch' | 'step';
}

/**
 * The learning rate of an epoch counted from 0; with fractions within an epoch, where it changes by step.
 *
 * `step`: base · factor^(milestones ≤ epoch), as PyTorch's `MultiStepLR`.
 * `cosine`: minimum + (base − minimum) · (1 + cos(π · epoch / epochs)) / 2, as PyTorch's
 * `CosineAnnealingLR`; before it, warmUpFrom + (base − warmUpFrom) · epoch / warmUpEpochs.
 */
export function learningRateAt(
  schedule: Schedule,
  { base, epoch, epochs }: { base: number; epoch: number; epochs: number },
): number {
  if (schedule.kind === 'cosine') return cosineRate(schedule, { base, epoch, epochs });
  const passed = schedule.milestones.filter((milestone) => milestone <= epoch).length;
  return base * schedule.factor ** passed;
}

/** What of a recipe decides the learning rate. */
interface RateRecipe {
  readonly schedule: Schedule;
  readonly learningRate: number;
  readonly epochs: number;
}

/** The learning rate of a batch of an epoch, both counted from 0. */
export function learningRateOf(
  { schedule, learningRate, epochs }: RateRecipe,
  { epoch, batch, batches }: { epoch: number; batch: number; batches: number },
): number {
  const byStep = schedule.kind === 'cosine' && schedule.by === 'step';
  const at = byStep ? epoch + batch / batches : epoch;
  return learningRateAt(schedule, { base: learningRate, epoch: at, epochs });
}

function cosineRate(
  { minimum = 0, warmUpEpochs = 0, warmUpFrom = 0, over = 'all epochs' }: CosineSchedule,
  { base, epoch, epochs }: { base: number; epoch: number; epochs: number },
): number {
  if (epoch < warmUpEpochs) return warmUpFrom + ((base - warmUpFrom) * epoch) / warmUpEpochs;
  const before = over === 'all epochs' ? 0 : warmUpEpochs;
  const passed = (epoch - before) / (epochs - before);
  return minimum + ((base - minimum) * (1 + Math.cos(Math.PI * passed))) / 2;
}

/** The learning rate by iteration, as detectron2 has it: a linear warm-up, then a factor at each of some iterations. */
export interface IterationSchedule {
  readonly base: number;
  /** Iterations at which the rate is multiplied by `factor` (0.1 unless given). */
  readonly milestones: readonly number[];
  readonly factor?: number;
  /** From `factor` of the rate to all of it over so many iterations; detectron2's: 1000, 0.001. */
  readonly warmUp?: { readonly iterations: number; readonly factor: number };
}

export const detectronWarmUp = { iterations: 1000, factor: 0.001 } as const;

/**
 * The learning rate of an iteration counted from 0:
 * base · (f + (1 − f) · min(1, iteration / warmUp)) · factor^(milestones ≤ iteration).
 */
export function rateAtIteration(
  { base, milestones, factor = 0.1, warmUp = detectronWarmUp }: IterationSchedule,
  iteration: number,
): number {
  const passed = milestones.filter((milestone) => milestone <= iteration).length;
  const share = iteration < warmUp.iterations ? iteration / warmUp.iterations : 1;
  return base * (warmUp.factor * (1 - share) + share) * factor ** passed;
}
