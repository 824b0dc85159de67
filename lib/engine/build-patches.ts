import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { applyPatch, parsePatch } from 'diff';
import { LabError } from '../errors';
import { sourceFolder } from './build-sources';

/** The patch files that ship with this package, in the order in which they apply. */
export function listPatches(folder: string = sourceFolder('patches')): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.patch'))
    .sort()
    .map((name) => join(folder, name));
}

/**
 * Applies unified diffs to the files of a folder; a diff names its file as in `b/tfjs_backend.cc`,
 * of which the last part counts.
 *
 * @throws LabError of kind `engine` when a diff does not fit the sources.
 */
export function applyPatches(patches: readonly string[], folder: string): void {
  for (const patch of patches) {
    for (const change of parsePatch(readFileSync(patch, 'utf8'))) {
      const name = basename(change.newFileName ?? '');
      const path = join(folder, name);
      const patched = existsSync(path) && applyPatch(readFileSync(path, 'utf8'), change);
      if (patched === false) {
        throw new LabError({
          kind: 'engine',
          what: 'a patch does not fit the sources of the binding',
          where: `${basename(patch)}, ${name || 'no file named'}`,
          remedy: 'Install the pinned packages again with npm ci',
        });
      }
      writeFileSync(path, patched);
    }
  }
}
