/** Bytes of a number, and how one is read at a place. */
export interface NumberType {
  readonly size: number;
  readonly read: (view: DataView, at: number) => number;
}

/** Little-endian, by safetensors' names. */
export const numberTypes: Readonly<
  Record<'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'U8', NumberType>
> = {
  F64: { size: 8, read: (view, at) => view.getFloat64(at, true) },
  F32: { size: 4, read: (view, at) => view.getFloat32(at, true) },
  F16: { size: 2, read: (view, at) => halfToNumber(view.getUint16(at, true)) },
  BF16: { size: 2, read: (view, at) => bfloatToNumber(view.getUint16(at, true)) },
  I64: { size: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  I32: { size: 4, read: (view, at) => view.getInt32(at, true) },
  U8: { size: 1, read: (view, at) => view.getUint8(at) },
};

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
