/** What kind of thing was wrong; the command line, a notebook and a test print the same words. */
export type FaultKind =
  'option' | 'file' | 'data' | 'model' | 'engine' | 'numerics' | 'results' | 'interrupted';

/** The parts of an error message: what is wrong, where, what was found, and the way out. */
export interface Fault {
  readonly kind: FaultKind;
  /** One clause, without a full stop: "unknown method 'kdd'". */
  readonly what: string;
  /** The file, option, record or tensor. */
  readonly where?: string;
  /** What was found there. */
  readonly found?: string;
  /** What the reader can do now: a command or a choice. */
  readonly remedy: string;
}

/** An error that a user can act on; anything else that is thrown is a defect of this package. */
export class LabError extends Error {
  readonly fault: Fault;

  constructor(fault: Fault, options?: ErrorOptions) {
    super(describeFault(fault), options);
    this.name = 'LabError';
    this.fault = fault;
  }
}

/** `what (in where): found …. remedy` as one line. */
export function describeFault({ what, where, found, remedy }: Fault): string {
  const place = where === undefined ? '' : ` (${where})`;
  const seen = found === undefined ? '' : `: found ${found}`;
  return `${what}${place}${seen}. ${remedy}`;
}

/** The closest of `known` to `given` by edit distance, or undefined when nothing is close. */
export function closest(given: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, distance: editDistance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, Math.floor(given.length / 3))
    ? best.name
    : undefined;
}

/** The error for a name that is not among the known ones, with the closest one suggested. */
export function unknownName(
  what: string,
  given: string,
  known: readonly string[],
  where?: string,
): LabError {
  const suggestion = closest(given, known);
  const hint = suggestion === undefined ? '' : `Did you mean '${suggestion}'? `;
  return new LabError({
    kind: 'option',
    what: `unknown ${what} '${given}'`,
    ...(where === undefined ? {} : { where }),
    remedy: `${hint}Known: ${known.join(', ')}`,
  });
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
