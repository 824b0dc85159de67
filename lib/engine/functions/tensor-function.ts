import * as tf from '@tensorflow/tfjs';
import { tidied } from '../tidy';
import { functionBackend } from './function-definition';
import { trace, tracedFunction } from './trace';

/** Work on tensors as one operation of TensorFlow. */
interface TensorFunction {
  /** The results are the caller's, or the tidy's around it. */
  run(inputs: readonly tf.Tensor[]): tf.Tensor[];
  /** Makes TensorFlow forget it. */
  dispose(): void;
}

/**
 * Work that depends on nothing but its inputs' numbers and shapes, as one operation of TensorFlow for inputs of the
 * given shapes; native engine only. It is traced on zeros, so that no two of its inputs are one tensor by chance.
 *
 * @throws Untraceable when a function would not give the results of `work`, to the bit
 */
export function tensorFunction(
  shapes: readonly (readonly number[])[],
  work: (inputs: readonly tf.Tensor[]) => readonly tf.Tensor[],
): TensorFunction {
  const { traced, result: results } = trace(
    (tracing) =>
      tidied(() => {
        const inputs = shapes.map((shape) => tf.zeros([...shape]));
        for (const input of inputs) tracing.give(input);
        return work(inputs).map((output) => tracing.sourceOf(output));
      }),
    { closed: true },
  );
  const made = tracedFunction(traced, { results });
  const backend = functionBackend();
  return {
    run: (inputs) =>
      made
        .run(backend.getInputTensorIds(inputs))
        .map((handle) => backend.createOutputTensor(handle)),
    dispose() {
      made.dispose();
      traced.dispose();
    },
  };
}
