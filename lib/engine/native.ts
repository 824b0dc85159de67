import * as tf from '@tensorflow/tfjs';
import { askedPath } from './path';

/** An attribute of a TensorFlow operation, as the native binding takes it. */
export interface OperationAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: string | number | boolean | number[] | string[] | Uint8Array;
}

/** The part of tfjs-node's backend through which any TensorFlow operation can be run. */
interface NativeBackend {
  executeSingleOutput(
    name: string,
    attributes: readonly OperationAttribute[],
    inputs: readonly tf.TensorInfo[],
  ): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly OperationAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: { get(dataId: tf.TensorInfo['dataId']): { readonly dtype: number } };
}

/**
 * What a tensor's numbers are inside of TensorFlow. TensorFlow.js has no bfloat16: such a tensor passes for a
 * float32 one there, and reading its numbers into JavaScript fails.
 */
type StoredType = 'float32' | 'int32' | 'bfloat16';

/** Whether the current backend is TensorFlow itself and not tfjs' plain JavaScript. */
export function isNative(): boolean {
  return tf.getBackend() === 'tensorflow';
}

/** Runs a TensorFlow operation with one output; native engine only. */
export function nativeOperation(
  name: string,
  attributes: readonly OperationAttribute[],
  inputs: readonly tf.TensorInfo[],
): tf.Tensor {
  return nativeBackend().executeSingleOutput(name, attributes, inputs);
}

/** Runs a TensorFlow operation with several outputs; native engine only. */
export function nativeOperations(
  name: string,
  attributes: readonly OperationAttribute[],
  inputs: readonly tf.TensorInfo[],
  outputs: number,
): tf.Tensor[] {
  return nativeBackend().executeMultipleOutputs(name, attributes, inputs, outputs);
}

/** Whether the native engine computes on a GPU. */
export function isOnGpu(): boolean {
  return isNative() && nativeBackend().isUsingGpuDevice;
}

let asked: { readonly path: 'gpu' | undefined } | undefined;

/**
 * Whether computing takes a GPU's decisions and TensorFlow's own kernels: on a GPU, and on a CPU where
 * `NORM_DIRECTION_LAB_PATH=gpu` asks for it. Whatever is done in one way on a CPU and in another on a GPU asks this.
 */
export function takesGpuPath(): boolean {
  if (!isNative()) return false;
  asked ??= { path: askedPath() };
  return asked.path === 'gpu' || isOnGpu();
}

/** Whether this package's own operations run here, and oneDNN's by their names: on a CPU's path. */
export function hasOwnOperations(): boolean {
  return isNative() && !takesGpuPath();
}

/** As what a float tensor is stored. */
export function storedFloat(tensor: tf.TensorInfo): 'float32' | 'bfloat16' {
  if (!isNative()) return 'float32';
  const { dtype } = nativeBackend().tensorMap.get(tensor.dataId);
  return dtype === dataType.bfloat16 ? 'bfloat16' : 'float32';
}

/** TensorFlow's C API numbers (`TF_DataType`, `TF_AttrType`). */
export const dataType = { float32: 1, int32: 3, bfloat16: 14 } as const;
const attributeKind = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5 } as const;

function attributeOf<Value extends OperationAttribute['value']>(
  kind: keyof typeof attributeKind,
): (name: string, value: Value) => OperationAttribute {
  return (name, value) => ({ name, type: attributeKind[kind], value });
}

/** The binding takes lists through this package's patch, but for those of whole numbers. */
export const stringAttribute = attributeOf<string | Uint8Array | string[]>('string');
export const intAttribute = attributeOf<number | number[]>('int');
export const floatAttribute = attributeOf<number>('float');
export const boolAttribute = attributeOf<boolean>('bool');

/** `T: float32` and the like. */
export function typeAttribute(name: string, type: StoredType): OperationAttribute {
  return { name, type: attributeKind.type, value: dataType[type] };
}

/** A list of one type. */
export function typesAttribute(
  name: string,
  count: number,
  type: StoredType = 'float32',
): OperationAttribute {
  const value = Array.from({ length: count }, () => dataType[type]);
  return { name, type: attributeKind.type, value };
}

function nativeBackend(): NativeBackend {
  // tfjs' public type of a backend does not name these methods; isNative() says that they are there.
  return tf.backend() as unknown as NativeBackend;
}
