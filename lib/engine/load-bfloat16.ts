import * as tf from '@tensorflow/tfjs';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend';
import type { TensorHandle } from './functions/native-functions';
import { dataType, nativeOperation, storedFloat, typeAttribute } from './native';

interface OutputMaker {
  createOutputTensor(metadata: TensorHandle): tf.Tensor;
  readonly tensorMap: {
    set(dataId: object, data: TensorHandle & { values: null; refCount: number }): void;
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
 * Teaches bfloat16 to two of the package's kernels: the addition, by which the tape sums up the gradients of a tensor
 * with several uses, and the reshaping, which would call its tensor a float32 one.
 */
export function registerBFloat16Kernels(): void {
  const types = [typeAttribute('T', 'bfloat16')];
  alsoInBFloat16('Add', ({ a, b }) => nativeOperation('AddV2', types, [given(a), given(b)]));
  alsoInBFloat16('Reshape', ({ x }, { shape }) =>
    tf.tidy(() =>
      nativeOperation(
        'Reshape',
        [...types, typeAttribute('Tshape', 'int32')],
        [given(x), tf.tensor1d(shape as number[], 'int32')],
      ),
    ),
  );
}

/** Puts a kernel around the package's own that runs where the first of its inputs is in bfloat16. */
function alsoInBFloat16(
  name: string,
  compute: (inputs: tf.NamedTensorInfoMap, attrs: tf.NamedAttrMap) => tf.TensorInfo,
): void {
  const ordinary = tf.getKernel(name, 'tensorflow') as tf.KernelConfig | undefined;
  if (ordinary === undefined) throw new Error(`the TensorFlow backend has no kernel ${name}`);
  tf.unregisterKernel(name, 'tensorflow');
  tf.registerKernel({
    ...ordinary,
    kernelFunc(parameters) {
      const { inputs, attrs = {} } = parameters;
      const first = Object.values(inputs)[0];
      return first && storedFloat(first) === 'bfloat16'
        ? compute(inputs, attrs)
        : ordinary.kernelFunc(parameters);
    },
  });
}

function given(input: tf.TensorInfo | undefined): tf.TensorInfo {
  if (input === undefined) throw new Error('a kernel lacks an input');
  return input;
}
