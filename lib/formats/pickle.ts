import {
  NamedGlobal,
  type PickleGlobal,
  PickleMachine,
  type PickleOperation,
  PickleReader,
  type PickleStateful,
  setPickleState,
} from './pickle-machine';

/** Opcodes that push a number, a string or bytes; keyed by the opcode's byte. */
const literalOperations: ReadonlyMap<number, PickleOperation> = new Map([
  [0x4e, literal(() => null)], // NONE
  [0x88, literal(() => true)], // NEWTRUE
  [0x89, literal(() => false)], // NEWFALSE
  [0x49, literal(integerOrBoolean)], // INT
  [0x4c, literal(({ reader }) => reader.decimalLine())], // LONG
  [0x4a, literal(({ reader }) => reader.int32())], // BININT
  [0x4b, literal(({ reader }) => reader.uint8())], // BININT1
  [0x4d, literal(({ reader }) => reader.uint16())], // BININT2
  [0x8a, literal(({ reader }) => reader.integer(reader.uint8()))], // LONG1
  [0x8b, literal(({ reader }) => reader.integer(reader.int32()))], // LONG4
  [0x46, literal(decimalFloat)], // FLOAT
  [0x47, literal(({ reader }) => reader.float64())], // BINFLOAT
  [0x53, literal(quotedString)], // STRING
  [0x54, literal(({ reader }) => reader.latin1(reader.int32()))], // BINSTRING
  [0x55, literal(({ reader }) => reader.latin1(reader.uint8()))], // SHORT_BINSTRING
  [0x42, literal(({ reader }) => reader.take(reader.uint32()))], // BINBYTES
  [0x43, literal(({ reader }) => reader.take(reader.uint8()))], // SHORT_BINBYTES
  [0x8e, literal(({ reader }) => reader.take(reader.length64()))], // BINBYTES8
  [0x96, literal(({ reader }) => reader.take(reader.length64()).slice())], // BYTEARRAY8
  [0x56, literal(escapedUnicode)], // UNICODE
  [0x58, literal(({ reader }) => reader.utf8(reader.uint32()))], // BINUNICODE
  [0x8c, literal(({ reader }) => reader.utf8(reader.uint8()))], // SHORT_BINUNICODE
  [0x8d, literal(({ reader }) => reader.utf8(reader.length64()))], // BINUNICODE8
]);

function literal(read: (machine: PickleMachine) => unknown): PickleOperation {
  return (machine) => {
    machine.push(read(machine));
  };
}

/** Protocol 0 writes True and False as the integers `01` and `00`. */
function integerOrBoolean({ reader }: PickleMachine): unknown {
  const start = reader.position;
  const text = reader.line();
  if (text === '01') return true;
  if (text === '00') return false;
  reader.position = start;
  return reader.decimalLine();
}

function decimalFloat({ reader }: PickleMachine): number {
  const text = reader.line().trim();
  const special = { inf: Infinity, '-inf': -Infinity, nan: NaN }[text];
  const value = special ?? Number(text);
  if (text === '' || (special === undefined && Number.isNaN(value))) {
    throw reader.fault('a pickle holds a malformed number', `'${text.slice(0, 20)}'`);
  }
  return value;
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Protocol 0's 8-bit string: Python 2's `repr`, one character a byte. */
function quotedString({ reader }: PickleMachine): string {
  const text = reader.line();
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote) {
    throw reader.fault('a pickle holds a string without quotes', `'${text.slice(0, 20)}'`);
  }
  return text
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/g, (whole, hexadecimal, octal, letter) => {
      if (hexadecimal !== undefined) return String.fromCharCode(parseInt(hexadecimal, 16));
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8) & 0xff);
      return escapes[letter] ?? whole;
    });
}

/** Protocol 0's unicode string: Python's `raw-unicode-escape`. */
function escapedUnicode({ reader }: PickleMachine): string {
  return reader.line().replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/g, (_, short, long) => {
    const code = parseInt(short ?? long, 16);
    if (code > 0x10ffff) throw reader.fault('a pickle holds a character that does not exist');
    return String.fromCodePoint(code);
  });
}

