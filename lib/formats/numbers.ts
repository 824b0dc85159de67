/** Bytes of a number, and how one is read at a place. */
export interface NumberType {
  readonly size: number;
  readonly read: (view: DataView, at: number) => number;
}

/** Little-endian, by safetensors' names. */
export const numberTypes = {
  F64: { size: 8, read: (view, at) => view.getFloat64(at, true) },
  F32: { size: 4, read: (view, at) => view.getFloat32(at, true) },
  F16: { size: 2, read: (view, at) => halfToNumber(view.getUint16(at, true)) },
  BF16: { size: 2, read: (view, at) => bfloatToNumber(view.getUint16(at, true)) },
  I64: { size: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  U64: { size: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  I32: { size: 4, read: (view, at) => view.getInt32(at, true) },
  U32: { size: 4, read: (view, at) => view.getUint32(at, true) },
  I16: { size: 2, read: (view, at) => view.getInt16(at, true) },
  U16: { size: 2, read: (view, at) => view.getUint16(at, true) },
  I8: { size: 1, read: (view, at) => view.getInt8(at) },
  U8: { size: 1, read: (view, at) => view.getUint8(at) },
  BOOL: { size: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
  F8_E4M3: { size: 1, read: (view, at) => byteFloat(view.getUint8(at), 4, 'finite') },
  F8_E5M2: { size: 1, read: (view, at) => byteFloat(view.getUint8(at), 5, 'ieee') },
  F8_E4M3FNUZ: { size: 1, read: (view, at) => byteFloat(view.getUint8(at), 4, 'unsigned zero') },
  F8_E5M2FNUZ: { size: 1, read: (view, at) => byteFloat(view.getUint8(at), 5, 'unsigned zero') },
  F8_E8M0: {
    size: 1,
    read: (view, at) => (view.getUint8(at) === 0xff ? NaN : 2 ** (view.getUint8(at) - 127)),
  },
} satisfies Readonly<Record<string, NumberType>>;

/**
 * The number in eight bits: a sign, an exponent of `exponentBits`, a fraction. Which bits are no number
 * differs: `ieee` keeps the largest exponent for infinity and NaN, `finite` only its last value for NaN,
 * `unsigned zero` only what would be −0 and has a bias larger by one.
 */
function byteFloat(
  bits: number,
  exponentBits: number,
  kind: 'ieee' | 'finite' | 'unsigned zero',
): number {
  const fractionBits = 7 - exponentBits;
  const magnitude = bits & 0x7f;
  const sign = bits & 0x80 ? -1 : 1;
  const exponent = magnitude >> fractionBits;
  const fraction = magnitude & ((1 << fractionBits) - 1);
  const bias = 2 ** (exponentBits - 1) - (kind === 'unsigned zero' ? 0 : 1);
  if (kind === 'unsigned zero' && bits === 0x80) return NaN;
  if (kind === 'finite' && magnitude === 0x7f) return NaN;
  if (kind === 'ieee' && exponent === 2 ** exponentBits - 1) {
    return fraction === 0 ? sign * Infinity : NaN;
  }
  const scaled = fraction / 2 ** fractionBits;
  return exponent === 0
    ? sign * scaled * 2 ** (1 - bias)
    : sign * (1 + scaled) * 2 ** (exponent - bias);
}

/** The number that these bits are in IEEE 754 half precision. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The number that these bits are in bfloat16: the upper half of a float32. */
function bfloatToNumber(bits: number): number {
  const scratch = new DataView(new ArrayBuffer(4));
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** How many numbers a shape holds. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
