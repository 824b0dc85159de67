import type { StateDict, StateEntry } from '../nn/state';
import { deterministic } from './deterministic';

/** Weights that follow from the names of a state dict: `prefix/key` gives each tensor. */
export function deterministicWeights(
  prefix: string,
  shapes: Iterable<readonly [name: string, shape: readonly number[]]>,
): StateDict {
  const entries = new Map<string, StateEntry>();
  for (const [name, shape] of shapes) {
    entries.set(name, { shape, data: weight(prefix, name, shape) });
  }
  return entries;
}

function weight(prefix: string, name: string, shape: readonly number[]): Float32Array {
  if (name.endsWith('num_batches_tracked')) return Float32Array.of(0);
  const { scale, shift = 0 } = distribution(name, shape);
  return deterministic(`${prefix}/${name}`, shape, scale, shift);
}

/** Kept near what a trained network has, so that activations neither die nor blow up. */
function distribution(name: string, shape: readonly number[]): { scale: number; shift?: number } {
  const fanIn = shape.slice(1).reduce((product, side) => product * side, 1);
  if (name.endsWith('running_mean')) return { scale: 0.1 };
  if (name.endsWith('running_var')) return { scale: 0.25, shift: 1 };
  if (shape.length === 4) return { scale: Math.sqrt(3) * Math.sqrt(2 / fanIn) };
  if (shape.length === 2) return { scale: Math.sqrt(3 / fanIn) };
  if (shape.length !== 1) return { scale: 0.02 };
  return name.endsWith('.weight') ? { scale: 0.1, shift: 0.6 } : { scale: 0.1 };
}
