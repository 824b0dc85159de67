import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import * as tf from '@tensorflow/tfjs';
import type { OperationAttribute } from '../native';

/** One output of an operation as its definition names it: a tensor, or a list of as many as an attribute says. */
interface OutputArgument {
  readonly name: string;
  /** The attribute that holds the number of tensors. */
  readonly numberAttribute: string;
  /** The attribute that lists the tensors' types. */
  readonly typeListAttribute: string;
}

/** The outputs of every operation of this TensorFlow, by the operation's name. */
type OperationOutputs = ReadonlyMap<string, readonly OutputArgument[]>;

/** Field numbers of TensorFlow's `op_def.proto`. */
const operationListField = { operation: 1 } as const;
const operationField = { name: 1, output: 3 } as const;
const outputArgumentField = { name: 1, numberAttribute: 5, typeListAttribute: 6 } as const;

/**
 * Reads a serialized `OpList`.
 *
 * @throws RangeError for bytes that are none.
 */
function readOperationOutputs(bytes: Uint8Array): OperationOutputs {
  const operations = new Map<string, OutputArgument[]>();
  eachField(bytes, (field, read) => {
    if (field !== operationListField.operation) return;
    let name = '';
    const outputs: OutputArgument[] = [];
    eachField(read(), (inner, readInner) => {
      if (inner === operationField.name) name = text(readInner());
      if (inner === operationField.output) outputs.push(outputArgument(readInner()));
    });
    operations.set(name, outputs);
  });
  return operations;
}

function outputArgument(bytes: Uint8Array): OutputArgument {
  const argument = { name: '', numberAttribute: '', typeListAttribute: '' };
  eachField(bytes, (field, read) => {
    if (field === outputArgumentField.name) argument.name = text(read());
    if (field === outputArgumentField.numberAttribute) argument.numberAttribute = text(read());
    if (field === outputArgumentField.typeListAttribute) argument.typeListAttribute = text(read());
  });
  return argument;
}

/** Visits a message's fields; those whose bytes are not read are skipped. */
function eachField(
  bytes: Uint8Array,
  visit: (field: number, read: () => Uint8Array) => void,
): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType]: [number, WireType] = reader.tag();
    const before = reader.pos;
    visit(field, () => reader.bytes());
    if (reader.pos === before) reader.skip(wireType);
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

/** An output of a step before, or what the function is given. */
export type Source =
  | { readonly from: 'step'; readonly step: number; readonly output: number }
  | { readonly from: 'argument'; readonly argument: number };

/** One operation in a function. */
export interface FunctionStep {
  readonly operation: string;
  readonly attributes: readonly OperationAttribute[];
  readonly inputs: readonly Source[];
}

/** A function of tensors, as a list of operations in the order in which they run. */
interface FunctionSource {
  readonly name: string;
  /** TensorFlow's number of each argument's type. */
  readonly argumentTypes: readonly number[];
  readonly steps: readonly FunctionStep[];
  readonly results: readonly { readonly source: Source; readonly type: number }[];
}

/** Field numbers of TensorFlow's `function.proto`, `op_def.proto`, `node_def.proto` and `attr_value.proto`. */
const functionField = { signature: 1, node: 3, result: 4 } as const;
const signatureField = { name: 1, argument: 2, result: 3 } as const;
const argumentField = { name: 1, type: 3 } as const;
const nodeField = { name: 1, operation: 2, input: 3, attribute: 5 } as const;
const entryField = { key: 1, value: 2 } as const;
const valueField = { list: 1, string: 2, int: 3, float: 4, bool: 5, type: 6, shape: 7 } as const;
const listField = { string: 2, int: 3, float: 4, bool: 5, type: 6 } as const;
const shapeField = { dimension: 2 } as const;
const dimensionField = { size: 1 } as const;

/**
 * The serialized `FunctionDef` of a function. Each operation waits for the one before it, so that they run in the
 * given order: what one has just made is then still in the processor's cache for the next.
 *
 * @throws Error for an operation that `outputs` does not know.
 */
