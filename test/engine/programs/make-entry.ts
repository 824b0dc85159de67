// Makes one entry of a cache: `make-entry.ts ROOT LOG MILLISECONDS`. Each making adds a line to LOG.
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cached } from '../../../lib/engine/cache';

async function main(): Promise<void> {
  const [root = '', log = '', duration = '0'] = process.argv.slice(2);
  const { made } = await cached(
    {
      root,
      name: 'entry',
      make: async (folder) => {
        appendFileSync(log, `made by ${String(process.pid)}\n`);
        writeFileSync(join(folder, 'half'), 'first half');
        await sleep(Number(duration));
        writeFileSync(join(folder, 'whole'), 'both halves');
      },
    },
    { onWait: () => process.stderr.write('waiting\n') },
  );
  process.stdout.write(made ? 'made' : 'found');
}

void main();
