import {
  closeSync,
  existsSync,
  futimesSync,
  linkSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import { augmentedViews } from '../data/batches';
import { LabError } from '../errors';
import {
  errorCode,
  freeBytes,
  fullDisk,
  gibibytes,
  makeFolder,
  sha256,
  writeAtomic,
} from '../files';
import { canonicalJson } from '../records';
import type { Batch } from './batch-source';

/** A frozen teacher's embeddings of the views that augmentation makes of the training images. */
export interface TeacherMemory {
  /**
   * [batch, size] of the images: what is remembered, and for the rest the teacher's answer, which is
   * remembered then; that answer itself where nothing was. Undefined where the images are no views of known
   * number, or the teacher's answers depend on the rest of their batch here: then the teacher is to be asked as
   * if there were no memory.
   */
  embeddings(
    batch: Pick<Batch, 'images' | 'indices' | 'views'>,
    ask: (images: tf.Tensor4D) => tf.Tensor2D,
  ): tf.Tensor2D | undefined;
  /** Images that were remembered, and that the teacher was asked for. */
  readonly counts: { remembered: number; asked: number };
  dispose(): void;
}

/** All that decides the bits of an answer. */
export interface TeacherMemoryKey {
  /** SHA-256 of the teacher's weights. */
  readonly teacher: string;
  /** Hash of the data set, normalisation included. */
  readonly data: string;
  readonly precision: string;
  /** The machine's processor, the engine, what it is compiled from and its threads, in words. */
  readonly engine: string;
  /** Training images. */
  readonly images: number;
  /** Numbers of an embedding. */
  readonly size: number;
}

export interface TeacherMemoryOptions {
  /** The folder of such files; made when it is missing. */
  readonly folder: string;
  readonly key: TeacherMemoryKey;
  /** Says what a user should know: that a file was refused, that the disk is full, that nothing can be kept there. */
  readonly onNotice?: (message: string) => void;
}

const headerBytes = 4096;
/** A file that no training has opened for so long is removed when another is made. */
const unusedDays = 60;
const format = 1;

/** What a whole file takes: every view of every image, with a check of four bytes. */
export function teacherMemoryBytes({
  images,
  size,
}: Pick<TeacherMemoryKey, 'images' | 'size'>): number {
  return headerBytes + images * augmentedViews * slotBytes(size);
}

/** The file of a teacher in a folder of memories. */
export function teacherMemoryFile(folder: string, key: TeacherMemoryKey): string {
  const { teacher, data } = key;
  const name = [teacher, data, sha256(Buffer.from(header(key)))].map((hash) => hash.slice(0, 12));
  return join(folder, `${name.join('-')}.embeddings`);
}

/**
 * Opens the memory of a teacher, or makes it: a sparse file with a slot for each view of each image, in
 * which a slot's check tells whether it is filled. Two processes may fill it at once, since both write the
 * same bytes; a slot that was cut off while it was written is asked for again, a file of another header is
 * made anew. Where the system refuses, a notice says so and nothing more is remembered.
 *
 * Only embeddings are kept: the logits that follow from them are computed anew over the whole batch, since
 * a matrix product's last bits depend on where in the batch a row stands.
 */
export function openTeacherMemory({ folder, key, onNotice }: TeacherMemoryOptions): TeacherMemory {
  const file = teacherMemoryFile(folder, key);
  const { images, size } = key;
  const slot = slotBytes(size);
  const counts = { remembered: 0, asked: 0 };
  /** Null where nothing is remembered; undefined before the first batch. */
  let descriptor: number | null | undefined;
  let givenUp = false;
  const offsetOf = (index: number, view: number): number =>
    headerBytes + (index * augmentedViews + view) * slot;

  /** @throws the error where it is none of the system's. */
  const giveUp = (error: unknown): null => {
    const code = errorCode(error instanceof LabError ? error.cause : error);
    if (code === undefined) throw error;
    const what = fullDisk(code) ?? `a teacher's memory cannot be used (${code})`;
    if (!givenUp) onNotice?.(`${what}: nothing more is remembered in ${file}`);
    givenUp = true;
    return null;
  };
  const open = (standAlone: () => boolean): number | null => {
    if (existsSync(file) && !isOwn(file, key)) {
      onNotice?.(`${file} is not this teacher's memory: it is made anew`);
      rmSync(file, { force: true });
    }
    if (!existsSync(file)) {
      const refusal = standAlone()
        ? lackOfSpace(folder, teacherMemoryBytes(key))
        : "the teacher's answers depend on the rest of their batch here: they are not remembered";
      if (refusal !== undefined) {
        onNotice?.(refusal);
        return null;
      }
      removeUnused(folder);
      create(file, key);
    }
    const opened = openSync(file, 'r+');
    noteUse(opened);
    return opened;
  };

  const bytes = Buffer.alloc(slot);
  const read = (from: number, [index, view]: View, into: Float32Array): boolean => {
    let count = 0;
    try {
      count = readSync(from, bytes, 0, slot, offsetOf(index, view));
    } catch (error) {
      giveUp(error);
    }
    const check = bytes.readUInt32LE(4 * size);
    // A hole in the file reads as 0.
    if (count < slot || check === 0 || check !== checkOf(bytes, size, index, view)) return false;
    bytesOf(into).set(bytes.subarray(0, 4 * size));
    return true;
  };
  const write = (to: number, [index, view]: View, values: Float32Array): void => {
    if (givenUp) return;
    bytes.set(bytesOf(values));
    bytes.writeUInt32LE(checkOf(bytes, size, index, view), 4 * size);
    try {
      writeSync(to, bytes, 0, slot, offsetOf(index, view));
    } catch (error) {
      giveUp(error);
    }
  };

  return {
    counts,
    embeddings({ images: batch, indices, views }, ask) {
      const [count] = batch.shape;
      if (indices === undefined || views === undefined) return undefined;
      if (descriptor === undefined) {
        try {
          descriptor = open(() => answersStandAlone(batch, ask));
        } catch (error) {
          descriptor = giveUp(error);
        }
      }
      if (descriptor === null) return undefined;
      const known = new Float32Array(count * size);
      const rowOf = (row: number): Float32Array => known.subarray(row * size, (row + 1) * size);
      const viewAt = (row: number): View => [indices[row] ?? -1, views[row] ?? -1];
      const missing: number[] = [];
      for (let row = 0; row < count; row++) {
        const view = viewAt(row);
        if (view[0] < 0 || view[0] >= images) throw new RangeError(`image ${view[0]} of ${images}`);
        if (!read(descriptor, view, rowOf(row))) missing.push(row);
      }
      counts.remembered += count - missing.length;
      counts.asked += missing.length;
      const whole = missing.length === count ? ask(batch) : undefined;
      const asked = whole?.dataSync<'float32'>() ?? answersFor(batch, missing, ask);
      for (const [at, row] of missing.entries()) {
        rowOf(row).set(asked.subarray(at * size, (at + 1) * size));
        write(descriptor, viewAt(row), rowOf(row));
      }
      return whole ?? tf.tensor2d(known, [count, size]);
    },
    dispose() {
      if (typeof descriptor === 'number') closeSync(descriptor);
      descriptor = null;
    },
  };
}

/** The place of a training image, and the number of its view. */
type View = readonly [index: number, view: number];

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/**
 * The teacher's answers for some rows of a batch. They are asked for in batches of few different lengths,
 * which become functions of TensorFlow, and never alone: a single row is summed in another order.
 */
function answersFor(
  batch: tf.Tensor4D,
  rows: readonly number[],
  ask: (images: tf.Tensor4D) => tf.Tensor2D,
): Float32Array {
  if (rows.length === 0) return new Float32Array();
  const [count] = batch.shape;
  const step = Math.max(2, Math.ceil(count / 4));
  const length = Math.min(count, step * Math.ceil(rows.length / step));
  const padded = Array.from({ length }, (_, at) => rows[at] ?? rows[0] ?? 0);
  return tf.tidy(() => ask(tf.gather(batch, padded)).dataSync<'float32'>());
}

/** Whether the answers have the same bits wherever an image stands and whatever stands beside it. */
function answersStandAlone(batch: tf.Tensor4D, ask: (images: tf.Tensor4D) => tf.Tensor2D): boolean {
  const [count] = batch.shape;
  const all = tf.tidy(() => ask(batch).dataSync<'float32'>());
  const size = all.length / count;
  const places = [...Array(count).keys()];
  const step = Math.max(2, Math.ceil(count / 4));
  return [places.slice().reverse(), places.slice(-step), places.slice(0, 3 * step)].every(
    (rows) => {
      if (rows.length < 2) return true;
      const some = tf.tidy(() => ask(tf.gather(batch, rows)).dataSync<'float32'>());
      return rows.every((row, at) =>
        bytesOf(some.subarray(at * size, (at + 1) * size)).equals(
          bytesOf(all.subarray(row * size, (row + 1) * size)),
        ),
      );
    },
  );
}

function slotBytes(size: number): number {
  return 4 * size + 4;
}

/** Of a slot's bytes and of whose they are; never 0, which is what a hole in the file reads as. */
function checkOf(slot: Buffer, size: number, index: number, view: number): number {
  return crc32(slot.subarray(0, 4 * size), (index * augmentedViews + view) % 2 ** 32) || 1;
}

function header(key: TeacherMemoryKey): string {
  return canonicalJson({ format, views: augmentedViews, ...key });
}

function isOwn(file: string, key: TeacherMemoryKey): boolean {
  const descriptor = openSync(file, 'r');
  try {
    const found = Buffer.alloc(headerBytes);
    readSync(descriptor, found, 0, headerBytes, 0);
    return found.toString('utf8').trimEnd() === header(key);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes a file with its header and nothing else; another process' file of this name stays. */
function create(file: string, key: TeacherMemoryKey): void {
  makeFolder(dirname(file));
  const made = `${file}.${String(process.pid)}`;
  writeAtomic(made, header(key).padEnd(headerBytes));
  try {
    linkSync(made, file);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(made, { force: true });
  }
}

/** A file that is full is only read from then on, and many file systems keep no time of that. */
function noteUse(descriptor: number): void {
  const now = new Date();
  try {
    futimesSync(descriptor, now, now);
  } catch {
    // Another user's file, which this one may use but not date.
  }
}

function removeUnused(folder: string): void {
  if (!existsSync(folder)) return;
  const oldest = Date.now() - unusedDays * 24 * 60 * 60 * 1000;
  for (const name of readdirSync(folder).filter((found) => found.endsWith('.embeddings'))) {
    const file = join(folder, name);
    const times = statSync(file, { throwIfNoEntry: false });
    if (times && Math.max(times.atimeMs, times.mtimeMs) < oldest) rmSync(file, { force: true });
  }
}

/** Says that a folder's disk has no room for a file of this size and as much again for others. */
function lackOfSpace(folder: string, wanted: number): string | undefined {
  const missing = wanted - freeBytes(folder) / 2;
  return missing > 0
    ? `a teacher's memory is not kept: it may grow to ${gibibytes(wanted)}, and ${folder} lacks ${gibibytes(missing)} for that`
    : undefined;
}
