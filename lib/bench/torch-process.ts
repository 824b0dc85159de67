import { join } from 'node:path';
import { z } from 'zod';
import { LabError } from '../errors';
import { packageRoot } from '../package-root';
import type { Precision } from '../engine/precision';
import { startPython } from './python-lines';

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
  const given = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const torch = startPython(python, [script, ...given], 'the step in PyTorch');
  try {
    const greeting = await torch.next(z.union([faultSchema, greetingSchema]));
    if ('error' in greeting) throw torchFault(greeting, python);
    return {
      version: greeting.torch,
      parameters: greeting.parameters,
      steps(count) {
        torch.write(String(count));
        return torch.next(replySchema);
      },
      stop: torch.stop,
    };
  } catch (error) {
    torch.stop();
    throw error;
  }
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