export function functionDefinition(source: FunctionSource, outputs: OperationOutputs): Uint8Array {
  const { name, argumentTypes, steps, results } = source;
  const names = steps.map((step) => outputNames(step, outputs));
  const nameOf = (place: Source): string => {
    if (place.from === 'argument') return `a${place.argument}`;
    const output = names[place.step]?.[place.output];
    if (output === undefined) throw new Error(`no output ${place.output} of step ${place.step}`);
    return `s${place.step}:${output}`;
  };
  const writer = new BinaryWriter();
  message(writer, functionField.signature, () => {
    string(writer, signatureField.name, name);
    argumentTypes.forEach((type, index) =>
      message(writer, signatureField.argument, () => argument(writer, `a${index}`, type)),
    );
    results.forEach(({ type }, index) =>
      message(writer, signatureField.result, () => argument(writer, `r${index}`, type)),
    );
  });
  steps.forEach(({ operation, attributes, inputs }, index) =>
    message(writer, functionField.node, () => {
      string(writer, nodeField.name, `s${index}`);
      string(writer, nodeField.operation, operation);
      for (const input of inputs) string(writer, nodeField.input, nameOf(input));
      if (index > 0) string(writer, nodeField.input, `^s${index - 1}`);
      for (const attribute of attributes) {
        message(writer, nodeField.attribute, () => {
          string(writer, entryField.key, attribute.name);
          message(writer, entryField.value, () => attributeValue(writer, attribute));
        });
      }
    }),
  );
  results.forEach(({ source: place }, index) =>
    message(writer, functionField.result, () => {
      string(writer, entryField.key, `r${index}`);
      string(writer, entryField.value, nameOf(place));
    }),
  );
  return writer.finish();
}

/** `name:index` of each output tensor in its argument, in their order. */
function outputNames({ operation, attributes }: FunctionStep, outputs: OperationOutputs): string[] {
  const definition = outputs.get(operation);
  if (definition === undefined) throw new Error(`TensorFlow knows no operation ${operation}`);
  return definition.flatMap(({ name, numberAttribute, typeListAttribute }) => {
    const count = attributes.find((attribute) => attribute.name === numberAttribute)?.value;
    const types = attributes.find((attribute) => attribute.name === typeListAttribute)?.value;
    const length = Array.isArray(types) ? types.length : typeof count === 'number' ? count : 1;
    return Array.from({ length }, (_, index) => `${name}:${index}`);
  });
}

function argument(writer: BinaryWriter, name: string, type: number): void {
  string(writer, argumentField.name, name);
  writer.tag(argumentField.type, WireType.Varint).int32(type);
}

/** `TF_AttrType` of the C interface. */
const kinds = ['string', 'int', 'float', 'bool', 'type', 'shape'] as const;

function attributeValue(writer: BinaryWriter, { name, type, value }: OperationAttribute): void {
  const kind = kinds[type];
  if (kind === undefined) throw new Error(`attribute ${name} is of an unknown kind, ${type}`);
  if (kind === 'shape') {
    message(writer, valueField.shape, () => {
      for (const size of Array.isArray(value) ? value : []) {
        message(writer, shapeField.dimension, () =>
          writer.tag(dimensionField.size, WireType.Varint).int64(Number(size)),
        );
      }
    });
  } else if (Array.isArray(value)) {
    message(writer, valueField.list, () => {
      for (const element of value) scalar(writer, listField[kind], kind, element);
    });
  } else {
    scalar(writer, valueField[kind], kind, value);
  }
}

function scalar(
  writer: BinaryWriter,
  field: number,
  kind: Exclude<(typeof kinds)[number], 'shape'>,
  value: string | number | boolean | Uint8Array,
): void {
  switch (kind) {
    case 'string':
      writer
        .tag(field, WireType.LengthDelimited)
        .bytes(value instanceof Uint8Array ? value : Buffer.from(String(value)));
      return;
    case 'float':
      writer.tag(field, WireType.Bit32).float(Number(value));
      return;
    case 'bool':
      writer.tag(field, WireType.Varint).bool(Boolean(value));
      return;
    case 'int':
    case 'type':
      writer.tag(field, WireType.Varint).int64(Number(value));
  }
}

function string(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function message(writer: BinaryWriter, field: number, content: () => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  content();
  writer.join();
}

/** A tensor of TensorFlow itself, as the binding names it. */
export interface TensorHandle {
  readonly id: number;
  readonly shape: number[];
  /** TensorFlow's number of its type. */
  readonly dtype: number;
}

/** What a tensor is filled with. */
type TensorNumbers = Float32Array | Int32Array | Uint8Array;

/** The binding as functions use it; this package's patch adds the last two methods. */
interface FunctionBinding {
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
interface FunctionBackend {
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
