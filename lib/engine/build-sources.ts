import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A folder of files beside these sources that the TypeScript compiler does not copy. */
export function sourceFolder(name: 'cpp' | 'patches'): string {
  // The compiled package lies in dist/lib/engine.
  const candidates = [
    join(__dirname, name),
    join(__dirname, '..', '..', '..', 'lib', 'engine', name),
  ];
  const found = candidates.find((folder) => existsSync(folder));
  if (found === undefined) throw new Error(`the package lacks ${candidates.join(' and ')}`);
  return found;
}
