import { crc32c } from '@aws-crypto/crc32c';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Numbers that belong to one step, by their tags. */
export interface ScalarEvent {
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
export function openingRecord(wallTime: number): Uint8Array {
  const event = new BinaryWriter()
    .tag(eventField.wallTime, WireType.Bit64)
    .double(wallTime)
    .tag(eventField.fileVersion, WireType.LengthDelimited)
    .string('brain.Event:2');
  return record(event.finish());
}

/** One record with all scalars of a step; values are rounded to float32, as TensorBoard keeps them. */
export function scalarRecord({ wallTime, step, scalars }: ScalarEvent): Uint8Array {
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
export function wallTimeAt(bytes: Buffer, place: number): number | undefined {
  // The time comes first in every record, after the head and the byte that names the field.
  const time = place + headLength + 1;
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