/** Opcodes for tuples, lists, dicts, sets, the stack and the memo; keyed by the opcode's byte. */
const containerOperations: ReadonlyMap<number, PickleOperation> = new Map<number, PickleOperation>([
  [0x28, (machine) => machine.mark()], // MARK
  [0x30, (machine) => machine.drop()], // POP
  [0x31, (machine) => void machine.popToMark()], // POP_MARK
  [0x32, (machine) => machine.push(machine.top())], // DUP

  [0x70, (machine) => machine.remember(machine.reader.decimalLine())], // PUT
  [0x71, (machine) => machine.remember(machine.reader.uint8())], // BINPUT
  [0x72, (machine) => machine.remember(machine.reader.uint32())], // LONG_BINPUT
  [0x94, (machine) => machine.rememberNext()], // MEMOIZE
  [0x67, (machine) => machine.recall(machine.reader.decimalLine())], // GET
  [0x68, (machine) => machine.recall(machine.reader.uint8())], // BINGET
  [0x6a, (machine) => machine.recall(machine.reader.uint32())], // LONG_BINGET

  [0x29, (machine) => machine.push(tuple([]))], // EMPTY_TUPLE
  [0x74, (machine) => machine.push(tuple(machine.popToMark()))], // TUPLE
  [0x85, (machine) => pushTuple(machine, 1)], // TUPLE1
  [0x86, (machine) => pushTuple(machine, 2)], // TUPLE2
  [0x87, (machine) => pushTuple(machine, 3)], // TUPLE3

  [0x5d, (machine) => machine.push([])], // EMPTY_LIST
  [0x6c, (machine) => machine.push(machine.popToMark())], // LIST
  [0x61, (machine) => append(machine, [machine.pop()])], // APPEND
  [0x65, (machine) => append(machine, machine.popToMark())], // APPENDS

  [0x7d, (machine) => machine.push(new Map())], // EMPTY_DICT
  [0x64, pushDict], // DICT
  [0x73, setItem], // SETITEM
  [0x75, (machine) => setItems(machine, machine.popToMark())], // SETITEMS

  [0x8f, (machine) => machine.push(new Set())], // EMPTY_SET
  [0x90, addItems], // ADDITEMS
  [0x91, (machine) => machine.push(new Set(machine.popToMark()))], // FROZENSET
]);

/** Tuples are frozen arrays, so that no later opcode appends to one. */
function tuple(items: unknown[]): readonly unknown[] {
  return Object.freeze(items);
}

function pushTuple(machine: PickleMachine, length: number): void {
  const items: unknown[] = [];
  for (let i = 0; i < length; i++) items.unshift(machine.pop());
  machine.push(tuple(items));
}

function append(machine: PickleMachine, items: readonly unknown[]): void {
  const list = machine.top();
  if (!Array.isArray(list) || Object.isFrozen(list)) {
    throw machine.reader.fault('a pickle appends to something that is not a list');
  }
  for (const item of items) list.push(item);
}

function pushDict(machine: PickleMachine): void {
  const items = machine.popToMark();
  machine.push(new Map());
  setItems(machine, items);
}

function setItem(machine: PickleMachine): void {
  const value = machine.pop();
  setItems(machine, [machine.pop(), value]);
}

function setItems(machine: PickleMachine, items: readonly unknown[]): void {
  const dict = machine.top();
  if (!(dict instanceof Map) || items.length % 2 !== 0) {
    throw machine.reader.fault('a pickle sets items of something that is not a dict');
  }
  for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
}

function addItems(machine: PickleMachine): void {
  const items = machine.popToMark();
  const set = machine.top();
  if (!(set instanceof Set)) {
    throw machine.reader.fault('a pickle adds items to something that is not a set');
  }
  for (const item of items) set.add(item);
}

/** Opcodes that name, call and fill objects; keyed by the opcode's byte. */
const objectOperations: ReadonlyMap<number, PickleOperation> = new Map<number, PickleOperation>([
  [0x63, (machine) => machine.push(resolve(machine, machine.reader.line(), machine.reader.line()))], // GLOBAL
  [0x93, pushStackGlobal], // STACK_GLOBAL
  [0x52, callTop], // REDUCE
  [0x81, callTop], // NEWOBJ
  [0x92, callWithKeywords], // NEWOBJ_EX
  [0x69, callNamed], // INST
  [0x6f, callMarked], // OBJ
  [0x62, setState], // BUILD
  [0x50, (machine) => pushPersistent(machine, machine.reader.line())], // PERSID
  [0x51, (machine) => pushPersistent(machine, machine.pop())], // BINPERSID
]);

