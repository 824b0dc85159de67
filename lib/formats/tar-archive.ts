import { basename } from 'node:path';
import { list, type ReadEntry } from 'tar';
import { LabError } from '../errors';
import { errorCode } from '../files';

/** An entry larger than this is refused before it is read, in bytes. */
const largestEntry = 2 ** 30;

/**
 * Reads the files with the given base names out of a `.tar`, `.tar.gz` or `.tgz` into memory, without
 * unpacking anything to disk. Files that are not there are missing from the result.
 *
 * @throws LabError of kind `file` when the archive cannot be read, is damaged or is cut off.
 */
export async function readTarFiles(
  path: string,
  names: ReadonlySet<string>,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  let tooLarge: string | undefined;
  const onReadEntry = (entry: ReadEntry): void => {
    const name = basename(entry.path);
    if (!names.has(name) || files.has(name) || !isFile(entry)) return;
    if (entry.size > largestEntry) {
      tooLarge ??= `${entry.path} of ${entry.size} bytes`;
      return;
    }
    const bytes = new Uint8Array(entry.size);
    files.set(name, bytes);
    let filled = 0;
    entry.on('data', (chunk: Uint8Array) => {
      bytes.set(chunk, filled);
      filled += chunk.length;
    });
  };
  try {
    await list({ file: path, strict: true, onReadEntry });
  } catch (error) {
    throw unreadableArchive(path, error);
  }
  if (tooLarge !== undefined) throw unreadableArchive(path, tooLarge);
  return files;
}

/** Whether an entry is a plain file, not a link, a folder or a device. */
export function isFile({ type }: ReadEntry): boolean {
  return type === 'File' || type === 'OldFile' || type === 'ContiguousFile';
}

/** The error for an archive that is missing, damaged, cut off or not to be trusted. */
export function unreadableArchive(path: string, cause: unknown): LabError {
  return new LabError(
    {
      kind: 'file',
      what: 'an archive cannot be read',
      where: path,
      found: describe(cause),
      remedy: 'It is damaged, cut off or not a tar archive: remove it and get it again',
    },
    { cause },
  );
}

function describe(error: unknown): string {
  if (errorCode(error) === 'ENOENT') return 'no such file';
  return error instanceof Error ? error.message : String(error);
}
