import { createHash } from 'node:crypto';

/** Some bytes that stand for a published file; fetching does not look into them. */
export function content(name: string, bytes = 40_000): Buffer {
  const pieces = Array.from({ length: Math.ceil(bytes / 32) }, (_, index) =>
    createHash('sha256').update(`${name} ${index}`).digest(),
  );
  return Buffer.concat(pieces).subarray(0, bytes);
}

/** Hexadecimal. */
export const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
/** What Git calls a file of these bytes. */
export const gitBlob = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
