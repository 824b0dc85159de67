// Multiplies matrices without a pause, as a step does, until its parent ends its input; then prints what it saw.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as tf from '@tensorflow/tfjs';
import { runCommand } from '../../../lib/cli';
import { startEngine } from '../../../lib/engine/load';

runCommand(async () => {
  await startEngine();
  let signals = 0;
  process.on('SIGUSR2', () => (signals += 1));
  const [a, b] = [tf.ones<tf.Rank.R2>([64, 1024]), tf.ones<tf.Rank.R2>([1024, 256])];
  process.stdout.write('multiplying\n');
  // A turn of the event loop now and then, in which the handlers run.
  for (let round = 0; round < 8; round++) {
    for (let turn = 0; turn < 20; turn++) {
      const wrong = tf.tidy(() => tf.sum(tf.notEqual(tf.matMul(a, b), 1024)).dataSync()[0]);
      if (wrong !== 0) throw new Error('a product is wrong');
    }
    await new Promise(setImmediate);
  }
  const { stdout } = spawnSync('grep', ['SigBlk', '/proc/self/status'], { encoding: 'utf8' });
  process.stdout.write(JSON.stringify({ signalled: signals > 0, childBlocks: stdout.trim() }));
  // While a process ends, a signal no longer finds its handler: its parent stops first.
  await once(process.stdin.resume(), 'end');
});
