import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../../lib/engine/load';

/** The engines that every numerical test runs on. */
export const engines = ['plain', 'native'] as const;

/** The first use on a machine downloads and builds the native engine. */
const engineTimeout = 600_000;

/** Makes the tests of the enclosing `describe` compute on this engine. */
export function withEngine(engine: (typeof engines)[number]): void {
  before(async function () {
    this.timeout(engineTimeout);
    // Both engines live in one process, where startEngine starts one of them.
    const backend = engine === 'plain' ? 'cpu' : (await startEngine({ engine })).backend;
    await tf.setBackend(backend);
    await tf.ready();
  });
}
