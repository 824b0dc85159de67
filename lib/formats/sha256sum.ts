import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileError, type LabError } from '../errors';
import { readBytes, sha256, writeAtomic } from '../files';

/** Where the SHA-256 of a file is kept: beside it, in the form that `sha256sum --check` reads. */
export function digestFile(path: string): string {
  return `${path}.sha256`;
}

/** Notes the SHA-256 of a file beside it. */
export function writeDigest(path: string, digest: string): void {
  writeAtomic(digestFile(path), `${digest}  ${basename(path)}\n`);
}

/**
 * The SHA-256 noted beside a file, or undefined where none is.
 *
 * @throws LabError of kind `file` when the note is not one of `sha256sum`.
 */
export function readDigest(path: string): string | undefined {
  const note = digestFile(path);
  if (!existsSync(note)) return undefined;
  const fault = (found: string): LabError =>
    fileError`a noted checksum cannot be read (${note}): found ${found}. Write it with sha256sum, or remove it to go without`;
  const text = readBytes(note, fault).toString('utf8');
  const digest = /^([0-9a-f]{64})\b/i.exec(text)?.[1];
  if (digest !== undefined) return digest.toLowerCase();
  throw fault(`'${text.slice(0, 40).trim()}'`);
}

/**
 * Compares with the SHA-256 noted beside a file, where there is one.
 *
 * @throws LabError of kind `file` when they differ.
 */
export function requireNotedDigest(path: string, found: string): void {
  const expected = readDigest(path);
  if (expected === undefined || expected === found) return;
  throw fileError`a file is not the one whose checksum is noted beside it (${path}): found SHA-256 ${found}, noted ${expected}. It is damaged or another one: get it again, or remove ${basename(digestFile(path))} if it is meant`;
}

/** The same of a file's bytes, which are hashed only where a checksum is noted. */
export function requireNotedBytes(path: string, bytes: Uint8Array): void {
  if (existsSync(digestFile(path))) requireNotedDigest(path, sha256(bytes));
}
