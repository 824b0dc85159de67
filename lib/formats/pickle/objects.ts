import {
  NamedGlobal,
  setPickleState,
  type PickleMachine,
  type PickleOperation,
  type PickleStateful,
} from './machine';

/** Opcodes that name, call and fill objects; keyed by the opcode's byte. */
export const objectOperations: ReadonlyMap<number, PickleOperation> = new Map<
  number,
  PickleOperation
>([
  [0x63, (machine) => pushGlobal(machine, machine.reader.line(), machine.reader.line())], // GLOBAL
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
  return new NamedGlobal(fullName, known);
}

function pushGlobal(machine: PickleMachine, module: unknown, name: unknown): void {
  machine.push(resolve(machine, module, name));
}

function pushStackGlobal(machine: PickleMachine): void {
  const name = machine.pop();
  const module = machine.pop();
  if (typeof name !== 'string' || typeof module !== 'string') {
    throw machine.reader.fault('a pickle names Python code by something that is not text');
  }
  pushGlobal(machine, module, name);
}

function call(machine: PickleMachine, callee: unknown, args: unknown): void {
  if (!(callee instanceof NamedGlobal) || !Array.isArray(args)) {
    throw machine.reader.fault('a pickle calls something that cannot be called');
  }
  machine.push(callee.call(args));
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
