import { readFileSync, statSync, type Stats } from 'node:fs';
import { LabError } from '../errors';
import { errorCode } from '../files';

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
  try {
    return readFileSync(path);
  } catch (error) {
    throw new LabError(
      {
        kind: 'file',
        what: 'a data file cannot be read',
        where: path,
        found: errorCode(error) ?? String(error),
        remedy: 'Check that it exists and that you may read it',
      },
      { cause: error },
    );
  }
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
