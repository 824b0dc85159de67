import type { PickleReader } from './reader';

/**
 * Something a pickle may name: a function or a class of Python, replaced by `call`. It gets exactly
 * what the pickle holds and must check it.
 */
export interface PickleGlobal {
  readonly call: (args: readonly unknown[]) => unknown;
}

/** Key of the method by which an object made by a `PickleGlobal` takes its state (`__setstate__`). */
export const setPickleState = Symbol('setPickleState');

/** An object whose state follows it in the pickle. */
export interface PickleStateful {
  [setPickleState](state: unknown): void;
}

/** A global as it lies on the stack; only these can be called. */
export class NamedGlobal {
  readonly name: string;
  readonly call: PickleGlobal['call'];

  constructor(name: string, { call }: PickleGlobal) {
    this.name = name;
    this.call = call;
  }
}

/** The stack, its marks and the memo of a pickle being read. */
export class PickleMachine {
  readonly reader: PickleReader;
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  readonly persistentLoad: ((id: unknown) => unknown) | undefined;
  private readonly stack: unknown[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();

  constructor(
    reader: PickleReader,
    globals: ReadonlyMap<string, PickleGlobal>,
    persistentLoad: ((id: unknown) => unknown) | undefined,
  ) {
    this.reader = reader;
    this.globals = globals;
    this.persistentLoad = persistentLoad;
  }

  push(value: unknown): void {
    this.stack.push(value);
  }

  pop(): unknown {
    this.requireValue();
    return this.stack.pop();
  }

  top(): unknown {
    this.requireValue();
    return this.stack.at(-1);
  }

  /** Python's POP: drops a value, or a mark when no value lies above it. */
  drop(): void {
    if (this.stack.length === this.marks.at(-1)) this.marks.pop();
    else this.pop();
  }

  mark(): void {
    this.marks.push(this.stack.length);
  }

  /** Takes everything above the last mark, and the mark. */
  popToMark(): unknown[] {
    const start = this.marks.pop();
    if (start === undefined) throw this.reader.fault('a pickle closes a group it never opened');
    const items = this.stack.slice(start);
    this.stack.length = start;
    return items;
  }

  remember(index: number | bigint): void {
    this.memo.set(Number(index), this.top());
  }

  rememberNext(): void {
    this.remember(this.memo.size);
  }

  recall(index: number | bigint): void {
    if (!this.memo.has(Number(index))) {
      throw this.reader.fault('a pickle refers to a value it never stored', `number ${index}`);
    }
    this.push(this.memo.get(Number(index)));
  }

  private requireValue(): void {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) {
      throw this.reader.fault('a pickle takes a value from an empty stack');
    }
  }
}

/** What one opcode does. */
export type PickleOperation = (machine: PickleMachine) => void;
