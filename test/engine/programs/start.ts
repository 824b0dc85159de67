// Starts the engine with the options given as JSON and prints what it computes, as JSON.
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { runCommand } from '../../../lib/cli';
import { startEngine } from '../../../lib/engine/load';
import type { StartOptions } from '../../../lib/engine/load';

/** What this program prints. */
export interface Started {
  readonly engine: Awaited<ReturnType<typeof startEngine>>;
  readonly backend: string;
  readonly product: number[];
  readonly largest: number[];
  readonly again: string;
}

function isOptions(value: unknown): value is StartOptions {
  return typeof value === 'object' && value !== null;
}

runCommand(async () => {
  const [text = '{}', oldUtilities = 'keep'] = process.argv.slice(2);
  const options: unknown = JSON.parse(text);
  if (!isOptions(options)) throw new Error('not options');
  // As in Node 23, which dropped them.
  if (oldUtilities === 'drop')
    Object.assign(util, { isNullOrUndefined: undefined, isArray: undefined });
  const engine = await startEngine(options);
  const other = engine.engine === 'native' ? 'plain' : 'native';
  const again = await startEngine({ engine: other }).then(
    () => 'started',
    (error: unknown) => String(error),
  );
  if ((await startEngine(options)) !== engine) throw new Error('started twice');
  const started: Started = {
    engine,
    backend: tf.getBackend(),
    product: Array.from(
      tf
        .tensor2d([1, 2, 3, 4], [2, 2])
        .matMul(tf.tensor2d([5, 6, 7, 8], [2, 2]))
        .dataSync(),
    ),
    largest: Array.from(tf.topk(tf.tensor1d([3, 9, 4]), 2).values.dataSync()),
    again,
  };
  process.stdout.write(JSON.stringify(started));
});
