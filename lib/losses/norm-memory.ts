import { LabError } from '../errors';

const bytesPerNorm = 4;

/**
 * Each sample's own embedding norm when it was last seen, by its index in the data set: the previous
 * norm of SIFN when that is chosen to be the one of the last visit.
 */
export class NormMemory {
  /** NaN for a sample that has not been seen. */
  private readonly norms: Float32Array;

  /** @throws LabError when `samples` is not a whole number above 0. */
  constructor(readonly samples: number) {
    if (!Number.isInteger(samples) || samples < 1) {
      throw new LabError({
        kind: 'data',
        what: 'a memory of norms needs the number of samples of the training set',
        found: String(samples),
        remedy: 'Give a whole number above 0',
      });
    }
    this.norms = new Float32Array(samples).fill(NaN);
  }

  /**
   * The norms of the last visit; for a sample that is seen for the first time its current norm, so
   * that it is asked for the same growth as with the current norm held constant.
   *
   * @throws LabError when an index is not in the data set or the lengths differ.
   */
  previous(indices: ArrayLike<number>, currentNorms: ArrayLike<number>): Float32Array {
    this.requirePairs(indices, currentNorms);
    return Float32Array.from(indices, (index, i) => {
      const stored = this.norms[this.place(index)] ?? NaN;
      return Number.isNaN(stored) ? (currentNorms[i] ?? NaN) : stored;
    });
  }

  /**
   * Notes the norms of this visit.
   *
   * @throws LabError when an index is not in the data set or the lengths differ; nothing is noted then.
   */
  update(indices: ArrayLike<number>, norms: ArrayLike<number>): void {
    this.requirePairs(indices, norms);
    const places = Array.from(indices, (index) => this.place(index));
    places.forEach((place, i) => {
      this.norms[place] = norms[i] ?? NaN;
    });
  }

  /** Little-endian float32, one a sample, NaN for those not seen: for a checkpoint. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.samples * bytesPerNorm);
    const view = new DataView(bytes.buffer);
    this.norms.forEach((norm, i) => {
      view.setFloat32(i * bytesPerNorm, norm, true);
    });
    return bytes;
  }

  /**
   * The memory that `toBytes` wrote.
   *
   * @throws LabError when the bytes are those of a data set of another size.
   */
  static fromBytes(bytes: Uint8Array, samples: number): NormMemory {
    const memory = new NormMemory(samples);
    if (bytes.byteLength !== samples * bytesPerNorm) {
      throw new LabError({
        kind: 'data',
        what: 'the stored norms are those of another data set',
        found: `${bytes.byteLength} bytes for ${samples} samples, which take ${samples * bytesPerNorm}`,
        remedy: 'Resume with the data set that the run was started with, or start a new run',
      });
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < samples; i++) {
      memory.norms[i] = view.getFloat32(i * bytesPerNorm, true);
    }
    return memory;
  }

  private place(index: number): number {
    if (Number.isInteger(index) && index >= 0 && index < this.samples) return index;
    throw new LabError({
      kind: 'data',
      what: `a sample is not one of the ${this.samples} that norms are kept of`,
      found: `index ${index}`,
      remedy: 'Make the memory with the size of the training set',
    });
  }

  private requirePairs(indices: ArrayLike<number>, norms: ArrayLike<number>): void {
    if (indices.length === norms.length) return;
    throw new LabError({
      kind: 'data',
      what: 'each sample needs one norm',
      found: `${indices.length} indices, ${norms.length} norms`,
      remedy: 'Give the norms of the same batch',
    });
  }
}
