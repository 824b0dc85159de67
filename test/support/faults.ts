import { expect } from 'chai';
import { type FaultKind, LabError } from '../../lib/errors';

/** An error's message in its parts: `what (where): found …. remedy`. */
export interface Fault {
  readonly kind: FaultKind;
  readonly what: string;
  readonly where?: string | undefined;
  readonly found?: string | undefined;
  readonly remedy: string;
  readonly message: string;
}

export function partsOf({ kind, problem, fix, message }: LabError): Fault {
  const [, what = '', where, found] =
    /^(.*?)(?: \(([^]*?)\))?(?:: found ([^]*))?$/.exec(problem) ?? [];
  return { kind, what, where, found, remedy: fix, message };
}

/** The fault with which `work` fails; fails the test when it does not, or fails otherwise. */
export async function faultOf(work: () => unknown): Promise<Fault> {
  try {
    await work();
  } catch (error) {
    if (error instanceof LabError) return partsOf(error);
    throw error;
  }
  return expect.fail('no error was thrown');
}
