import { optionError, unknownName } from '../errors';
import type { EngineDescription } from './describe';

/** What networks compute in while they train: float32, or bfloat16 with weights, sums and optimiser in float32. */
export const precisions = ['f32', 'bf16'] as const;
export type Precision = (typeof precisions)[number];

/**
 * A precision by its name.
 *
 * @throws LabError of kind `option` for another name.
 */
export function parsePrecision(text: string, option: string): Precision {
  const precision = precisions.find((known) => known === text);
  if (precision === undefined) throw unknownName('precision', text, precisions, option);
  return precision;
}

/**
 * Refuses bfloat16 where it cannot be computed, and says what it costs where it has no instructions.
 *
 * @throws LabError of kind `option` on TensorFlow.js' plain backend.
 */
export function requirePrecision(
  precision: Precision,
  { bfloat16 }: Pick<EngineDescription, 'bfloat16'>,
  onNotice: (message: string) => void,
): void {
  if (precision === 'f32' || bfloat16 === 'accelerated') return;
  if (bfloat16 === 'none') {
    throw optionError`this engine does not compute in bfloat16 (--precision bf16): found TensorFlow.js' own CPU backend. Use --precision f32, or the native engine (npm run doctor says what it lacks)`;
  }
  onNotice(
    'this processor has no instructions for bfloat16: --precision bf16 takes several times as long as f32 here',
  );
}
