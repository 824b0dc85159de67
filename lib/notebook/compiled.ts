import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { withCacheLock } from '../engine/cache';
import { lastLines, runProgram } from '../engine/program';
import { engineError } from '../errors';
import { packageRoot } from '../package-root';

/**
 * Compiles the library to `dist/`, which is what notebooks import, when it is missing or older than a
 * source. Of several processes one compiles, the others wait.
 *
 * @param notify told before it starts, since it takes half a minute
 * @param root of the package: this one
 * @throws LabError of kind `engine` with the compiler's message when it does not compile.
 */
export async function ensureCompiled(
  notify: (message: string) => void,
  root = packageRoot(),
): Promise<void> {
  if (isFresh(root)) return;
  const folder = join(root, 'dist');
  await withCacheLock(folder, undefined, async () => {
    if (isFresh(root)) return;
    notify('compiling the library, which notebooks import (npm run build)');
    // Beside dist/, so that source maps point to the same places, and in its place only when it is whole:
    // what an older source left behind would be found before a newer file of the same name.
    const fresh = join(root, `.dist-${randomUUID()}`);
    const began = new Date();
    try {
      await compile(root, fresh);
      // A source that changed meanwhile is newer than what was made of it.
      utimesSync(join(fresh, ...libraryFile), began, began);
      rmSync(folder, { recursive: true, force: true });
      renameSync(fresh, folder);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });
}

async function compile(root: string, folder: string): Promise<void> {
  const compiler = createRequire(join(root, 'package.json')).resolve('typescript/bin/tsc');
  const project = join(root, 'tsconfig.build.json');
  const options = ['-p', project, '--outDir', folder, '--noEmitOnError'];
  const { status, stdout, stderr } = await runProgram(process.execPath, [compiler, ...options]);
  if (status === 0) return;
  throw engineError`the library does not compile, so that notebooks cannot import it (${project}): found ${lastLines(stdout + stderr, 3)}. Mend what npm run build reports`;
}

const libraryFile = ['lib', 'index.js'] as const;

/** Whether every source is older than the beginning of the last compilation. */
function isFresh(root: string): boolean {
  const compiled = join(root, 'dist', ...libraryFile);
  if (!existsSync(compiled)) return false;
  const madeAt = statSync(compiled).mtimeMs;
  return ['lib', 'reproduce']
    .map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((file) => file.isFile() && file.name.endsWith('.ts'))
    .every((file) => statSync(join(file.parentPath, file.name)).mtimeMs <= madeAt);
}
