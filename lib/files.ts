import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { LabError } from './errors';

/**
 * Writes a file under a temporary name, syncs it and renames it: a reader sees the old bytes or the
 * new ones, never half of them. Makes the folder when it is missing.
 *
 * @throws LabError of kind `file` when the disk is full or the place cannot be written.
 */
export function writeAtomic(path: string, bytes: string | Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileAtomic.sync(
      path,
      typeof bytes === 'string'
        ? bytes
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    );
  } catch (error) {
    throw writeFault(path, error);
  }
}

/** The error for a failed write, in words. */
export function writeFault(path: string, error: unknown): LabError {
  const code = errorCode(error);
  const what = code === 'ENOSPC' ? 'the disk is full' : 'a file cannot be written';
  const remedy =
    code === 'ENOSPC'
      ? 'Free some space and run the same command again: it goes on where it stopped'
      : 'Check that the folder exists and that you may write there';
  return new LabError(
    { kind: 'file', what, where: path, found: String(code ?? error), remedy },
    { cause: error },
  );
}

/** The system's code of an error (`ENOENT`, `ENOSPC`, …), if it has one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** SHA-256 of bytes in memory, hexadecimal. */
export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A digest of a file, read as a stream, hexadecimal. */
export async function hashFile(
  path: string,
  algorithm: 'sha256' | 'md5' = 'sha256',
): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/**
 * Reads a JSON file.
 *
 * @throws LabError of kind `file` when it is missing or is not JSON.
 */
export function readJson(path: string, remedy: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const found = errorCode(error) === 'ENOENT' ? 'no such file' : String(error);
    throw new LabError({ kind: 'file', what: 'a file cannot be read', where: path, found, remedy });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LabError({
      kind: 'file',
      what: 'a file is not valid JSON',
      where: path,
      found: error instanceof Error ? error.message : String(error),
      remedy,
    });
  }
}
