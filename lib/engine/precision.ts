import { optionError, unknownName } from '../errors';
import type { EngineDescription } from './describe';

/**
 * What networks compute in while they train: float32; TF32, float32 whose products a GPU rounds to 10 bits of the
 * mantissa first; or bfloat16 with weights, sums and optimiser in float32.
 */
export const precisions = ['f32', 'tf32', 'bf16'] as const;
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
 * Refuses bfloat16 and TF32 where they cannot be computed, and says what bfloat16 costs where it has no instructions.
 *
 * @throws LabError of kind `option` for bfloat16 on TensorFlow.js' plain backend, and TF32 off a GPU.
 */
export function requirePrecision(
  precision: Precision,
  { bfloat16, gpu }: Pick<EngineDescription, 'bfloat16' | 'gpu'>,
  onNotice: (message: string) => void,
): void {
  if (precision === 'tf32' && (!gpu || bfloat16 !== 'accelerated')) {
    const card = bfloat16 === 'unknown' ? 'a GPU that nvidia-smi does not name' : 'an older one';
    throw optionError`only NVIDIA's GPUs compute in TF32, from Ampere on (--precision tf32): found ${gpu ? card : 'a CPU'}. Use --precision f32${gpu && bfloat16 === 'unknown' ? ', or mend nvidia-smi' : ''}`;
  }
  if (precision !== 'bf16' || bfloat16 === 'accelerated') return;
  if (bfloat16 === 'none') {
    throw optionError`this engine does not compute in bfloat16 (--precision bf16): found TensorFlow.js' own CPU backend. Use --precision f32, or the native engine (npm run doctor says what it lacks)`;
  }
  onNotice(
    bfloat16 === 'unknown'
      ? 'nvidia-smi does not name this GPU: before Ampere --precision bf16 takes several times as long as f32'
      : 'this processor has no instructions for bfloat16: --precision bf16 takes several times as long as f32 here',
  );
}
