import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import { tidied } from '../engine/tidy';
import { modelError } from '../errors';
import type { StateDict, StateEntry } from '../formats/state-dict';

export type { StateDict, StateEntry };

/** How a tensor lies here and in PyTorch. Convolutions are HWIO here and OIHW there. */
type Layout = 'convolution' | 'same';

/** A tensor of a model under its PyTorch name; replaced as a whole, never changed in place. */
export interface StateTensor {
  readonly name: string;
  /** Whether an optimiser may change it; running statistics are not. */
  readonly trainable: boolean;
  readonly layout: Layout;
  /** Whether it is a norm's scale or shift, which some optimisers leave undecayed. */
  readonly ofNorm: boolean;
  /** In this package's layout. */
  readonly value: tf.Tensor;
  /** Takes ownership of the tensor and disposes of the old one. */
  replace(value: tf.Tensor): void;
}

type TensorKind = Pick<StateTensor, 'trainable' | 'layout'> & Partial<Pick<StateTensor, 'ofNorm'>>;

/**
 * All tensors of a model (or of a part with weights of its own, such as the embedding adapter), under
 * PyTorch's names and in PyTorch's order.
 */
export class ModelState {
  readonly #tensors = new Map<string, OwnedTensor>();
  /** Names in PyTorch's order, `num_batches_tracked` included. */
  readonly #names: string[] = [];
  readonly #counters = new Map<string, number>();
  readonly #onFreeDerived: (() => void)[] = [];

