import { processorBFloat16 } from '../engine/describe';
import { LabError, unknownName } from '../errors';

/** What the networks compute in. */
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
 * Refuses to compute in bfloat16 here.
 *
 * @throws LabError of kind `option` unless it is float32.
 */
export function requireComputable(precision: Precision): void {
  if (precision === 'f32') return;
  const instructions =
    processorBFloat16() === 'accelerated'
      ? 'a processor with instructions for it'
      : 'a processor without instructions for it, on which it would be slower than float32';
  throw new LabError({
    kind: 'option',
    what: 'this version computes in float32 only, not in bfloat16',
    where: '--precision bf16',
    found: instructions,
    remedy:
      'Use --precision f32; what PyTorch takes in bfloat16 can be seen with --torch PYTHON --torch-precision bf16',
  });
}
