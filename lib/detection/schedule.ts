/** detectron2's learning rate: a linear warm-up, then a factor at each of some iterations. */
export interface DetectionSchedule {
  readonly base: number;
  /** Iterations at which the rate is multiplied by `factor` (0.1 unless given). */
  readonly milestones: readonly number[];
  readonly factor?: number;
  /** From `factor` of the rate to all of it over so many iterations; detectron2's: 1000, 0.001. */
  readonly warmUp?: { readonly iterations: number; readonly factor: number };
}

export const defaultWarmUp = { iterations: 1000, factor: 0.001 } as const;

/**
 * The learning rate of an iteration counted from 0:
 * base · (f + (1 − f) · min(1, iteration / warmUp)) · factor^(milestones ≤ iteration).
 */
export function detectionRateAt(
  { base, milestones, factor = 0.1, warmUp = defaultWarmUp }: DetectionSchedule,
  iteration: number,
): number {
  const passed = milestones.filter((milestone) => milestone <= iteration).length;
  const share = iteration < warmUp.iterations ? iteration / warmUp.iterations : 1;
  return base * (warmUp.factor * (1 - share) + share) * factor ** passed;
}
