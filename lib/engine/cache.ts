import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import envPaths from 'env-paths';
import { lock } from 'proper-lockfile';
import { z } from 'zod';
import { engineError, optionError } from '../errors';
import { errorCode, fullDisk, hashFile, makeFolder, sha256, writeFault } from '../files';

/** A lock whose holder has not renewed it for so long, in milliseconds, belongs to a dead process. */
const staleAfter = 10_000;
const pollInterval = 500;

/**
 * Runs `work` while holding the lock of a path, which need not exist; waits for another holder.
 * `work` is told whether it had to wait.
 *
 * @throws LabError of kind `engine` when the work failed and the lock had been lost meanwhile (a machine that slept);
 *   work that succeeded all the same counts.
 */
export async function withCacheLock<Result>(
  path: string,
  onWait: (() => void) | undefined,
  work: (waited: boolean) => Promise<Result>,
): Promise<Result> {
  let lost = false;
  let waited = false;
  const acquire = async (): Promise<() => Promise<void>> => {
    for (;;) {
      try {
        return await lock(path, {
          realpath: false,
          stale: staleAfter,
          onCompromised: () => {
            lost = true;
          },
        });
      } catch (error) {
        if (errorCode(error) !== 'ELOCKED') throw writeFault(`${path}.lock`, error);
        if (!waited) onWait?.();
        waited = true;
        await sleep(pollInterval);
      }
    }
  };
  const release = await acquire();
  try {
    return await work(waited);
  } catch (error) {
    if (!lost) throw error;
    throw engineError.because(
      error,
    )`another process took over the building of the engine (${path}). Run the same command again`;
  } finally {
    // A lost lock belongs to somebody else by now.
    if (!lost) await release();
  }
}

/** Lies in every complete entry of the cache. */
export const manifestName = 'manifest.json';
/** Files up to this size are checked by content whenever the entry is used, larger ones by size. */
const hashedUpTo = 4_000_000;

const manifestSchema = z.strictObject({
  files: z.record(z.string(), z.strictObject({ bytes: z.number(), sha256: z.string().optional() })),
});

/**
 * The folder that keeps what is fetched and built, for this user: `$NORM_DIRECTION_LAB_CACHE`, else
 * the system's own place for caches (on Linux `~/.cache/norm-direction-lab`).
 *
 * @throws LabError of kind `option` when the variable holds a relative path.
 */
export function cacheRoot(environment: NodeJS.ProcessEnv = process.env): string {
  const chosen = environment['NORM_DIRECTION_LAB_CACHE'];
  if (chosen === undefined || chosen === '') {
    return envPaths('norm-direction-lab', { suffix: '' }).cache;
  }
  if (!isAbsolute(chosen)) {
    throw optionError`the cache must be named by an absolute path (NORM_DIRECTION_LAB_CACHE): found '${chosen}'. Set NORM_DIRECTION_LAB_CACHE=${resolve(chosen)}`;
  }
  return chosen;
}

/** A short digest that changes with any of the inputs, whatever their order. */
export function cacheKey(inputs: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(JSON.stringify(sorted)).slice(0, 16);
}

/** A folder in the cache that is there whole or not at all. */
interface CacheEntry {
  /** The folder that holds all entries. */
  readonly root: string;
  /** The entry's own name, which includes a digest of everything it was made from. */
  readonly name: string;
  /** Fills the folder; called at most once at a time in all processes. */
  readonly make: (folder: string) => Promise<void>;
}

interface CacheOptions {
  /** Make the entry again although it is there. */
  readonly force?: boolean;
  /** Called once when another process is making the same entry. */
  readonly onWait?: () => void;
}

/**
 * The entry's folder, made when it is missing or damaged. The folder is filled under a temporary
 * name and renamed, under a lock: two processes that start at once make it once, and a process that
 * dies half-way leaves nothing that counts as complete.
 *
 * @throws LabError of kind `file` when the cache cannot be written, and whatever `make` throws.
 */
export async function cached(
  entry: CacheEntry,
  options: CacheOptions = {},
): Promise<{ folder: string; made: boolean }> {
  const folder = join(entry.root, entry.name);
  if (options.force !== true && (await isComplete(folder))) return { folder, made: false };
  try {
    makeFolder(entry.root);
  } catch (error) {
    throw writeFault(entry.root, error);
  }
  return withCacheLock(folder, options.onWait, async (waited) => {
    // Whoever held the lock before may have made it; that also satisfies `force`.
    if ((options.force !== true || waited) && (await isComplete(folder))) {
      return { folder, made: false };
    }
    await removeLeftovers(entry);
    const temporary = join(entry.root, `${temporaryPrefix(entry.name)}${randomUUID()}`);
    try {
      mkdirSync(temporary);
      await entry.make(temporary);
      await writeManifest(temporary);
      await replaceFolder(temporary, folder);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw fullDisk(errorCode(error)) === undefined ? error : writeFault(entry.root, error);
    }
    return { folder, made: true };
  });
}

/** Whether a folder of the cache holds every file that its manifest lists, unchanged. */
export async function isComplete(folder: string): Promise<boolean> {
  const files = readManifest(folder);
  if (files === undefined) return false;
  for (const [name, expected] of Object.entries(files)) {
    const path = join(folder, name);
    try {
      if ((await stat(path)).size !== expected.bytes) return false;
      if (expected.sha256 !== undefined && (await hashFile(path)) !== expected.sha256) return false;
    } catch {
      return false;
    }
  }
  return true;
}

/** Bytes of all files under a folder; 0 when it is missing. */
export function folderBytes(folder: string): number {
  return listFiles(folder).reduce((sum, path) => sum + fileBytes(path), 0);
}

function readManifest(folder: string): z.infer<typeof manifestSchema>['files'] | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(folder, manifestName), 'utf8'));
    return manifestSchema.safeParse(parsed).data?.files;
  } catch {
    return undefined;
  }
}

async function writeManifest(folder: string): Promise<void> {
  const files: z.infer<typeof manifestSchema>['files'] = {};
  for (const path of listFiles(folder)) {
    const bytes = fileBytes(path);
    const name = relative(folder, path).split(sep).join('/');
    files[name] = bytes <= hashedUpTo ? { bytes, sha256: await hashFile(path) } : { bytes };
  }
  await writeFile(join(folder, manifestName), JSON.stringify({ files }, undefined, 2));
}

/** Puts the finished folder in place; an older one is moved aside first and then deleted. */
async function replaceFolder(finished: string, folder: string): Promise<void> {
  const aside = `${finished}-old`;
  try {
    renameSync(folder, aside);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  renameSync(finished, folder);
  await rm(aside, { recursive: true, force: true });
}

async function removeLeftovers({ root, name }: CacheEntry): Promise<void> {
  const leftovers = readdirSync(root).filter((file) => file.startsWith(temporaryPrefix(name)));
  for (const file of leftovers) await rm(join(root, file), { recursive: true, force: true });
}

function temporaryPrefix(name: string): string {
  return `.making-${name}-`;
}

function fileBytes(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    // A file may vanish while another process works in the folder.
    return 0;
  }
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name));
  } catch {
    return [];
  }
}
