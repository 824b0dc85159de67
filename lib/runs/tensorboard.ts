import {
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32c } from '@aws-crypto/crc32c';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { makeFolder, writeFault } from '../files';
import type { TrainingEvents } from '../train/task';
import type { CommonProvenance } from './schema';
import { type AnyRunStore, storeOf } from './store';

/** Numbers that belong to one step, by their tags. */
interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  readonly scalars: ReadonlyMap<string, number>;
}

/** Field numbers of TensorFlow's `event.proto` and `summary.proto`. */
const eventField = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const summaryField = { value: 1 } as const;
const valueField = { tag: 1, simpleValue: 2 } as const;

/** A record's length and the length's checksum. */
const headLength = 12;
const checksumLength = 4;

/** The record with which every event file opens. */
function openingRecord(wallTime: number): Uint8Array {
  const event = new BinaryWriter()
    .tag(eventField.wallTime, WireType.Bit64)
    .double(wallTime)
    .tag(eventField.fileVersion, WireType.LengthDelimited)
    .string('brain.Event:2');
  return record(event.finish());
}

/** One record with all scalars of a step; values are rounded to float32, as TensorBoard keeps them. */
function scalarRecord({ wallTime, step, scalars }: ScalarEvent): Uint8Array {
  const event = new BinaryWriter()
    .tag(eventField.wallTime, WireType.Bit64)
    .double(wallTime)
    .tag(eventField.step, WireType.Varint)
    .int64(step)
    .tag(eventField.summary, WireType.LengthDelimited)
    .fork();
  for (const [tag, value] of scalars) {
    event
      .tag(summaryField.value, WireType.LengthDelimited)
      .fork()
      .tag(valueField.tag, WireType.LengthDelimited)
      .string(tag)
      .tag(valueField.simpleValue, WireType.Bit32)
      .float(value)
      .join();
  }
  return record(event.join().finish());
}

/** The clock time of the record that begins at this place; undefined where the bytes end before it. */
function wallTimeAt(bytes: Buffer, index: number): number | undefined {
  // The time comes first in every record, after the head and the byte that names the field.
  const time = index + headLength + 1;
  return time + Float64Array.BYTES_PER_ELEMENT <= bytes.length
    ? bytes.readDoubleLE(time)
    : undefined;
}

/** TFRecord: the length (uint64), its masked CRC-32C, the bytes, their masked CRC-32C; little-endian. */
function record(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(headLength + bytes.length + checksumLength);
  const view = new DataView(whole.buffer);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setUint32(8, maskedChecksum(whole.subarray(0, 8)), true);
  whole.set(bytes, headLength);
  view.setUint32(headLength + bytes.length, maskedChecksum(bytes), true);
  return whole;
}

/** TFRecord turns the checksum by 15 bits and adds a constant, modulo 2³². */
function maskedChecksum(bytes: Uint8Array): number {
  const checksum = crc32c(bytes);
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}

/**
 * Below a run's directory. TensorBoard knows event files by `tfevents` in their name; one name for good
 * leaves no second file of the same run.
 */
const eventsFile = join('tensorboard', 'events.out.tfevents.norm-direction-lab');

/** Stands in for the time of a line that nobody measured. */
const secondsOfUnknownLine = 1;

/** One record of the file, for a clock time in seconds since 1970. */
type RecordAt = (wallTime: number) => Uint8Array;

/**
 * Brings a run's `tensorboard/events.out.tfevents.norm-direction-lab` to what its `metrics.jsonl` says:
 * each of its lines once, however often the run was cut off. Records that agree stay as they are, so that a
 * TensorBoard that is looking at the file goes on from there; what follows them is cut off and the
 * missing lines are added. Clock times come from the run's provenance.
 *
 * @param options.live the last line has just been written: its time is now
 * @returns the file; undefined when the run has no line yet, and then nothing is written.
 * @throws LabError when the run's records are broken or the file cannot be written.
 */
export function writeTensorBoard(
  directory: string,
  { live = false, store = storeOf(directory) }: { live?: boolean; store?: AnyRunStore } = {},
): string | undefined {
  const lines = store.linesIn(directory);
  if (lines.length === 0) return undefined;
  const file = join(directory, eventsFile);
  const times = timesOf(store, store.readProvenance(directory), lines);
  if (live) times[lines.length] = Date.now() / 1000;
  const records: RecordAt[] = [openingRecord, ...lines.map((line) => lineRecord(store, line))];
  // Not through a temporary file: TensorBoard would find it by its name and follow it for good.
  try {
    makeFolder(dirname(file));
    const present = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    const { count, bytes } = agreement(present, records);
    const missing = records
      .slice(count)
      .map((record, index) => record(times[count + index] ?? NaN));
    if (missing.length > 0 || bytes < present.length) {
      replaceEnd(file, bytes, Buffer.concat(missing));
    }
  } catch (error) {
    throw writeFault(file, error);
  }
  return file;
}

/** The same events; each line of metrics also goes into the run's TensorBoard file. */
export function withTensorBoard<Line, More extends object>(
  events: TrainingEvents<Line> & More,
  directory: string,
  store: AnyRunStore,
): TrainingEvents<Line> & More {
  return {
    ...events,
    onEpoch(line: Line, seconds: number) {
      writeTensorBoard(directory, { live: true, store });
      events.onEpoch?.(line, seconds);
    },
  };
}

function lineRecord(store: AnyRunStore, line: unknown): RecordAt {
  const scalars = store.scalars(line);
  return (wallTime) => scalarRecord({ wallTime, step: store.doneAt(line), scalars });
}

/** By place, so that two processes that do this at once write the same bytes over each other. */
function replaceEnd(file: string, from: number, end: Buffer): void {
  const open = openSync(file, constants.O_RDWR | constants.O_CREAT);
  try {
    ftruncateSync(open, from);
    writeSync(open, end, 0, end.length, from);
  } finally {
    closeSync(open);
  }
}

/** How many records at the beginning of a file are the right ones but for their times, and their bytes. */
function agreement(
  present: Buffer,
  records: readonly RecordAt[],
): { readonly count: number; readonly bytes: number } {
  let bytes = 0;
  for (const [count, record] of records.entries()) {
    const wallTime = wallTimeAt(present, bytes);
    const expected = wallTime === undefined ? undefined : record(wallTime);
    const end = bytes + (expected?.length ?? 0);
    if (expected === undefined || !present.subarray(bytes, end).equals(expected)) {
      return { count, bytes };
    }
    bytes = end;
  }
  return { count: records.length, bytes };
}

/** Seconds since 1970: the start, and the end of each line; lines without a time take the others' mean. */
function timesOf(
  store: AnyRunStore,
  provenance: CommonProvenance | null,
  lines: readonly unknown[],
): number[] {
  const measured = provenance === null ? [] : store.secondsOf(provenance, lines);
  const mean =
    measured.length === 0
      ? secondsOfUnknownLine
      : measured.reduce((sum, seconds) => sum + seconds, 0) / measured.length;
  let time = provenance === null ? 0 : Date.parse(provenance.startedAt) / 1000;
  return [time, ...lines.map((_, index) => (time += measured[index] ?? mean))];
}
