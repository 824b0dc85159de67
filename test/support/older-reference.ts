import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { deterministic } from '../../lib/verify/deterministic';

const file = join(__dirname, '..', 'fixtures', 'reference-older', 'losses.json');

/** The cases that PyTorch computed of the older methods' losses, by name. */
export function olderReference<T>(name: string): T {
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Record<string, unknown> };
  const found = cases[name];
  if (found === undefined) throw new Error(`no reference case '${name}'`);
  return found as T;
}

/** The tensor of a name, as the reference has it. */
export function named<R extends tf.Rank>(
  name: string,
  shape: tf.ShapeMap[R],
  scale = 1,
  shift = 0,
): tf.Tensor<R> {
  return tf.tensor(deterministic(name, shape, scale, shift), shape) as tf.Tensor<R>;
}

/** Every number within 1e-5 of PyTorch's, relative to the largest. */
export function expectAgrees(found: tf.Tensor, expected: readonly number[]): void {
  const values = Array.from(found.dataSync());
  expect(values.length).to.equal(expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(largest).to.be.greaterThan(0);
  values.forEach((value, index) => {
    expect(value, `entry ${index}`).to.be.closeTo(expected[index] ?? NaN, 1e-5 * largest);
  });
}
