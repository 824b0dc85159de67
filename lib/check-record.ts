import type { z } from 'zod';
import { LabError } from './errors';

/** At most this many faulty fields are named in one message. */
const shownFields = 3;

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
  remedy: string,
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const fields = issues.slice(0, shownFields).map(({ path, message }) => {
    const field = path.length === 0 ? 'the whole record' : path.map(String).join('.');
    return `${field}: ${message}`;
  });
  const more = issues.length > shownFields ? ` and ${String(issues.length - shownFields)} more` : '';
  throw new LabError(
    {
      kind: 'results',
      what: 'a results file does not hold what it should',
      where,
      found: `${fields.join('; ')}${more}`,
      remedy,
    },
    { cause: result.error },
  );
}
