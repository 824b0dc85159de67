import { type Zippable, zipSync } from 'fflate';
import { fileError } from '../errors';
import type { StateDict } from './state-dict';
import { sizeOf } from './numbers';
import { storedForm, type StoredTensor } from './pth';

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

/** The folder within the archive; PyTorch takes whatever it is called. */
const folder = 'archive';
/** The version of the form that `torch.save` writes since 1.6. */
const formVersion = '3\n';
/** The earliest date that a zip archive knows: equal weights shall give equal bytes. */
const noDate = new Date(1980, 0, 1);
/** An archive beyond this would need the wide form of zip (Zip64), which is not written here. */
const largestArchive = 2 ** 32 - 1;

/**
 * The bytes of a state dict as `torch.save(model.state_dict(), file)` writes it: a zip archive with a
 * pickle of an `OrderedDict` of tensors and the numbers of each beside it. `torch.load` opens it with
 * `weights_only=True`. Float32, batch norm's counters int64; equal weights give equal bytes.
 *
 * @throws LabError of kind `file` for weights of 4 GiB or more.
 */
export function encodePth(tensors: StateDict): Uint8Array {
  const stored = [...tensors].map(([name, entry]) => storedForm(name, entry));
  const total = stored.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  if (total >= largestArchive) {
    throw fileError`these weights are too many for a .pth: found ${total} bytes. Write a .safetensors`;
  }
  const files: Zippable = {
    [`${folder}/data.pkl`]: pickledStateDict(stored),
    [`${folder}/byteorder`]: Buffer.from('little'),
  };
  stored.forEach(({ bytes }, key) => {
    files[`${folder}/data/${key}`] = bytes;
  });
  files[`${folder}/version`] = Buffer.from(formVersion);
  return zipSync(files, { level: 0, mtime: noDate });
}

/** The state dict in the words of `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …)`. */
function pickledStateDict(tensors: readonly StoredTensor[]): Uint8Array {
  const pickle = new PickleWriter();
  const emptyDictionary = (): void => pickle.call('collections', 'OrderedDict', () => undefined);
  emptyDictionary();
  pickle.items(() => {
    tensors.forEach(({ name, dtype, shape }, key) => {
      pickle.text(name);
      pickle.call('torch._utils', '_rebuild_tensor_v2', () => {
        pickle.persistent(() => {
          pickle.text('storage');
          pickle.global('torch', dtype === 'I64' ? 'LongStorage' : 'FloatStorage');
          pickle.text(String(key));
          pickle.text('cpu');
          pickle.integer(sizeOf(shape));
        });
        pickle.integer(0);
        pickle.integers(shape);
        pickle.integers(shape.map((_, axis) => sizeOf(shape.slice(axis + 1))));
        pickle.false();
        // No hooks run when gradients pass through a saved tensor.
        emptyDictionary();
      });
    });
  });
  return pickle.end();
}
