import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ dev: z.boolean().optional(), devOptional: z.boolean().optional() }),
  ),
});

/**
 * `node_modules/NAME` of each installed package that is not for development alone; what lies within comes along.
 *
 * @param root the folder of the lockfile
 * @param also names of packages for development that are wanted too
 */
export function installedPackages(root: string, also: readonly string[] = []): string[] {
  const lock: unknown = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(lockSchema.parse(lock).packages)
    .filter(([place, { dev, devOptional }]) => {
      const outermost = place.lastIndexOf('node_modules/') === 0;
      const wanted = (!dev && !devOptional) || also.includes(place.slice('node_modules/'.length));
      return outermost && wanted && existsSync(join(root, place));
    })
    .map(([place]) => place);
}
