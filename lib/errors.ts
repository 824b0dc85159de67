/** What kind of thing was wrong; the command line, a notebook and a test print the same words. */
export type FaultKind =
  'option' | 'file' | 'data' | 'model' | 'engine' | 'numerics' | 'results' | 'interrupted';

/**
 * An error that a user can act on; anything else that is thrown is a defect of this package. Its message is one
 * line: what is wrong, where, what was found there, and what to do now.
 *
 *     no such data for detectors (--data): found 'cooc'. Give shapes, coco, or coco:PATH
 */
export class LabError extends Error {
  /**
   * @param problem what is wrong, where, what was found: one clause without a full stop
   * @param fix what the reader can do now: a command or a choice
   */
  constructor(
    readonly kind: FaultKind,
    readonly problem: string,
    readonly fix: string,
    options?: ErrorOptions,
  ) {
    super(`${problem}. ${fix}`, options);
    this.name = 'LabError';
  }

  /** The same error, led by the file, record or cell where it happened. */
  in(where: string): LabError {
    return new LabError(this.kind, `${where}: ${this.problem}`, this.fix, { cause: this });
  }
}

type Tag = (text: TemplateStringsArray, ...values: readonly unknown[]) => LabError;

/**
 * Makes errors of one kind from a template, of which the first full stop ends the problem and begins the fix:
 *
 *     throw optionError`a seed is a whole number (--seeds): found '${word}'. Write 1,2,3`;
 */
export interface ErrorTag extends Tag {
  /** The same with the error that led to it. */
  because(cause: unknown): Tag;
}

/**
 * Text of a file or a user as it may be printed: what would move a terminal's cursor, begin a line of its own or
 * turn the direction of writing becomes `\u001b` and the like, and what is long is cut.
 */
export function shown(text: unknown, longest = 80): string {
  return cut(escaped(String(text), allControls), longest);
}

// C0, DEL and C1, line separators, marks of direction, halves of a character.
const allControls = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu;
/** The same where lines are meant: the last words of a program. */
const controlsWithinLines = /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu;

/** The same of a text that has lines, uncut: a table, an answer in words. */
export function printable(text: string): string {
  return escaped(text, controlsWithinLines);
}

function escaped(text: string, controls: RegExp): string {
  return text.replace(controls, (character) => {
    const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
    return known ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length} characters)`;
}

/** Longer than any list of names that a message holds. */
const longestValue = 3000;

function errorTag(kind: FaultKind): ErrorTag {
  // A compiler's or a notebook's last words have lines.
  const controls = kind === 'engine' || kind === 'numerics' ? controlsWithinLines : allControls;
  const make =
    (options?: ErrorOptions): Tag =>
    (text, ...found) => {
      const values = found.map((value) =>
        cut(escaped(String(value).slice(0, 20 * longestValue), controls), longestValue),
      );
      const index = Math.max(
        text.findIndex((part) => part.includes('. ')),
        0,
      );
      const [problem = '', ...fix] = (text[index] ?? '').split('. ');
      return new LabError(
        kind,
        String.raw({ raw: [...text.slice(0, index), problem] }, ...values.slice(0, index)),
        String.raw({ raw: [fix.join('. '), ...text.slice(index + 1)] }, ...values.slice(index)),
        options,
      );
    };
  return Object.assign(make(), { because: (cause: unknown) => make({ cause }) });
}

/** An option, argument or setting of the user's. */
export const optionError = errorTag('option');
/** A file or folder that cannot be read or written, or holds something else. */
export const fileError = errorTag('file');
/** Images, labels, annotations. */
export const dataError = errorTag('data');
/** Networks, their weights and shapes. */
export const modelError = errorTag('model');
/** TensorFlow, its binding, a device. */
export const engineError = errorTag('engine');
/** Numbers that are not finite. */
export const numericsError = errorTag('numerics');
/** Run folders, checkpoints and what is rendered from them. */
export const resultsError = errorTag('results');
/** Ctrl-C and the like: what was done is saved. */
export const interruptedError = errorTag('interrupted');

/** The closest of `known` to `given` by edit distance, or undefined when nothing is close. */
function closest(given: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, distance: editDistance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, Math.floor(given.length / 3))
    ? best.name
    : undefined;
}

declare const checked: unique symbol;

/** A name that only a program knows, after it was found among the known ones: the compiler takes no other text. */
export type CheckedName<Kind extends string> = string & { readonly [checked]: Kind };

/** The error for a name that is not among the known ones, with the closest one suggested. */
export function unknownName(
  what: string,
  given: string,
  known: readonly string[],
  where?: string,
): LabError {
  const suggestion = closest(given, known);
  const hint = suggestion === undefined ? '' : `Did you mean '${suggestion}'? `;
  const at = where === undefined ? '' : ` (${where})`;
  return optionError`unknown ${what} '${given}'${at}. ${hint}Known: ${known.join(', ')}`;
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
