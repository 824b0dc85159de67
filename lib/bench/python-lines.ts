import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { lastLines } from '../engine/build-program';
import { LabError } from '../errors';

/** A script in Python that is asked and answers by lines. */
export interface PythonLines {
  /**
   * The next line, as JSON of this form.
   *
   * @throws LabError of kind `option` when Python is not there, `engine` when the script ended or said
   *   something else.
   */
  readonly next: <T>(schema: z.ZodType<T>) => Promise<T>;
  readonly write: (line: string) => void;
  readonly stop: () => void;
}

/** Starts a script; `what` names its work in error messages: 'the step in PyTorch'. */
export function startPython(python: string, args: readonly string[], what: string): PythonLines {
  const child = spawn(python, args);
  const nextLine = lineReader(child, python, what);
  return {
    async next(schema) {
      const value = await nextLine();
      const result = schema.safeParse(value);
      if (result.success) return result.data;
      throw failed(what, python, `the answer '${JSON.stringify(value).slice(0, 80)}'`);
    },
    write: (line) => child.stdin.write(`${line}\n`),
    stop: () => child.kill(),
  };
}

/** A function that gives a program's lines of JSON one by one and throws when it ends instead. */
function lineReader(
  child: ChildProcessWithoutNullStreams,
  python: string,
  what: string,
): () => Promise<unknown> {
  let errors = '';
  let startFault: Error | undefined;
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
  child.on('error', (error) => (startFault = error));
  // What it leaves unread when it ends is told by its own words below.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return async () => {
    const { value, done } = await lines.next();
    if (!done) return asJson(value);
    await closed;
    throw startFault === undefined
      ? failed(what, python, lastLines(errors, 3) || 'the end of the program without a word')
      : new LabError(
          {
            kind: 'option',
            what: 'Python cannot be started',
            where: '--torch',
            found: startFault.message,
            remedy: 'Give the path of a Python that has PyTorch, as --torch ~/venv/bin/python',
          },
          { cause: startFault },
        );
  };
}

function asJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

function failed(what: string, python: string, found: string): LabError {
  return new LabError({
    kind: 'engine',
    what: `${what} failed`,
    where: python,
    found,
    remedy: 'PyTorch 2 is needed; give another Python with --torch, or leave it out',
  });
}
