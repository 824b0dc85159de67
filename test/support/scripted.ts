import type { Random } from '../../lib/engine/random';

/** Random numbers that are these, in this order; an error after the last. */
export function scripted(...numbers: readonly number[]): Random {
  const left = [...numbers];
  const uniform = (): number => {
    const next = left.shift();
    if (next === undefined) throw new Error('more random numbers were drawn than expected');
    return next;
  };
  return { uniform, normal: uniform, integer: (below) => Math.floor(uniform() * below) };
}
