import { BinaryReader, type WireType } from '@bufbuild/protobuf/wire';

/** One output of an operation as its definition names it: a tensor, or a list of as many as an attribute says. */
interface OutputArgument {
  readonly name: string;
  /** The attribute that holds the number of tensors. */
  readonly numberAttribute: string;
  /** The attribute that lists the tensors' types. */
  readonly typeListAttribute: string;
}

/** The outputs of every operation of this TensorFlow, by the operation's name. */
export type OperationOutputs = ReadonlyMap<string, readonly OutputArgument[]>;

/** Field numbers of TensorFlow's `op_def.proto`. */
const listField = { operation: 1 } as const;
const operationField = { name: 1, output: 3 } as const;
const argumentField = { name: 1, numberAttribute: 5, typeListAttribute: 6 } as const;

/**
 * Reads a serialized `OpList`.
 *
 * @throws RangeError for bytes that are none.
 */
export function readOperationOutputs(bytes: Uint8Array): OperationOutputs {
  const operations = new Map<string, OutputArgument[]>();
  eachField(bytes, (field, read) => {
    if (field !== listField.operation) return;
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
    if (field === argumentField.name) argument.name = text(read());
    if (field === argumentField.numberAttribute) argument.numberAttribute = text(read());
    if (field === argumentField.typeListAttribute) argument.typeListAttribute = text(read());
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
