import { readFileSync } from 'node:fs';
import { LabError } from '../errors';
import { errorCode } from '../files';
import { withoutOutlines } from './without-outlines';

/**
 * Reads a JSON file in one of COCO's forms, without its outlines.
 *
 * @throws LabError of kind `file` when it is missing or is not JSON.
 */
export function readCocoJson(path: string, remedy: string): unknown {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const found = errorCode(error) === 'ENOENT' ? 'no such file' : String(error);
    throw new LabError({ kind: 'file', what: 'a file cannot be read', where: path, found, remedy });
  }
  try {
    return JSON.parse(textOf(withoutOutlines(bytes)));
  } catch (error) {
    throw new LabError(
      {
        kind: 'file',
        what: 'a file is not valid JSON',
        where: path,
        found: describe(bytes, error),
        remedy,
      },
      { cause: error },
    );
  }
}

/** Some programs put a mark before the text that is no part of it. */
function textOf(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/^\uFEFF/u, '');
}

/** Where the whole file goes wrong: without the outlines, places would be other ones. */
function describe(bytes: Buffer, error: unknown): string {
  try {
    JSON.parse(textOf(bytes));
  } catch (whole) {
    return whole instanceof Error ? whole.message : String(whole);
  }
  return error instanceof Error ? error.message : String(error);
}
