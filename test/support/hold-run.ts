import { tryRunLock } from '../../lib/runs/lock';

/**
 * Takes the lock of a run directory, says whether it got it, and keeps its main thread busy for a
 * while as a long training step does.
 */
async function main([directory = '', busy = '0']: readonly string[]): Promise<void> {
  const lock = await tryRunLock(directory);
  process.stdout.write(lock ? 'held\n' : 'refused\n');
  if (!lock) return;
  const wait = new Int32Array(new SharedArrayBuffer(4));
  // A pause lets what was printed out; then nothing but the lock's own thread runs.
  await new Promise((resolve) => setTimeout(resolve, 100));
  Atomics.wait(wait, 0, 0, Number(busy));
  lock.assertHeld();
  await lock.release();
  process.stdout.write('released\n');
}

void main(process.argv.slice(2));
