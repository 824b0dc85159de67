import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../formats/numbers';
import type { StateDict, StateEntry } from '../nn/state';

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
  // A network has tens of millions: Float32Array.from takes five times as long.
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = (2 * draw() - 1) * scale + shift;
  return values;
}

/** Class indices that follow from a name: floor(u_i · classes). */
export function deterministicLabels(name: string, count: number, classes: number): Int32Array {
  const draw = uniform(name);
  return Int32Array.from({ length: count }, () => Math.floor(draw() * classes));
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
  const fanIn = sizeOf(shape.slice(1));
  if (name.endsWith('running_mean')) return { scale: 0.1 };
  if (name.endsWith('running_var')) return { scale: 0.25, shift: 1 };
  if (shape.length === 4) return { scale: Math.sqrt(3) * Math.sqrt(2 / fanIn) };
  if (shape.length === 2) return { scale: Math.sqrt(3 / fanIn) };
  if (shape.length !== 1) return { scale: 0.02 };
  return name.endsWith('.weight') ? { scale: 0.1, shift: 0.6 } : { scale: 0.1 };
}

/** Batch, channels, height, width: PyTorch's order. */
export type ImageShape = readonly [number, number, number, number];

/** Images from PyTorch's order of axes to this package's (batch, height, width, channels). */
export function channelsLast(values: Float32Array, shape: ImageShape): tf.Tensor4D {
  return tf.tidy(() => tf.transpose(tf.tensor4d(values, [...shape]), [0, 2, 3, 1]));
}
