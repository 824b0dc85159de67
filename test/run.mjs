// `npm test`, and with `--all` `npm run test:all`: the test files side by side, a process for each processor and one
// more, since some wait: for a lock that must grow old, for a server.
// Other arguments are mocha's; with test files among them, only these run.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Start early, after the long ones: they take ten seconds or more, and none should be left alone at the end. */
const early = [
  'train/train',
  'reproduce/table1',
  'reproduce/tensorboard',
  'reproduce/datasets',
  'runs/lock',
  'runs/sweep',
  'runs/faults',
  'runs/detection',
  'nn/traced',
  'models/registry',
  'engine/cache',
  'engine/doctor',
].map((name) => `test/${name}.test.ts`);

const isLong = (file) => file.endsWith('.long.test.ts');
const rank = (file) => (isLong(file) ? 0 : early.includes(file) ? 1 : 2);

const files = readdirSync(join(root, 'test'), { recursive: true })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((file) => file.endsWith('.test.ts'))
  .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));

const all = process.argv.includes('--all');
const given = process.argv.slice(2).filter((argument) => argument !== '--all');
const chosen = all ? files : files.filter((file) => !isLong(file));
const namesFiles = given.some((argument) => argument.endsWith('.test.ts'));
const left = namesFiles ? 0 : files.length - chosen.length;

const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
    '--parallel',
    ...(given.some((argument) => /^(-j|--jobs)/.test(argument))
      ? []
      : ['--jobs', String(availableParallelism() + 1)]),
    ...['--reporter-option', `left=${String(left)}`],
    ...given,
    ...(namesFiles ? [] : chosen),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    // The processes share the processors already; several threads in each would only wait for one another.
    env: {
      ...{ TF_NUM_INTRAOP_THREADS: '1', OMP_NUM_THREADS: '1' },
      ...(all ? { NORM_DIRECTION_LAB_KILLS: '5' } : {}),
      ...process.env,
    },
  },
);
process.exitCode = status ?? 1;
