import { random } from '../../lib/engine/random';

/** One damaged copy of a file, and where it differs. */
export interface Damaged {
  readonly bytes: Buffer;
  /** For messages: `byte 17`. */
  readonly where: string;
}

/** Copies of `whole` with one byte changed at a random place each; the same for the same name. */
export function* damagedCopies(name: string, whole: Buffer, rounds: number): Generator<Damaged> {
  const draw = random(1, 'damage', name);
  for (let round = 0; round < rounds; round++) {
    const place = draw.integer(whole.length);
    const bytes = Buffer.from(whole);
    bytes[place] = (bytes[place] ?? 0) ^ (1 + draw.integer(255));
    yield { bytes, where: `byte ${place}` };
  }
}

/** A copy with many bytes changed at once. */
export function riddledCopy(name: string, whole: Buffer, count: number): Damaged {
  const draw = random(2, 'damage', name);
  const bytes = Buffer.from(whole);
  for (let i = 0; i < count; i++) bytes[draw.integer(whole.length)] = draw.integer(256);
  return { bytes, where: `${count} bytes` };
}
