import { constants } from 'node:buffer';
import { LabError } from '../../errors';

/** Where a pickle came from, for messages. */
export interface PickleOrigin {
  readonly where: string;
  readonly remedy: string;
}

/** Integers longer than this are refused: no file of numbers needs them, and parsing them is slow. */
const longestInteger = 256;

/** Reads the argument of each opcode; refuses to read past the end. */
export class PickleReader {
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  private readonly origin: PickleOrigin;
  /** Index of the next byte. */
  position: number;

  constructor(bytes: Uint8Array, position: number, origin: PickleOrigin) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
    this.origin = origin;
  }

  /** The error for a pickle that cannot be read, with the byte at which that was noticed. */
  fault(what: string, found?: string): LabError {
    const { where, remedy } = this.origin;
    return new LabError({
      kind: 'file',
      what,
      where: `${where}, byte ${this.position}`,
      ...(found === undefined ? {} : { found }),
      remedy,
    });
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
