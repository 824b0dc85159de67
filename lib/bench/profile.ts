import * as tf from '@tensorflow/tfjs';

/** What one kind of TensorFlow operation took, on average in a step. */
export interface OperationTime {
  readonly name: string;
  readonly ms: number;
  readonly calls: number;
}

/** What some steps took while each of their operations was timed. */
export interface StepProfile {
  /** A whole step, JavaScript and reading results included. */
  readonly ms: number;
  /** The slowest first. */
  readonly operations: readonly OperationTime[];
}

type Execute = (name: string, ...rest: unknown[]) => unknown;

/** The two methods of the native backend through which every operation goes. */
const methods = ['executeSingleOutput', 'executeMultipleOutputs'] as const;

/**
 * Time by operation over some steps; native engine only (no operations elsewhere). The rest of a step's time is
 * JavaScript: the tape, tensors' records, reading results.
 */
export function profileOperations(step: () => unknown, steps: number): StepProfile {
  const seen = new Map<string, { ms: number; calls: number }>();
  // The methods belong to the backend's class; own properties of the same name hide them for a while.
  const backend = tf.backend() as unknown as Record<string, Execute | undefined>;
  const originals = methods.map((method) => backend[method]);
  methods.forEach((method, index) => {
    const original = originals[index];
    if (original === undefined) return;
    backend[method] = (name, ...rest) => {
      const started = performance.now();
      const result = original.call(backend, name, ...rest);
      const entry = seen.get(name) ?? { ms: 0, calls: 0 };
      entry.ms += performance.now() - started;
      entry.calls++;
      seen.set(name, entry);
      return result;
    };
  });
  const began = performance.now();
  let whole = 0;
  try {
    for (let index = 0; index < steps; index++) step();
    whole = performance.now() - began;
  } finally {
    for (const method of methods) Reflect.deleteProperty(backend, method);
  }
  const operations = [...seen]
    .map(([name, { ms, calls }]) => ({ name, ms: ms / steps, calls: calls / steps }))
    .sort((a, b) => b.ms - a.ms);
  return { ms: whole / steps, operations };
}
