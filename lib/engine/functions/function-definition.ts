import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { OperationAttribute } from '../native';
import type { OperationOutputs } from './operation-outputs';

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
export interface FunctionSource {
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
