import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inTemporaryFolder } from '../../lib/processes';

const root = join(__dirname, '..', '..');

/**
 * What `read` makes of a folder with those files of results/ that git knows, as they lie there now: beside them may
 * lie runs of one's own, of which no committed page tells.
 */
export function ofCommittedResults<Read>(read: (folder: string) => Read): Promise<Read> {
  return inTemporaryFolder('results', async (folder) => {
    const list = execFileSync('git', ['ls-files', '-z', 'results'], {
      ...{ cwd: root, encoding: 'utf8' },
    });
    for (const file of list.split('\0').filter((name) => name !== '')) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      copyFileSync(join(root, file), join(folder, file));
    }
    return await read(join(folder, 'results'));
  });
}
