import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { NormMemory } from '../../lib/losses';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';

/** What the memory says of samples that now have these norms. */
const previousOf = (memory: NormMemory, indices: number[], current: number[]): number[] => [
  ...memory.previous(indices, tf.tensor1d(current)).dataSync(),
];

describe('the memory of norms', () => {
  withEngine('plain');

  it('gives the norm of the last visit, and the current one at the first', () => {
    const memory = new NormMemory(4);
    expect(previousOf(memory, [3, 1], [5, 6])).to.deep.equal([5, 6]);
    memory.update([3, 1], tf.tensor1d([5, 6]));
    expect(previousOf(memory, [1, 2, 3], [10, 20, 30])).to.deep.equal([6, 20, 5]);
    memory.update([1], tf.tensor1d([7]));
    expect(previousOf(memory, [1], [10])).to.deep.equal([7]);
  });

  it('survives being written to bytes, at any offset of a file', () => {
    const memory = new NormMemory(3);
    memory.update([0, 2], tf.tensor1d([0, 2.5]));
    const bytes = memory.toBytes();
    const file = new Uint8Array(bytes.length + 1);
    file.set(bytes, 1);
    const read = NormMemory.fromBytes(file.subarray(1), 3);
    expect(previousOf(read, [0, 1, 2], [9, 9, 9])).to.deep.equal([0, 9, 2.5]);
    expect(read.toBytes()).to.deep.equal(bytes);
  });

  it('frees all that it held, also after bytes of another data set', async () => {
    const before = tf.memory().numTensors;
    const memory = new NormMemory(3);
    const norms = tf.tensor1d([1]);
    memory.update([0], norms);
    norms.dispose();
    const bytes = memory.toBytes();
    const fault = await faultOf(() => NormMemory.fromBytes(bytes, 4));
    expect(fault.found).to.equal('12 bytes for 4 samples, which take 16');
    NormMemory.fromBytes(bytes, 3).dispose();
    memory.dispose();
    expect(tf.memory().numTensors).to.equal(before);
  });

  it('refuses an index outside the data set, and notes nothing of that batch', async () => {
    const memory = new NormMemory(2);
    const fault = await faultOf(() => {
      memory.update([0, 2], tf.tensor1d([1, 1]));
    });
    expect(fault.found).to.equal('index 2');
    expect(previousOf(memory, [0], [9])).to.deep.equal([9]);
    expect((await faultOf(() => previousOf(memory, [-1], [1]))).found).to.equal('index -1');
  });

  it('refuses norms of another batch, and a data set without a whole number of samples', async () => {
    const memory = new NormMemory(2);
    const lengths = await faultOf(() => {
      memory.update([0, 1], tf.tensor1d([1]));
    });
    expect(lengths.found).to.equal('2 indices, 1 norms');
    expect(previousOf(new NormMemory(1), [0], [9])).to.deep.equal([9]);
    for (const samples of [0, 1.5]) {
      expect((await faultOf(() => new NormMemory(samples))).found).to.equal(String(samples));
    }
  });
});
