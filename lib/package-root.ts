import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const packageName = 'norm-direction-lab';

/**
 * The folder of this package, found by walking up from this file: the same for the sources and for
 * what the compiler makes of them in `dist`.
 */
export function packageRoot(start: string = __dirname): string {
  for (let folder = start; ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) {
      const content: unknown = JSON.parse(readFileSync(manifest, 'utf8'));
      if (typeof content === 'object' && content !== null && 'name' in content) {
        if (content.name === packageName) return folder;
      }
    }
    if (dirname(folder) === folder) {
      throw new Error(`no package.json of ${packageName} lies above ${start}`);
    }
  }
}
