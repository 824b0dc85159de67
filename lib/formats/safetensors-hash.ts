import { createHash } from 'node:crypto';
import type { StoredTensor } from './stored-tensor';

/** The header's entry that holds the hash of everything else; a name that other programs do not use. */
export const hashKey = 'norm-direction-lab.sha256';

/** SHA-256 over the tensors by name and over the metadata, however they lie in the file. */
export function contentHash(
  tensors: readonly StoredTensor[],
  metadata: Readonly<Record<string, string>>,
): string {
  const hash = createHash('sha256');
  const named = tensors.map((tensor) => [tensor.name, tensor] as const);
  hash.update(JSON.stringify(byName(Object.entries(metadata))));
  for (const [name, { dtype, shape, bytes }] of byName(named)) {
    hash.update(JSON.stringify([name, dtype, shape]));
    hash.update(bytes);
  }
  return hash.digest('hex');
}

function byName<T>(items: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return [...items].sort(([a], [b]) => (a < b ? -1 : 1));
}
