import { expect } from 'chai';
import { LabError, type Fault } from '../../lib/errors';

/** The fault with which `work` fails; fails the test when it does not, or fails otherwise. */
export async function faultOf(work: () => unknown): Promise<Fault> {
  try {
    await work();
  } catch (error) {
    if (error instanceof LabError) return error.fault;
    throw error;
  }
  return expect.fail('no error was thrown');
}
