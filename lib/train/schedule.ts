/** The learning rate by epoch. */
export type Schedule =
  | { readonly kind: 'step'; readonly milestones: readonly number[]; readonly factor: number }
  | { readonly kind: 'cosine' };

/**
 * The learning rate of an epoch counted from 0.
 *
 * `step`: base · factor^(milestones ≤ epoch), as PyTorch's `MultiStepLR`.
 * `cosine`: base · (1 + cos(π · epoch / epochs)) / 2, as PyTorch's `CosineAnnealingLR` down to 0.
 */
export function learningRateAt(
  schedule: Schedule,
  { base, epoch, epochs }: { base: number; epoch: number; epochs: number },
): number {
  if (schedule.kind === 'cosine') return (base * (1 + Math.cos((Math.PI * epoch) / epochs))) / 2;
  const passed = schedule.milestones.filter((milestone) => milestone <= epoch).length;
  return base * schedule.factor ** passed;
}
