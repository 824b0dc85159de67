import type { PickleMachine, PickleOperation } from './machine';

/** Opcodes for tuples, lists, dicts, sets, the stack and the memo; keyed by the opcode's byte. */
export const containerOperations: ReadonlyMap<number, PickleOperation> = new Map<
  number,
  PickleOperation
>([
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
