import { resolve } from 'node:path';
import envPaths from 'env-paths';

/** The environment variable that says where data sets lie. */
export const dataVariable = 'NORM_DIRECTION_LAB_DATA';

/**
 * Where data sets lie: what was given (`--data-dir`), else `$NORM_DIRECTION_LAB_DATA`, else the
 * system's own place for a user's data (on Linux `~/.local/share/norm-direction-lab`). Absolute.
 */
export function dataDirectory(
  given?: string,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const chosen = given ?? environment[dataVariable];
  return chosen === undefined || chosen === ''
    ? envPaths('norm-direction-lab', { suffix: '' }).data
    : resolve(chosen);
}
