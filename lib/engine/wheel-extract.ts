import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import { LabError } from '../errors';
import { errorCode, writeFault } from '../files';

/**
 * Unpacks the entries of a zip archive (a Python wheel is one) that `wanted` accepts, as streams.
 * `onBytes` hears the number of unpacked bytes so far. Returns the names of the files written.
 *
 * @throws LabError of kind `file` for an archive that is damaged, names a file outside of `folder`,
 *   or does not fit on the disk.
 */
export async function extractWheel(
  archive: string,
  folder: string,
  wanted: (name: string) => boolean,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<string[]> {
  const written: string[] = [];
  let bytes = 0;
  const counter = (): Transform =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        onBytes(bytes);
        done(null, chunk);
      },
    });
  try {
    // yauzl itself refuses names with '..', absolute ones and, being strict, ones with backslashes.
    const zip = await openPromise(archive, { lazyEntries: true, strictFileNames: true });
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/') || !wanted(entry.fileName)) continue;
      const path = join(folder, entry.fileName);
      await mkdir(dirname(path), { recursive: true });
      // The upper half holds the Unix mode; of it only "may be executed" matters (ptxas).
      const mode = ((entry.externalFileAttributes >>> 16) & 0o100) === 0 ? 0o644 : 0o755;
      const file = createWriteStream(path, { mode });
      await pipeline(await zip.openReadStreamPromise(entry), counter(), file);
      written.push(entry.fileName);
    }
  } catch (error) {
    if (errorCode(error) === 'ENOSPC') throw writeFault(folder, error);
    throw new LabError(
      {
        kind: 'file',
        what: 'an archive cannot be unpacked',
        where: archive,
        found: error instanceof Error ? error.message : String(error),
        remedy: 'Run the same command again: the archive is fetched anew',
      },
      { cause: error },
    );
  }
  return written;
}
