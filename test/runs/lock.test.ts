import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { claimRuns } from '../../lib/runs/claim';
import { isRunHeld, readRunOwner, type RunLock, tryRunLock } from '../../lib/runs/lock';
import { typeScriptArguments } from '../support/child';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

const program = join(__dirname, '..', 'support', 'hold-run.ts');

interface Holder {
  readonly child: ChildProcess;
  /** All that it says, once it has ended. */
  readonly words: Promise<string>;
}

/** Starts a process that takes the lock and keeps it for so long; ready when it has said whether. */
async function holder(directory: string, busy: number): Promise<Holder> {
  const child = spawn(process.execPath, typeScriptArguments(program, directory, String(busy)), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const words = once(child, 'close').then(() => text.trim().split('\n').join(' '));
  await Promise.race([once(child.stdout, 'data'), words]);
  return { child, words };
}

const said = ({ words }: Holder): Promise<string> => words;

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'close');
}

/** Tries until the lock is there; seconds that it took. */
async function secondsUntilTaken(directory: string): Promise<number> {
  const started = performance.now();
  let lock: RunLock | undefined;
  while (!lock) {
    lock = await tryRunLock(directory);
    if (!lock) await sleep(250);
  }
  await lock.release();
  return (performance.now() - started) / 1000;
}

describe('the lock of a run', function () {
  this.timeout(60_000);
  const folder = withFolder();
  const run = (name: string): string => join(folder(), name, 'seed-1');

  it('is one process’, and free again after it', async () => {
    const lock = await tryRunLock(run('kd'));
    expect(lock).to.not.equal(undefined);
    lock?.assertHeld();
    expect(readRunOwner(run('kd'))?.pid).to.equal(process.pid);
    expect(isRunHeld(run('kd'))).to.equal(true);
    expect(await tryRunLock(run('kd'))).to.equal(undefined);
    expect(await said(await holder(run('kd'), 0))).to.equal('refused');
    await lock?.release();
    expect(isRunHeld(run('kd'))).to.equal(false);
    expect(readdirSync(join(folder(), 'kd'))).to.deep.equal([]);
    expect(await said(await holder(run('kd'), 0))).to.equal('held released');
    expect(readdirSync(join(folder(), 'kd'))).to.deep.equal([]);
  });

  it('stays with a process that is busy, and outlives a killed one by seconds', async () => {
    const [busy, here, elsewhere] = await Promise.all([
      holder(run('busy'), 60_000),
      holder(run('here'), 60_000),
      holder(run('elsewhere'), 60_000),
    ]);
    await Promise.all([kill(here.child), kill(elsewhere.child)]);
    // As a machine sees it on which the killed process did not run.
    const owner = join(folder(), 'elsewhere', 'seed-1.owner.lock');
    writeFileSync(owner, readFileSync(owner, 'utf8').replace(/"space":"/, '$&another '));
    const [secondsHere, secondsElsewhere] = await Promise.all([
      secondsUntilTaken(run('here')),
      secondsUntilTaken(run('elsewhere')),
    ]);
    expect(secondsHere).to.be.below(12);
    // Not before 15 s without a sign of life, of which the last was at most 3 s before the kill.
    expect(secondsElsewhere).to.be.within(12, 25);
    expect(await tryRunLock(run('busy'))).to.equal(undefined);
    await kill(busy.child);
  });

  it('falls to one of several processes that find it abandoned', async () => {
    mkdirSync(`${run('kd')}.lock`, { recursive: true });
    writeFileSync(`${run('kd')}.owner.lock`, '{"token":"t","host":"h","pid":1,"space":null}');
    const longAgo = Date.now() / 1000 - 60;
    utimesSync(`${run('kd')}.lock`, longAgo, longAgo);
    const holders = await Promise.all([1, 2, 3].map(() => holder(run('kd'), 60_000)));
    // All have said whether they got it while the one that did was busy, however slowly they started.
    for (const { child } of holders) child.kill('SIGKILL');
    const words = await Promise.all(holders.map(said));
    expect(words.sort()).to.deep.equal(['held', 'refused', 'refused']);
  });

  it('stops a process that has lost it to another', async () => {
    const lock = await tryRunLock(run('kd'));
    writeFileSync(
      `${run('kd')}.owner.lock`,
      '{"token":"t","host":"node-3","pid":4711,"space":null}',
    );
    const { kind, what, found } = await faultOf(() => lock?.assertHeld());
    expect(kind).to.equal('results');
    expect(what).to.include('no longer holds the lock of its run');
    expect(found).to.equal('that of process 4711 on node-3');
    await lock?.release();
    expect(existsSync(`${run('kd')}.owner.lock`)).to.equal(true);
  });

  it('sends others to students of another seed first, and of the same teacher and seed last', async () => {
    const student = (name: string, teacher: string | null, seed: number) => ({
      ...({ kind: 'cell', student: 'resnet8', teacher, seed } as const),
      directory: join(folder(), name, `seed-${seed}`),
    });
    const held = student('kd', 'resnet20', 1);
    const others = [
      student('kd++', 'resnet20', 1),
      student('student', null, 1),
      student('kd', 'resnet20', 2),
      student('other', 'resnet14', 1),
    ];
    const elsewhere = await holder(held.directory, 60_000);
    const order: string[] = [];
    await claimRuns(
      { runs: [held, ...others], isFinished: () => false },
      ({ run: { directory } }) => {
        order.push(directory);
        // The last: what was held is given back.
        if (order.length === 4) elsewhere.child.kill('SIGKILL');
        return Promise.resolve();
      },
    );
    const [first, ...rest] = others.map(({ directory }) => directory);
    expect(order).to.deep.equal([...rest, first, held.directory]);
  });
});
