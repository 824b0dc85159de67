import * as tf from '@tensorflow/tfjs';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend';
import { dataType, nativeOperation, storedFloat, typeAttribute } from './native';

/** An operation's output as the binding tells it. */
interface OutputMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

interface OutputMaker {
  createOutputTensor(metadata: OutputMetadata): tf.Tensor;
  readonly tensorMap: {
    set(dataId: object, data: OutputMetadata & { values: null; refCount: number }): void;
  };
}

/**
 * The backend, taking outputs in bfloat16 too: the package's own knows no such tensors. They pass for float32
 * in TensorFlow.js, whose tape takes no other gradients.
 */
export function takingBFloat16(backend: NodeJSKernelBackend): NodeJSKernelBackend {
  // The method is private in the package's types.
  const maker = backend as unknown as OutputMaker;
  const ordinary = maker.createOutputTensor.bind(backend);
  maker.createOutputTensor = (metadata) => {
    if (metadata.dtype !== dataType.bfloat16) return ordinary(metadata);
    const dataId = {};
    maker.tensorMap.set(dataId, { ...metadata, values: null, refCount: 1 });
    const info: tf.TensorInfo = { dataId, shape: metadata.shape, dtype: 'float32' };
    return tf.engine().makeTensorFromTensorInfo(info);
  };
  return backend;
}

/**
 * Puts an addition around the package's own that also adds tensors in bfloat16: by it the tape sums up the
 * gradients of a tensor with several uses.
 */
export function registerAddition(): void {
  const ordinary = tf.getKernel('Add', 'tensorflow') as tf.KernelConfig | undefined;
  if (ordinary === undefined) throw new Error('the TensorFlow backend has no addition');
  tf.unregisterKernel('Add', 'tensorflow');
  tf.registerKernel({
    ...ordinary,
    kernelFunc(parameters) {
      const { a, b } = parameters.inputs;
      return a && b && storedFloat(a) === 'bfloat16'
        ? nativeOperation('AddV2', [typeAttribute('T', 'bfloat16')], [a, b])
        : ordinary.kernelFunc(parameters);
    },
  });
}