  /** Adds a tensor; it belongs to the state from here on. */
  add(name: string, value: tf.Tensor, kind: TensorKind): StateTensor {
    if (this.#names.includes(name)) throw new Error(`two tensors are called ${name}`);
    const tensor = new OwnedTensor(name, kind, value);
    this.#tensors.set(name, tensor);
    this.#names.push(name);
    return tensor;
  }

  /** Adds PyTorch's count of the batches that a batch norm has seen. */
  addCounter(name: string): { increment(by: number): void } {
    this.#names.push(name);
    this.#counters.set(name, 0);
    return {
      increment: (by) => this.#counters.set(name, (this.#counters.get(name) ?? 0) + by),
    };
  }

  /** PyTorch's counts of batches, by their names. */
  get counts(): ReadonlyMap<string, number> {
    return new Map(this.#counters);
  }

  /** Sets those of `counts` that are named. */
  setCounts(counts: ReadonlyMap<string, number>): void {
    for (const [name, count] of counts) this.#counters.set(name, count);
  }

  /** The tensor of this name. */
  tensor(name: string): StateTensor {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new Error(`no tensor is called ${name}`);
    return tensor;
  }

  /** Called before the tensors are freed or changed by training, to free what was derived from them. */
  onFreeDerived(callback: () => void): void {
    this.#onFreeDerived.push(callback);
  }

  /** Frees what was derived from the tensors; it is made again when it is needed. */
  freeDerived(): void {
    for (const callback of this.#onFreeDerived) callback();
  }

  /** What an optimiser changes, in order. */
  get trainable(): StateTensor[] {
    return [...this.#tensors.values()].filter(({ trainable }) => trainable);
  }

  /** All tensors, running statistics too, in order. */
  get tensors(): StateTensor[] {
    return [...this.#tensors.values()];
  }

  /** How many numbers the optimiser changes. */
  get parameterCount(): number {
    return this.trainable.reduce((sum, { value }) => sum + value.size, 0);
  }

  /**
   * Runs `work` with other values in the place of what an optimiser changes, and puts the own ones back.
   * The values stay the caller's.
   *
   * @param values in the order and shapes of `trainable`
   */
  withTrainable<T>(values: readonly tf.Tensor[], work: () => T): T {
    const tensors = [...this.#tensors.values()].filter(({ trainable }) => trainable);
    const own = tensors.map(({ value }) => value);
    if (own.some(({ shape }, index) => shape.join() !== values[index]?.shape.join())) {
      throw new Error('the values are not those of this model');
    }
    const set = (others: readonly tf.Tensor[]): void =>
      others.forEach((other, index) => tensors[index]?.lend(other));
    set(values);
    try {
      return work();
    } finally {
      set(own);
    }
  }

  /** A copy in PyTorch's names, order, shapes and layouts. */
  stateDict(): Map<string, StateEntry> {
    const entries = new Map<string, StateEntry>();
    for (const name of this.#names) {
      const tensor = this.#tensors.get(name);
      entries.set(
        name,
        tensor === undefined
          ? { shape: [], data: Float32Array.of(this.#counters.get(name) ?? 0) }
          : toPyTorch(tensor),
      );
    }
    return entries;
  }

  /**
   * Takes weights over. Batch norm's counters may be missing; nothing else may be missing or left over.
   *
   * @throws LabError of kind `model` that names the first entry that does not fit; then nothing changes.
   */
  loadStateDict(entries: StateDict, where?: string): void {
    const problem = this.#misfit(entries);
    if (problem !== undefined) {
      throw modelError`the weights are not those of this model${where === undefined ? '' : ` (${where})`}: found ${problem}. Name the model that the file was saved from, with its number of classes`;
    }
    for (const [name, entry] of entries) {
      const tensor = this.#tensors.get(name);
      if (tensor === undefined) this.#counters.set(name, entry.data[0] ?? 0);
      else tensor.replace(fromPyTorch(entry, tensor.layout));
    }
  }

  /** Frees all tensors. */
  dispose(): void {
    this.freeDerived();
    for (const tensor of this.#tensors.values()) tensor.value.dispose();
    this.#tensors.clear();
  }

  #misfit(entries: StateDict): string | undefined {
    for (const [name, tensor] of this.#tensors) {
      const entry = entries.get(name);
      if (entry === undefined) return `no '${name}'`;
      const expected = pyTorchShape(tensor);
      if (expected.join() !== entry.shape.join()) {
        return `'${name}' of shape [${entry.shape.join(', ')}] where [${expected.join(', ')}] belongs`;
      }
      if (!entry.data.every(Number.isFinite)) return `'${name}' with a value that is not finite`;
    }
    const extra = [...entries.keys()].find((name) => !this.#names.includes(name));
    return extra === undefined ? undefined : `'${extra}', which this model does not have`;
  }
}

class OwnedTensor implements StateTensor {
  readonly trainable: boolean;
  readonly layout: Layout;
  readonly ofNorm: boolean;
  #value: tf.Tensor;

  constructor(
    readonly name: string,
    { trainable, layout, ofNorm = false }: TensorKind,
    value: tf.Tensor,
  ) {
    this.trainable = trainable;
    this.layout = layout;
    this.ofNorm = ofNorm;
    this.#value = tf.keep(value);
  }

  get value(): tf.Tensor {
    return this.#value;
  }

  /** Shows another tensor without owning it; the own one must be put back. */
  lend(value: tf.Tensor): void {
    this.#value = value;
  }

  replace(value: tf.Tensor): void {
    const old = this.#value;
    this.#value = tf.keep(value);
    if (old !== value) old.dispose();
  }
}

function pyTorchShape({ layout, value }: StateTensor): number[] {
  if (layout === 'same') return [...value.shape];
  const [height = 0, width = 0, inputs = 0, outputs = 0] = value.shape;
  return [outputs, inputs, height, width];
}

function toPyTorch(tensor: StateTensor): StateEntry {
  const data = tidied(() => {
    const value =
      tensor.layout === 'same' ? tensor.value : tf.transpose(tensor.value, [3, 2, 0, 1]);
    return value.dataSync<'float32'>().slice();
  });
  return { shape: pyTorchShape(tensor), data };
}

function fromPyTorch({ shape, data }: StateEntry, layout: Layout): tf.Tensor {
  return tf.tidy(() => {
    // A copy: TensorFlow reads the array's own memory later, when the caller may have changed it.
    const value = tf.tensor(data.slice(), [...shape], 'float32');
    return layout === 'same' ? value : tf.transpose(value, [2, 3, 1, 0]);
  });
}

/**
 * SHA-256 over names, shapes and numbers of a state dict: the same for the same weights, whatever file
 * they came from. Batch norm's counters do not count: they change nothing that a model computes.
 */
export function hashStateDict(entries: StateDict): string {
  const hash = createHash('sha256');
  for (const [name, { shape, data }] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.endsWith('num_batches_tracked')) continue;
    hash.update(`${name}[${shape.join(',')}]`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
