/**
 * Writes what Python 2's cPickle writes with protocol 2, as the official CIFAR archives were made:
 * 8-bit strings, and the bytes of an array as one of them.
 */
export type Python2Value =
  | number
  | string
  | readonly Python2Value[]
  | ByteMatrix
  | FloatArray
  | ReadonlyMap<string, Python2Value>;

/** A uint8 array of two dimensions, rows one after the other. */
export interface ByteMatrix {
  readonly rows: number;
  readonly bytes: Uint8Array;
}

/** A float32 array of any shape. */
export interface FloatArray {
  readonly shape: readonly number[];
  readonly floats: Float32Array;
}

export function python2Pickle(value: Python2Value): Buffer {
  return Buffer.concat([Buffer.from('\x80\x02', 'latin1'), encode(value), ascii('.')]);
}

function encode(value: Python2Value): Buffer {
  if (typeof value === 'number') return integer(value);
  if (typeof value === 'string') return byteString(Buffer.from(value, 'latin1'));
  if (value instanceof Map) {
    const entries = [...value].flatMap(([key, item]) => [encode(key), encode(item)]);
    return Buffer.concat([ascii('}('), ...entries, ascii('u')]);
  }
  if ('bytes' in value) {
    const { rows, bytes } = value;
    return array([rows, bytes.length / rows], 'u1', bytes);
  }
  if ('floats' in value) {
    const { buffer, byteOffset, byteLength } = value.floats;
    return array(value.shape, 'f4', new Uint8Array(buffer, byteOffset, byteLength));
  }
  if (Array.isArray(value)) return Buffer.concat([ascii(']('), ...value.map(encode), ascii('e')]);
  throw new Error('not a value that this writer knows');
}

function array(shape: readonly number[], type: 'u1' | 'f4', bytes: Uint8Array): Buffer {
  const order = type === 'u1' ? '|' : '<';
  return Buffer.concat([
    ascii('cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n'),
    Buffer.concat([integer(0), ascii('\x85U\x01b\x87R')]),
    ascii('(K\x01'),
    tuple(shape),
    ascii(`cnumpy\ndtype\nU\x02${type}K\x00K\x01\x87R`),
    ascii(`(K\x03U\x01${order}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb`),
    ascii('\x89'),
    byteString(bytes),
    ascii('tb'),
  ]);
}

function tuple(items: readonly number[]): Buffer {
  const encoded = items.map(integer);
  // Two items have an operation of their own.
  return items.length === 2
    ? Buffer.concat([...encoded, ascii('\x86')])
    : Buffer.concat([ascii('('), ...encoded, ascii('t')]);
}

function byteString(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([ascii('T'), length, bytes]);
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return Buffer.concat([ascii('J'), bytes]);
}

function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
