import { unknownName } from '../errors';

/** Makes a CPU take the GPU's decisions and kernels, so that tests run what a GPU would. */
export const pathVariable = 'NORM_DIRECTION_LAB_PATH';

const askedPaths = ['gpu'] as const;

/**
 * The path that the environment asks for; undefined where it leaves that to the device.
 *
 * @throws LabError of kind `option` for an unknown value.
 */
export function askedPath(environment: NodeJS.ProcessEnv = process.env): 'gpu' | undefined {
  const given = environment[pathVariable];
  if (given === undefined || given === '') return undefined;
  const value = askedPaths.find((name) => name === given);
  if (value === undefined) throw unknownName('path', given, askedPaths, pathVariable);
  return value;
}
