import { type Stats, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import envPaths from 'env-paths';
import { fileError } from '../errors';
import { errorCode, readBytes } from '../files';

/** Whether a path is a file (or a link to one) that can be looked at. */
export function isFile(path: string): boolean {
  return look(path)?.isFile() ?? false;
}

/** Whether a path is a folder (or a link to one) that can be looked at. */
export function isFolder(path: string): boolean {
  return look(path)?.isDirectory() ?? false;
}

/** @throws LabError of kind `file` when the file cannot be read. */
export function readDataFile(path: string): Uint8Array {
  return readBytes(
    path,
    (found, cause) =>
      fileError.because(
        cause,
      )`a data file cannot be read (${path}): found ${errorCode(cause) ?? found}. Check that it exists and that you may read it`,
  );
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** `~/a` below the user's home: a shell leaves a tilde alone that does not begin a word. */
export function withHome(path: string): string {
  return path.replace(/^~(?=$|\/)/u, () => homedir());
}

/** The environment variable that says where data sets lie. */
export const dataVariable = 'NORM_DIRECTION_LAB_DATA';

/**
 * Where data sets lie: what was given (`--data-dir`), else `$NORM_DIRECTION_LAB_DATA`, else the
 * system's own place for a user's data (on Linux `~/.local/share/norm-direction-lab`). Absolute.
 */
export function dataDirectory(
  given?: string,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const chosen = given ?? environment[dataVariable];
  return chosen === undefined || chosen === ''
    ? envPaths('norm-direction-lab', { suffix: '' }).data
    : resolve(withHome(chosen));
}
