import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runHere } from '../support/command';
import { writeImageFolder } from '../support/image-folder';
import { skipBecause } from '../support/skip';

const root = join(__dirname, '..', '..');
const commands = join(root, 'reproduce', 'commands');

/** All that unpacking needs, and a shell; no Node, no Python, no compiler. */
const tools = 'sh cat cut df dirname gzip mkdir mv rm sha256sum tail tar tr wc'.split(' ');

/** Starts a program in a network namespace of its own, which has no interface that is up; not root, in one of its own users. */
const isolate = process.getuid?.() === 0 ? ['unshare', '-n'] : ['unshare', '-rn'];

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the owner of a cluster would do, one step after the other. */
describe('a bundle on a machine without network, Python and compiler', function () {
  this.timeout(900_000);

  let folder = '';
  const at = (name: string): string => join(folder, name);
  const lab = (): string => at('un packed/lab');
  /** A grid of two students that are over soon, and one that is not. */
  const grid = (methods: string, epochs: number): string[] => [
    ...['table1', '--data', `folder:${at('images')}`, '--pairs', 'resnet8:resnet8', '--batch', '8'],
    ...['--methods', methods, '--epochs', String(epochs), '--teacher-epochs', '1'],
  ];

  before(async function () {
    const [program = '', ...args] = isolate;
    const { status, stderr, error } = spawnSync(program, [...args, 'true'], { encoding: 'utf8' });
    if (status !== 0) skipBecause(this, `no network namespace: ${error?.message ?? stderr.trim()}`);
    folder = mkdtempSync(join(tmpdir(), 'norm direction '));
    for (const name of ['home', 'bin', 'work']) mkdirSync(at(name));
    for (const tool of tools) {
      const { stdout } = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' });
      symlinkSync(stdout.trim(), join(at('bin'), tool));
    }
    await writeImageFolder(at('images'), { train: 40 });
    mkdirSync(at('data/mine'), { recursive: true });
    const packed = await runHere(join(commands, 'bundle.ts'), [
      ...['--output', at('a bundle'), '--compression', '0', '--part-size', '300M'],
      ...['--data', 'mine,mine', '--data-dir', at('data')],
    ]);
    expect(packed.status, packed.stderr).to.equal(0);
    expect(readdirSync(at('a bundle')).length).to.be.above(4);
  });

  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a program there; `onText` hears what it has said on standard error so far. */
  function there(
    words: readonly string[],
    onText: (child: ChildProcess, said: string) => void = () => undefined,
  ): Promise<Outcome> {
    const unshare = spawnSync('sh', ['-c', 'command -v unshare'], { encoding: 'utf8' });
    const child = spawn(unshare.stdout.trim(), [...isolate.slice(1), ...words], {
      cwd: at('work'),
      env: { HOME: at('home'), PATH: at('bin') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => onText(child, (stderr += text)));
    return new Promise((resolve) => {
      child.on('close', (status) => resolve({ status, stdout, stderr }));
    });
  }

  const succeed = async (words: readonly string[]): Promise<Outcome> => {
    const outcome = await there(words);
    expect(outcome.status, outcome.stdout + outcome.stderr).to.equal(0);
    return outcome;
  };

  it('is unpacked by sh into a path with a space', async () => {
    await succeed(['sh', join(at('a bundle'), 'unpack.sh'), at('un packed')]);
    const script = 'console.log(Object.keys(os.networkInterfaces()), process.execPath)';
    const { stdout } = await succeed([at('un packed/node'), '-e', script]);
    expect(stdout).to.equal(`[] ${at('un packed/node')}\n`);
  });

  it('has all that it needs, as doctor says', async () => {
    const { stdout } = await succeed([lab(), 'doctor']);
    expect(stdout).to.match(/Python 3 .*not found; not needed while the engine is built/);
    expect(stdout).to.match(/C\+\+ compiler .*not found; not needed/);
    expect(stdout).to.match(/engine computes .*loaded and multiplied/);
    expect(stdout).to.match(/\n0 faults, \d+ warnings/);
  });

  it('verifies the losses', async () => {
    const { stdout } = await succeed([lab(), 'verify', '--parts', 'losses']);
    expect(stdout).to.equal('42 passed, 0 failed\n');
  });

  it('prints a short table 1', async () => {
    const { stdout } = await succeed([lab(), ...grid('student,kd', 1)]);
    for (const row of ['Student', 'KD']) expect(stdout).to.include(row);
    expect(existsSync(join(at('work'), 'results', 'table1.md'))).to.equal(true);
  });

  it('goes on after a kill, and ends', async () => {
    const longer = [...grid('kd++', 6), '--results', at('long results')];
    const killed = await there([lab(), ...longer], (child, said) => {
      if (/kd\+\+ seed 1: epoch 2\/6/.test(said)) child.kill('SIGKILL');
    });
    expect(killed.status, killed.stderr).to.equal(null);
    const resumed = await succeed([lab(), ...longer]);
    expect(resumed.stderr).to.match(/kd\+\+ seed 1: resumed after epoch \d/);
    expect(resumed.stderr).to.match(/kd\+\+ seed 1: epoch 6\/6/);
  });

  it('gives its runs back, which a checkout takes', async () => {
    const made = at('long results');
    const words = ['bundle', '--collect', '--results', made, '--output', at('collected')];
    const { stdout } = await succeed([lab(), ...words]);
    expect(stdout).to.match(/2 runs in 1 parts .*: merge takes it there\n/);
    const checkout = at('checkout results');
    const args = [at('collected'), '--results', checkout, '--json'];
    const { status, stdout: merged, stderr } = await runHere(join(commands, 'merge.ts'), args);
    expect(status, merged + stderr).to.equal(0);
    const { merged: runs } = JSON.parse(merged) as { merged: string[] };
    expect(runs.map((run) => run.split('/').slice(1).join('/')).sort()).to.deep.equal([
      'resnet8-resnet8/kd++/seed-1',
      'resnet8/teacher/seed-0',
    ]);
    for (const run of runs) {
      for (const file of ['config.json', 'metrics.jsonl', 'provenance.json']) {
        const [there, here] = [made, checkout].map((of) =>
          readFileSync(join(of, 'runs', run, file), 'utf8'),
        );
        expect(here, file).to.equal(there);
      }
    }
  });
});
