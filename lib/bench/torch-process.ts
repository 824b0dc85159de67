import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { lastLines } from '../engine/build-program';
import { LabError } from '../errors';
import { packageRoot } from '../results/environment';
import type { Precision } from './precision';

/** How PyTorch runs a step: operation by operation, or through `torch.compile`. */
export const torchModes = ['eager', 'compiled'] as const;
export type TorchMode = (typeof torchModes)[number];

export interface TorchOptions {
  /** A Python that has PyTorch. */
  readonly python: string;
  readonly precision: Precision;
  readonly device: 'cpu' | 'cuda';
  readonly threads: number;
}

/** What the script is to compute. */
export type TorchWork =
  | {
      readonly work: 'step';
      readonly teacher: string;
      readonly student: string;
      readonly batch: number;
      readonly mode: TorchMode;
    }
  | { readonly work: 'loss'; readonly batch: number; readonly dimension: number };

const replySchema = z.object({ ms: z.array(z.number()), peakMemoryMiB: z.number() });
const greetingSchema = z.object({ torch: z.string(), parameters: z.array(z.number()) });
const faultSchema = z.object({ error: z.enum(['no torch', 'no model']), detail: z.string() });

/** A running PyTorch that makes steps when it is asked to. */
export interface TorchProcess {
  /** PyTorch's version. */
  readonly version: string;
  /** Trained numbers of the teacher and the student; none for a loss. */
  readonly parameters: readonly number[];
  /** The time of each of so many steps, and the most memory so far. */
  readonly steps: (count: number) => Promise<z.infer<typeof replySchema>>;
  readonly stop: () => void;
}

/**
 * Starts the same work in PyTorch, in a process of its own.
 *
 * @throws LabError of kind `option` when Python or PyTorch is not there or the network is not written
 *   there; of kind `engine`, here or from `steps`, when PyTorch fails.
 */
export async function startTorch(options: TorchOptions, work: TorchWork): Promise<TorchProcess> {
  const { python, precision, device, threads } = options;
  const settings = { ...work, precision, device, threads };
  const script = join(packageRoot(), 'lib', 'bench', 'torch_step.py');
  const child = spawn(python, [
    script,
    ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ]);
  const next = lineReader(child, python);
  try {
    const greeting = await next();
    const fault = faultSchema.safeParse(greeting);
    if (fault.success) throw torchFault(fault.data, python);
    const { torch, parameters } = parse(greetingSchema, greeting, python);
    return {
      version: torch,
      parameters,
      async steps(count) {
        child.stdin.write(`${count}\n`);
        return parse(replySchema, await next(), python);
      },
      stop: () => child.kill(),
    };
  } catch (error) {
    child.kill();
    throw error;
  }
}

/** A function that gives a program's lines of JSON one by one and throws when it ends instead. */
function lineReader(child: ChildProcessWithoutNullStreams, python: string): () => Promise<unknown> {
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
      ? failed(python, lastLines(errors, 3) || 'the end of the program without a word')
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

function parse<T>(schema: z.ZodType<T>, value: unknown, python: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw failed(python, `the answer '${JSON.stringify(value).slice(0, 80)}'`);
}

function failed(python: string, found: string): LabError {
  return new LabError({
    kind: 'engine',
    what: 'the step in PyTorch failed',
    where: python,
    found,
    remedy: 'PyTorch 2 is needed; give another Python with --torch, or leave it out',
  });
}

function torchFault({ error, detail }: z.infer<typeof faultSchema>, python: string): LabError {
  return error === 'no torch'
    ? new LabError({
        kind: 'option',
        what: 'this Python has no PyTorch',
        where: `--torch ${python}`,
        found: detail,
        remedy: `Install it (${python} -m pip install torch), or give another Python`,
      })
    : new LabError({
        kind: 'option',
        what: 'this network is not written in PyTorch here',
        where: '--pair',
        found: detail,
        remedy: 'With --torch take a pair of resnetN, resnetNx4 and wrn_D_W, or leave --torch out',
      });
}
