import * as tf from '@tensorflow/tfjs';
import { engineThreads } from './describe';
import type { EngineDescription } from './describe';

/** Computes on TensorFlow.js' own CPU backend, without its advice to install another package. */
export async function usePlainBackend(): Promise<EngineDescription> {
  const production = tf.env().getBool('PROD');
  // The backend prints its advice at the first tensor, unless TensorFlow.js' warnings are off.
  tf.env().set('PROD', true);
  try {
    await tf.setBackend('cpu');
    tf.scalar(0).dispose();
  } finally {
    tf.env().set('PROD', production);
  }
  return {
    engine: 'plain',
    backend: 'cpu',
    tensorflow: null,
    device: 'cpu',
    gpu: false,
    bfloat16: 'none',
    threads: engineThreads('plain'),
  };
}
