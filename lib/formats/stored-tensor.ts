import type { StateEntry } from '../nn/state';

/** PyTorch's counters, which it keeps as 64-bit integers. */
const counterSuffix = 'num_batches_tracked';

/** A tensor as a file holds it. */
export interface StoredTensor {
  readonly name: string;
  /** By safetensors' names: `F32`, `I64`, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Float32, but batch norm's counters as the 64-bit integers that they are in PyTorch. */
export function storedForm(name: string, { shape, data }: StateEntry): StoredTensor {
  if (isCounter(name, data)) {
    const counts = BigInt64Array.from(data, (value) => BigInt(value));
    return { name, dtype: 'I64', shape, bytes: new Uint8Array(counts.buffer) };
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dtype: 'F32', shape, bytes };
}

/** Whether an entry is a count of batches, which a file of others may hold as any number. */
function isCounter(name: string, data: Float32Array): boolean {
  return name.endsWith(counterSuffix) && data.every(Number.isSafeInteger);
}
