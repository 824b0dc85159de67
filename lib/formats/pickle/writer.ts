/** The operations of pickle's protocol 2 that a state dict needs, by the names of Python's `pickletools`. */
const opcode = {
  protocol: [0x80, 2],
  mark: [0x28],
  global: [0x63],
  reduce: [0x52],
  tuple: [0x74],
  persistentId: [0x51],
  setItems: [0x75],
  text: [0x58],
  integer: [0x4a],
  false: [0x89],
  stop: [0x2e],
} as const;

/** Largest integer of four bytes. */
const largestInteger = 2 ** 31 - 1;

/**
 * Writes a Python pickle piece by piece: what is written last lies on top of the reader's stack. Only
 * what a state dict consists of.
 */
export class PickleWriter {
  readonly #pieces: Uint8Array[] = [];

  constructor() {
    this.#put(opcode.protocol);
  }

  /** A function or class of Python by its name. */
  global(module: string, name: string): void {
    this.#put(opcode.global, Buffer.from(`${module}\n${name}\n`));
  }

  /** The value of `module.name(…)` with the arguments that `args` writes. */
  call(module: string, name: string, args: () => void): void {
    this.global(module, name);
    this.#tuple(args);
    this.#put(opcode.reduce);
  }

  /** What `persistent_load` makes of the tuple that `id` writes. */
  persistent(id: () => void): void {
    this.#tuple(id);
    this.#put(opcode.persistentId);
  }

  /** Puts the keys and values that `pairs` writes, in turn, into the dictionary on top. */
  items(pairs: () => void): void {
    this.#put(opcode.mark);
    pairs();
    this.#put(opcode.setItems);
  }

  text(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    this.#put(opcode.text, length, bytes);
  }

  /** An integer from 0 to 2³¹ − 1. */
  integer(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > largestInteger) {
      throw new RangeError(`${value} is no integer of four bytes`);
    }
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    this.#put(opcode.integer, bytes);
  }

  /** A tuple of integers. */
  integers(values: readonly number[]): void {
    this.#tuple(() => values.forEach((value) => this.integer(value)));
  }

  false(): void {
    this.#put(opcode.false);
  }

  /** The whole pickle. */
  end(): Uint8Array {
    this.#put(opcode.stop);
    return Buffer.concat(this.#pieces);
  }

  #tuple(items: () => void): void {
    this.#put(opcode.mark);
    items();
    this.#put(opcode.tuple);
  }

  #put(operation: readonly number[], ...data: readonly Uint8Array[]): void {
    this.#pieces.push(Uint8Array.from(operation), ...data);
  }
}
