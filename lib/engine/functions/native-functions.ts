import * as tf from '@tensorflow/tfjs';
import type { OperationAttribute } from '../native';
import { type OperationOutputs, readOperationOutputs } from './operation-outputs';

/** A tensor of TensorFlow itself, as the binding names it. */
export interface TensorHandle {
  readonly id: number;
  readonly shape: number[];
  /** TensorFlow's number of its type. */
  readonly dtype: number;
}

/** What a tensor is filled with. */
export type TensorNumbers = Float32Array | Int32Array | Uint8Array;

/** The binding as functions use it; this package's patch adds the last two methods. */
export interface FunctionBinding {
  executeOp(
    name: string,
    attributes: readonly OperationAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorHandle[];
  createTensor(shape: readonly number[], type: number, values: TensorNumbers): number;
  tensorDataSync(id: number): unknown;
  deleteTensor(id: number): void;
  defineFunction(definition: Uint8Array): void;
  removeFunction(name: string): void;
}

/** The native backend's parts that functions use. */
export interface FunctionBackend {
  binding: FunctionBinding;
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(handle: TensorHandle): tf.Tensor;
}

/** The add-on with this package's own operations. */
export interface OperationsAddOn {
  /** All operations that this TensorFlow knows: a serialized `OpList`. */
  operationDefinitions(): Uint8Array;
}

let addOn: OperationsAddOn | undefined;
let outputs: OperationOutputs | undefined;

/** Called once, when the engine is loaded. */
export function useOperations(loaded: OperationsAddOn): void {
  addOn = loaded;
  outputs = undefined;
}

/** The outputs of all operations, read when first asked for. */
export function operationOutputs(): OperationOutputs {
  if (addOn === undefined) throw new Error('the native engine is not loaded');
  outputs ??= readOperationOutputs(addOn.operationDefinitions());
  return outputs;
}

/** The current backend, which must be the native one. */
export function functionBackend(): FunctionBackend {
  // tfjs' public type of a backend does not name these members; the caller has asked isNative().
  return tf.backend() as unknown as FunctionBackend;
}
