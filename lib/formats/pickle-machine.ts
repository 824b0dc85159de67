import { constants } from 'node:buffer';
import { fileError, type LabError } from '../errors';
import { limitOf, requireWithin } from '../limits';

/** Where a pickle came from, for messages. */
interface PickleOrigin {
  readonly where: string;
  readonly fix: string;
}

/** Integers longer than this are refused: no file of numbers needs them, and parsing them is slow. */
const longestInteger = 256;

/** Reads the argument of each opcode; refuses to read past the end. */
export class PickleReader {
  private readonly view: DataView;

  /** @param position index of the next byte */
  constructor(
    private readonly bytes: Uint8Array,
    public position: number,
    private readonly origin: PickleOrigin,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The file, for messages. */
  get where(): string {
    return this.origin.where;
  }

  /** The error for a pickle that cannot be read, with the byte at which that was noticed. */
  fault(what: string, found?: string): LabError {
    const { where, fix: remedy } = this.origin;
    return fileError`${what} (${where}, byte ${this.position})${found === undefined ? '' : `: found ${found}`}. ${remedy}`;
  }

  /** `length` bytes, shared with the input. */
  take(length: number): Uint8Array {
    return this.bytes.subarray(this.advance(length), this.position);
  }

  uint8(): number {
    return this.view.getUint8(this.advance(1));
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  /** A length of eight bytes; one that no file can have is refused. */
  length64(): number {
    const length = this.view.getBigUint64(this.advance(8), true);
    if (length > BigInt(this.bytes.length)) throw this.truncated(Number(length));
    return Number(length);
  }

  float64(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  /** Bytes as the characters U+0000 to U+00FF, one each, as Python's `encoding='latin1'` does. */
  latin1(length: number): string {
    return this.text(length, 'latin1');
  }

  utf8(length: number): string {
    return this.text(length, 'utf8');
  }

  /** Text up to a line feed, which is skipped. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) throw this.fault('a pickle ends inside a line of text');
    const text = this.latin1(end - this.position);
    this.position += 1;
    return text;
  }

  /** Little-endian two's complement of `length` bytes. */
  integer(length: number): number | bigint {
    if (length > longestInteger) {
      throw this.fault('a pickle holds an integer too long to be a number', `${length} bytes`);
    }
    const bytes = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
    return plainInteger(length === 0 ? 0n : BigInt.asIntN(8 * length, value));
  }

  /** A decimal integer on its own line, with or without Python 2's closing `L`. */
  decimalLine(): number | bigint {
    const text = this.line().trim().replace(/L$/, '');
    if (text.length > longestInteger || !/^[+-]?\d+$/.test(text)) {
      throw this.fault('a pickle holds a malformed integer', `'${text.slice(0, 20)}'`);
    }
    return plainInteger(BigInt(text));
  }

  private text(length: number, encoding: 'latin1' | 'utf8'): string {
    const bytes = this.take(length);
    if (length > constants.MAX_STRING_LENGTH) {
      throw this.fault('a pickle holds a text that is too long', `${length} bytes`);
    }
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
  }

  private advance(length: number): number {
    const start = this.position;
    if (length < 0 || start + length > this.bytes.length) throw this.truncated(length);
    this.position = start + length;
    return start;
  }

  private truncated(length: number): LabError {
    const left = this.bytes.length - this.position;
    return this.fault('a pickle is cut off', `${left} bytes where ${length} are asked for`);
  }
}

function plainInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * Something a pickle may name: a function or a class of Python, replaced by `call`. It gets exactly
 * what the pickle holds and must check it; one that copies as many values as it is given says so to `spend`.
 */
export interface PickleGlobal {
  readonly call: (args: readonly unknown[], spend: (values: number) => void) => unknown;
}

/** Key of the method by which an object made by a `PickleGlobal` takes its state (`__setstate__`). */
export const setPickleState = Symbol('setPickleState');

/** An object whose state follows it in the pickle. */
export interface PickleStateful {
  [setPickleState](state: unknown): void;
}

/** A global as it lies on the stack; only these can be called. */
export class NamedGlobal {
  constructor(
    readonly name: string,
    readonly call: PickleGlobal['call'],
  ) {}
}

/** The stack, its marks and the memo of a pickle being read. */
export class PickleMachine {
  private readonly stack: unknown[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();
  private readonly mostValues = limitOf('pickleValues');
  private values = 0;

  constructor(
    readonly reader: PickleReader,
    readonly globals: ReadonlyMap<string, PickleGlobal>,
    readonly persistentLoad: ((id: unknown) => unknown) | undefined,
  ) {}

  /** Counts what the pickle makes, and refuses one that makes more than any file needs. */
  readonly spend = (values: number): void => {
    this.values += values;
    if (this.values > this.mostValues) {
      requireWithin('pickleValues', this.values, this.reader.where);
    }
  };

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
