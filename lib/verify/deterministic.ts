const fnvOffset = 0x811c9dc5;
const fnvPrime = 0x01000193;
const increment = 0x6d2b79f5;
const range = 2 ** 32;

/**
 * Numbers that follow from a name, so that two programs can agree on a tensor without a file:
 * value_i = float32((2 u_i − 1) · scale + shift), row-major.
 */
export function deterministic(
  name: string,
  shape: readonly number[],
  scale = 1,
  shift = 0,
): Float32Array {
  const draw = uniform(name);
  return Float32Array.from({ length: sizeOf(shape) }, () => (2 * draw() - 1) * scale + shift);
}

/** Class indices that follow from a name: floor(u_i · classes). */
export function deterministicLabels(name: string, count: number, classes: number): Int32Array {
  const draw = uniform(name);
  return Int32Array.from({ length: count }, () => Math.floor(draw() * classes));
}

/** The number of entries of a tensor of this shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** mulberry32 (Tommy Ettinger), started at the 32-bit FNV-1a hash of the name; u in [0, 1). */
function uniform(name: string): () => number {
  let state = hash(name);
  return () => {
    state = (state + increment) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / range;
  };
}

function hash(name: string): number {
  return Buffer.from(name, 'utf8').reduce(
    (value, byte) => Math.imul(value ^ byte, fnvPrime) >>> 0,
    fnvOffset,
  );
}
