import { type Zippable, unzipSync, zipSync } from 'fflate';
import type { Random } from '../../lib/engine/random';

/** Makes a file that is wrong in some way out of a right one. */
export type Mutation = (whole: Buffer, draw: Random) => Buffer;

const pick = <Value>(values: readonly Value[], draw: Random): Value =>
  values[draw.integer(values.length)] as Value;

/** Lengths and counts at which readers go wrong. */
const telling = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** Changes some bytes, wherever they are. */
export const bytes: Mutation = (whole, draw) => {
  const copy = Buffer.from(whole);
  const place = (): number => draw.integer(Math.max(1, copy.length));
  switch (draw.integer(6)) {
    case 0:
      for (let i = draw.integer(8); i >= 0; i--) copy[place()] = draw.integer(256);
      return copy;
    case 1:
      return copy.subarray(0, place());
    case 2: {
      const [from, to] = [place(), place()].sort((a, b) => a - b) as [number, number];
      return Buffer.concat([copy.subarray(0, to), copy.subarray(from)]);
    }
    case 3: {
      const at = place();
      const more = Buffer.alloc(1 + draw.integer(5000), draw.integer(256));
      return Buffer.concat([copy.subarray(0, at), more, copy.subarray(at)]);
    }
    case 4: {
      if (copy.length >= 4) copy.writeUInt32LE(pick(telling, draw), draw.integer(copy.length - 3));
      return copy;
    }
    default: {
      if (copy.length >= 8) {
        const value = BigInt(pick(telling, draw)) << BigInt(draw.integer(33));
        copy.writeBigUInt64LE(BigInt.asUintN(64, value), draw.integer(copy.length - 7));
      }
      return copy;
    }
  }
};

/** Every operation of a pickle. */
const opcodes = Buffer.from(
  '(.012FIJKLMNPQRSTUVXabcdeghijlopqrstu})]\x80\x81\x82\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96BC',
  'latin1',
);

/** Puts operations of a pickle between others, again and again, or takes some out. */
export const pickle: Mutation = (whole, draw) => {
  if (draw.integer(4) === 0) return bytes(whole, draw);
  const at = draw.integer(whole.length);
  const run = Buffer.from(
    Array.from({ length: 1 + draw.integer(4) }, () => pick([...opcodes], draw)),
  );
  const times = draw.integer(3) === 0 ? 1 + draw.integer(20_000) : 1;
  const inserted = Buffer.concat(Array.from({ length: times }, () => run));
  const left = at + draw.integer(Math.min(8, whole.length - at));
  return Buffer.concat([whole.subarray(0, at), inserted, whole.subarray(left)]);
};

/** Changes what lies in a zip archive, and gives it the right checksums. */
export const zipped: Mutation = (whole, draw) => {
  if (draw.integer(3) === 0) return bytes(whole, draw);
  const files = unzipSync(whole);
  const names = Object.keys(files);
  const name = pick(names.filter((each) => each.endsWith('.pkl')).concat(names), draw);
  const content = Buffer.from(files[name] ?? []);
  const mutation = name.endsWith('.pkl') ? pickle : bytes;
  const entries: Zippable = {
    ...files,
    [name]: content.length > 0 ? mutation(content, draw) : content,
  };
  if (draw.integer(8) === 0) Reflect.deleteProperty(entries, pick(names, draw));
  return Buffer.from(zipSync(entries, { level: draw.integer(2) === 0 ? 0 : 6 }));
};

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Stands for lists in lists, which JSON.stringify cannot write. */
const deepMark = 'DEEP';

function written(value: Json): Buffer {
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
  return Buffer.from(JSON.stringify(value).replaceAll(`"${deepMark}"`, deep));
}

function strangeValue(draw: Random): Json {
  switch (draw.integer(12)) {
    case 0:
      return null;
    case 1:
      return draw.integer(2) === 0;
    case 2:
      return pick([...telling, -1, 0.5, 1e300, -1e300, 2 ** 53, -(2 ** 63)], draw);
    case 3:
      return '\u001b[2J\nerror: forged\u202e';
    case 4:
      return 'x'.repeat(100_000);
    case 5:
      return [];
    case 6:
      return {};
    case 7:
      return deepMark;
    case 8:
      return Array.from({ length: 1000 }, () => 1);
    case 9:
      return '../../../etc/passwd';
    case 10:
      return { __proto__: 1, constructor: 1 } as unknown as Json;
    default:
      return String(draw.integer(1000));
  }
}

/** The places in a value, from its root on. */
function placesIn(
  value: Json,
): { readonly owner: Json[] | Record<string, Json>; readonly key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  const owner = value;
  return Object.entries(value).flatMap(([key, inner]) => [{ owner, key }, ...placesIn(inner)]);
}

/** Changes a value of JSON: another in its place, a name away, doubled or strange. */
export const json: Mutation = (whole, draw) => {
  if (draw.integer(5) === 0) return bytes(whole, draw);
  const value = JSON.parse(whole.toString('utf8')) as Json;
  for (let i = draw.integer(3); i >= 0; i--) {
    const places = placesIn(value);
    if (places.length === 0) return written(strangeValue(draw));
    const { owner, key } = pick(places, draw);
    const record = owner as Record<string, Json>;
    const kind = draw.integer(4);
    if (kind === 0) Reflect.deleteProperty(record, key);
    else if (kind === 1 && !Array.isArray(owner)) {
      record['\u001b[31m\nerror: x'] = record[key] ?? null;
    } else if (kind === 2 && Array.isArray(owner)) owner.push(owner[Number(key)] ?? null);
    else record[key] = strangeValue(draw);
  }
  return written(value);
};

/** The same for each line of a file. */
export const jsonLines: Mutation = (whole, draw) => {
  const lines = whole.toString('utf8').split('\n');
  const at = draw.integer(lines.length);
  const line = lines[at] ?? '';
  if (line === '') return bytes(whole, draw);
  lines[at] = json(Buffer.from(line), draw).toString('utf8');
  return Buffer.from(lines.join('\n'));
};

/** Changes the header of a safetensors file and gives it the right length. */
export const safetensors: Mutation = (whole, draw) => {
  if (draw.integer(4) === 0) return bytes(whole, draw);
  const length = Number(whole.readBigUInt64LE(0));
  const header = json(whole.subarray(8, 8 + length), draw);
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([start, header, whole.subarray(8 + length)]);
};
