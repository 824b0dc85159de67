import { containerOperations } from './pickle/containers';
import { literalOperations } from './pickle/literals';
import { PickleMachine, type PickleGlobal, type PickleOperation } from './pickle/machine';
import { objectOperations } from './pickle/objects';
import { PickleReader } from './pickle/reader';

export { setPickleState, type PickleGlobal, type PickleStateful } from './pickle/machine';

export interface UnpickleOptions {
  /** What the pickle may name, by full name (`numpy.dtype`); default: nothing. */
  readonly globals?: ReadonlyMap<string, PickleGlobal>;
  /** Gives the value for data stored outside the pickle (`persistent_load`); default: refused. */
  readonly persistentLoad?: (id: unknown) => unknown;
  /** The file's name, for messages. */
  readonly where?: string;
  /** What the reader can do about a faulty file. */
  readonly remedy?: string;
  /** First byte of the pickle; default 0. */
  readonly start?: number;
}

export interface Unpickled {
  readonly value: unknown;
  /** Index of the byte after the pickle, where another one may follow. */
  readonly end: number;
}

const stop = 0x2e;
const newestProtocol = 5;

const operations: ReadonlyMap<number, PickleOperation> = new Map([
  ...literalOperations,
  ...containerOperations,
  ...objectOperations,
  [0x80, checkProtocol],
  // A frame only groups opcodes for buffered reading.
  [0x95, ({ reader }: PickleMachine) => void reader.length64()],
]);

/**
 * Reads one Python pickle of protocol 0 to 5. Nothing of it is ever run: every function or class
 * that it names must be in `globals`, which says what stands in for it.
 *
 * None → null; int → number, or bigint beyond 2⁵³; str → string; Python 2's str → string of one
 * character a byte (latin1); bytes → Uint8Array (shared with the input); list → array; tuple →
 * frozen array; dict → Map; set → Set.
 *
 * Protocol: docs.python.org/3/library/pickletools.html. Out-of-band buffers and the extension
 * registry are refused.
 *
 * @throws LabError of kind `file` for any pickle that is damaged, cut off, or names something else.
 */
export function unpickle(bytes: Uint8Array, options: UnpickleOptions = {}): Unpickled {
  const reader = new PickleReader(bytes, options.start ?? 0, {
    where: options.where ?? 'a pickle',
    remedy: options.remedy ?? 'The file is damaged or was not written by Python: get it again',
  });
  const machine = new PickleMachine(reader, options.globals ?? new Map(), options.persistentLoad);
  try {
    return { value: run(machine), end: reader.position };
  } catch (error) {
    // More text or entries than the runtime can hold.
    if (error instanceof RangeError) throw reader.fault('a pickle is too large', error.message);
    throw error;
  }
}

/** Runs operations up to STOP and gives the value then on top of the stack. */
function run(machine: PickleMachine): unknown {
  const { reader } = machine;
  for (;;) {
    const opcode = reader.uint8();
    if (opcode === stop) return machine.pop();
    const operation = operations.get(opcode);
    if (operation === undefined) {
      throw reader.fault('a pickle holds an unknown operation', `0x${opcode.toString(16)}`);
    }
    operation(machine);
  }
}

function checkProtocol({ reader }: PickleMachine): void {
  const protocol = reader.uint8();
  if (protocol > newestProtocol) {
    throw reader.fault('a pickle is of an unknown protocol', String(protocol));
  }
}
