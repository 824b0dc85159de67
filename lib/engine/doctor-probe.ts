import * as tf from '@tensorflow/tfjs';
import type { EngineDescription } from './describe';
import { startEngine } from './load';

/** What a process that has loaded the engine and multiplied two matrices prints, as JSON. */
interface Probe {
  readonly engine: EngineDescription;
  /** Sum over the product of two 64 × 64 matrices of ones: 64³ when the engine computes rightly. */
  readonly sum: number;
}

async function main(): Promise<void> {
  const engine = await startEngine({ engine: 'native' });
  const ones = tf.ones([64, 64]);
  const probe: Probe = { engine, sum: (await ones.matMul(ones).sum().data())[0] ?? Number.NaN };
  process.stdout.write(`${JSON.stringify(probe)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
