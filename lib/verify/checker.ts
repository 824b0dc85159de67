import type { ZodType } from 'zod';
import { LabError } from '../errors';
import { readJson } from '../files';
import type { Mismatch } from './compare';

/** What a case found: nothing, where all is as expected. */
export interface CaseOutcome {
  readonly mismatches: readonly Mismatch[];
  /** What a reader should know of how it was compared. */
  readonly note?: string;
}

/** One case of a file with reference values. */
export interface ReferenceCase {
  /** Unique within its file: `mixed/kd@4.0`. */
  readonly name: string;
  /**
   * Computes the case here and compares.
   *
   * @throws NotAvailable when this package cannot run it yet.
   */
  run(): CaseOutcome | Promise<CaseOutcome>;
}

/** How the reference values in a file (or a folder) of one name are checked. */
export interface Checker {
  /** Name in the directory: `losses.json`, `checkpoints`. */
  readonly entry: string;
  /**
   * The cases in it, none of them run.
   *
   * @throws LabError when the file cannot be read or has another form.
   */
  cases(path: string): ReferenceCase[];
}

/** Thrown by a case that this package cannot run yet; it counts as failed. */
export class NotAvailable extends Error {
  constructor(what: string) {
    super(`cannot be run yet: ${what}`);
    this.name = 'NotAvailable';
  }
}

const remedy = 'Fetch the reference values again, or leave this file out with --only';

/**
 * A file with reference values, of the given form.
 *
 * @throws LabError that names the first place with another form.
 */
export function readReference<T>(path: string, form: ZodType<T>): T {
  const result = form.safeParse(readJson(path, remedy));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new LabError({
    kind: 'file',
    what: 'a file with reference values has another form than expected',
    where: path,
    ...(issue === undefined ? {} : { found: `${issue.path.join('.')}: ${issue.message}` }),
    remedy,
  });
}

/** Cases that are listed, and counted as failed, until this package has what they check. */
export function notAvailableCases(names: readonly string[], what: string): ReferenceCase[] {
  return names.map((name) => ({
    name,
    run: () => {
      throw new NotAvailable(what);
    },
  }));
}
