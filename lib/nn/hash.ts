import { createHash } from 'node:crypto';
import type { StateDict } from './state';

/**
 * SHA-256 over names, shapes and numbers of a state dict: the same for the same weights, whatever file
 * they came from. Batch norm's counters do not count: they change nothing that a model computes.
 */
export function hashStateDict(entries: StateDict): string {
  const hash = createHash('sha256');
  for (const [name, { shape, data }] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.endsWith('num_batches_tracked')) continue;
    hash.update(`${name}[${shape.join(',')}]`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
