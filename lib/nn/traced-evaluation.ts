import type * as tf from '@tensorflow/tfjs';
import { functionBackend } from '../engine/functions/native-functions';
import { trace } from '../engine/functions/trace';
import { tracedFunction } from '../engine/functions/traced-function';
import { tidied } from '../engine/tidied';
import type { ForwardMode } from './layers';
import type { Model, ModelOutput } from './model';
import { outputParts } from './output-parts';
import { tracedCalls, type Traced } from './traced-calls';

/** A network that does not learn, whose forward pass is one operation of TensorFlow after some calls. */
export interface TracedEvaluation {
  forward(images: tf.Tensor4D): ModelOutput;
  dispose(): void;
}

/**
 * A frozen network's forward pass: after some calls with images of a shape it runs as a TensorFlow function, the
 * same operations in the same order without JavaScript between them, on a CPU with the native engine. When a
 * tensor of the network is replaced, it begins anew.
 */
export function tracedEvaluation(model: Model, mode: ForwardMode): TracedEvaluation {
  const calls = tracedCalls((images) => traceForward(model, mode, images));
  let seen: tf.Tensor[] = [];
  return {
    forward(images) {
      const tensors = model.state.tensors.map(({ value }) => value);
      if (tensors.some((tensor, index) => tensor !== seen[index])) {
        calls.dispose();
        seen = tensors;
      }
      return calls.of(images)?.forward(images) ?? model.forward(images, mode);
    },
    dispose() {
      calls.dispose();
    },
  };
}

interface TracedForward extends Traced {
  forward(images: tf.Tensor4D): ModelOutput;
}

function traceForward(model: Model, mode: ForwardMode, images: tf.Tensor4D): TracedForward {
  const { traced, result } = trace((tracing) =>
    tidied(() => {
      tracing.give(images);
      const { tensors, rebuild } = outputParts(model.forward(images, mode), mode);
      return { rebuild, results: tensors.map((tensor) => tracing.sourceOf(tensor)) };
    }),
  );
  const { rebuild, results } = result;
  const run = tracedFunction(traced, { results });
  const backend = functionBackend();
  return {
    forward(given) {
      const handles = run.run(backend.getInputTensorIds([given]));
      return rebuild(handles.map((handle) => backend.createOutputTensor(handle)));
    },
    dispose() {
      run.dispose();
      traced.dispose();
    },
  };
}
