import type { z } from 'zod';
import { resultsError } from './errors';
import { sha256 } from './files';

/** At most this many faulty fields are named in one message. */
const shownFields = 3;

/**
 * JSON with sorted keys and no spaces, so that equal values give equal bytes however they were built.
 * Keys whose value is undefined are left out, as JSON does.
 *
 * @throws TypeError when the value holds something JSON cannot say: NaN, a function, a class instance.
 */
export function canonicalJson(value: unknown): string {
  return write(value, '$');
}

/** SHA-256 of the canonical JSON of a value, hexadecimal; this is what `recipeHash` holds. */
export function hashJson(value: unknown): string {
  return sha256(canonicalJson(value));
}

function write(value: unknown, path: string): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${path} is ${String(value)}: no JSON number`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map((item, index) => write(item, `${path}[${String(index)}]`)).join(',')}]`;
  }
  if (isPlainObject(value)) {
    const entries = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${JSON.stringify(key)}:${write(item, `${path}.${key}`)}`);
    return `{${entries.join(',')}}`;
  }
  throw new TypeError(`${path} is a ${typeof value} that JSON cannot say`);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Checks a value from a results file against its schema.
 *
 * @param where - the file, and the line where there is one; the message adds the faulty fields
 * @throws LabError of kind `results` that names file, field and what was found wrong.
 */
export function checkRecord<T>(
  schema: z.ZodType<T>,
  value: unknown,
  where: string,
  fix: string,
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const fields = issues.slice(0, shownFields).map(({ path, message }) => {
    const field = path.length === 0 ? 'the whole record' : path.map(String).join('.');
    return `${field}: ${message}`;
  });
  const more =
    issues.length > shownFields ? ` and ${String(issues.length - shownFields)} more` : '';
  throw resultsError.because(
    result.error,
  )`a results file does not hold what it should (${where}): found ${fields.join('; ')}${more}. ${fix}`;
}

/** Whether a value is an object with named fields: no list, not null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
