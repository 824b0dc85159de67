/**
 * Seeded random numbers that are the same on every engine and machine. A stream is named by a seed and
 * a path of words (`random(1, 'train', 'epoch', 3)`), so that a resumed run draws what an unbroken one
 * would have drawn, without saving any state.
 */
export interface Random {
  /** Uniform in [0, 1), 32 bits of it. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** A whole number, uniform in [0, below). */
  integer(below: number): number;
}

/** The stream of random numbers with this seed and name; xoshiro128** seeded through splitmix32. */
export function random(seed: number, ...path: readonly (string | number)[]): Random {
  const next = xoshiro128(hash(`${seed}/${path.join('/')}`));
  const uniform = (): number => next() / 2 ** 32;
  let spare: number | undefined;
  return {
    uniform,
    integer: (below) => Math.floor(uniform() * below),
    normal() {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      // Box and Muller; 1 − u keeps the logarithm finite.
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
  };
}

/** 32-bit FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

function xoshiro128(seed: number): () => number {
  let mix = seed;
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let t = mix ^ (mix >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return (t ^ (t >>> 15)) >>> 0;
  };
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let d = splitmix();
  return () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
}