function resolve(machine: PickleMachine, module: unknown, name: unknown): NamedGlobal {
  const fullName = `${String(module)}.${String(name)}`;
  const known = machine.globals.get(fullName);
  if (known === undefined) {
    throw machine.reader.fault(
      'a pickle names Python code that is not on the list of what it may hold',
      `'${fullName.slice(0, 80)}' (nothing of it was run)`,
    );
  }
  return new NamedGlobal(fullName, known.call);
}

function pushStackGlobal(machine: PickleMachine): void {
  const name = machine.pop();
  const module = machine.pop();
  if (typeof name !== 'string' || typeof module !== 'string') {
    throw machine.reader.fault('a pickle names Python code by something that is not text');
  }
  machine.push(resolve(machine, module, name));
}

function call(machine: PickleMachine, callee: unknown, args: unknown): void {
  if (!(callee instanceof NamedGlobal) || !Array.isArray(args)) {
    throw machine.reader.fault('a pickle calls something that cannot be called');
  }
  machine.push(callee.call(args, machine.spend));
}

function callTop(machine: PickleMachine): void {
  const args = machine.pop();
  call(machine, machine.pop(), args);
}

function callWithKeywords(machine: PickleMachine): void {
  const keywords = machine.pop();
  if (!(keywords instanceof Map) || keywords.size > 0) {
    throw machine.reader.fault('a pickle makes an object with keyword arguments');
  }
  callTop(machine);
}

function callNamed(machine: PickleMachine): void {
  const callee = resolve(machine, machine.reader.line(), machine.reader.line());
  call(machine, callee, machine.popToMark());
}

function callMarked(machine: PickleMachine): void {
  const [callee, ...args] = machine.popToMark();
  call(machine, callee, args);
}

function setState(machine: PickleMachine): void {
  const state = machine.pop();
  const target = machine.top();
  if (!isStateful(target)) {
    throw machine.reader.fault('a pickle gives a state to something that takes none');
  }
  target[setPickleState](state);
}

function isStateful(value: unknown): value is PickleStateful {
  return typeof value === 'object' && value !== null && setPickleState in value;
}

function pushPersistent(machine: PickleMachine, id: unknown): void {
  if (machine.persistentLoad === undefined) {
    throw machine.reader.fault('a pickle refers to data stored outside it');
  }
  machine.push(machine.persistentLoad(id));
}

export { setPickleState, type PickleGlobal, type PickleStateful } from './pickle-machine';

interface UnpickleOptions {
  /** What the pickle may name, by full name (`numpy.dtype`); default: nothing. */
  readonly globals?: ReadonlyMap<string, PickleGlobal>;
  /** Gives the value for data stored outside the pickle (`persistent_load`); default: refused. */
  readonly persistentLoad?: (id: unknown) => unknown;
  /** The file's name, for messages. */
  readonly where?: string;
  /** What the reader can do about a faulty file. */
  readonly fix?: string;
  /** First byte of the pickle; default 0. */
  readonly start?: number;
}

interface Unpickled {
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
 * A pickle that makes more values than the limit is refused (`limits.ts`).
 *
 * Protocol: docs.python.org/3/library/pickletools.html. Out-of-band buffers and the extension
 * registry are refused.
 *
 * @throws LabError of kind `file` for any pickle that is damaged, cut off, or names something else.
 */
export function unpickle(bytes: Uint8Array, options: UnpickleOptions = {}): Unpickled {
  const reader = new PickleReader(bytes, options.start ?? 0, {
    where: options.where ?? 'a pickle',
    fix: options.fix ?? 'The file is damaged or was not written by Python: get it again',
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
    machine.spend(1);
    operation(machine);
  }
}

function checkProtocol({ reader }: PickleMachine): void {
  const protocol = reader.uint8();
  if (protocol > newestProtocol) {
    throw reader.fault('a pickle is of an unknown protocol', String(protocol));
  }
}
