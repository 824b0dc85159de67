import { expect } from 'chai';

/** What one record of an event file says. */
export interface ReadEvent {
  readonly wallTime: number;
  readonly step: number;
  readonly fileVersion: string | undefined;
  readonly scalars: Record<string, number>;
}

/** Reads an event file byte by byte from the formats' definitions and checks every checksum. */
export function readEventFile(bytes: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = Number(bytes.readBigUInt64LE(at));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(data.length).to.equal(length);
    expect(bytes.readUInt32LE(at + 8)).to.equal(masked(bytes.subarray(at, at + 8)));
    expect(bytes.readUInt32LE(at + 12 + length)).to.equal(masked(data));
    events.push(readEvent(data));
    at += 12 + length + 4;
  }
  return events;
}

function readEvent(data: Buffer): ReadEvent {
  const fields = fieldsOf(data);
  const values = fields.get(5)?.flatMap((summary) => fieldsOf(bytesOf(summary)).get(1) ?? []) ?? [];
  const version = fields.get(3)?.[0];
  return {
    wallTime: bytesOf(fields.get(1)?.[0]).readDoubleLE(0),
    step: Number(fields.get(2)?.[0] ?? 0),
    fileVersion: version === undefined ? undefined : bytesOf(version).toString('utf8'),
    scalars: Object.fromEntries(
      values.map((value) => {
        const parts = fieldsOf(bytesOf(value));
        return [
          bytesOf(parts.get(1)?.[0]).toString('utf8'),
          bytesOf(parts.get(2)?.[0]).readFloatLE(0),
        ];
      }),
    ),
  };
}

/** The fields of a protobuf message by number: varints as numbers, all else as bytes. */
function fieldsOf(message: Buffer): Map<number, (number | Buffer)[]> {
  const fields = new Map<number, (number | Buffer)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => message.subarray(at, (at += length));
  while (at < message.length) {
    const key = varint();
    const kind = key & 7;
    const value = kind === 0 ? varint() : take(kind === 1 ? 8 : kind === 5 ? 4 : varint());
    const number = key >>> 3;
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

function bytesOf(value: number | Buffer | undefined): Buffer {
  if (value instanceof Buffer) return value;
  throw new Error('bytes are missing');
}

/** CRC-32C bit by bit (reflected polynomial 0x82f63b78), then TFRecord's mask. */
function masked(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
