import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { functionBackend, type Source } from '../../../lib/engine/functions/function-definition';
import {
  trace,
  tracedFunction,
  type Tracing,
  Untraceable,
} from '../../../lib/engine/functions/trace';
import { storedFloat } from '../../../lib/engine/native';
import { inFloatType } from '../../../lib/engine/operations/activations';
import { tidied } from '../../../lib/engine/tidy';
import { withEngine } from '../../support/engine';
import { numbers } from '../../support/tensors';

type Work = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor | tf.Tensor[];

interface Made {
  (...given: tf.Tensor[]): number[][];
  dispose(): void;
}

/** `work` as a function of tensors like these. */
function made(work: Work, like: readonly tf.Tensor[]): Made {
  const { traced, result: results } = trace((tracing) =>
    tidied(() => {
      like.forEach((tensor) => tracing.give(tensor));
      const [a, b = a] = like;
      if (a === undefined || b === undefined) throw new Error('nothing to trace with');
      return [work(a, b)].flat().map((tensor) => tracing.sourceOf(tensor));
    }),
  );
  const made = tracedFunction(traced, { results });
  const backend = functionBackend();
  const call = (...given: tf.Tensor[]): number[][] =>
    tidied(() =>
      made
        .run(backend.getInputTensorIds(given))
        .map((handle) => numbers(inFloatType(backend.createOutputTensor(handle), 'float32'))),
    );
  return Object.assign(call, {
    dispose() {
      made.dispose();
      traced.dispose();
    },
  });
}

/** Handles that the binding holds. */
function handles(): number {
  const { binding } = functionBackend();
  return (binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();
}

describe('a function of TensorFlow', () => {
  withEngine('native');

  it('computes again on other tensors what was traced on some', () => {
    const work = made((a, b) => tf.mul(tf.add(a, b), a), [tf.tensor1d([1, 2]), tf.scalar(3)]);
    // (4 + 5) · 4 and (10 + 5) · 10
    expect(work(tf.tensor1d([4, 10]), tf.scalar(5))).to.deep.equal([[36, 150]]);
    expect(work(tf.tensor1d([1, 2]), tf.scalar(3))).to.deep.equal([[4, 10]]);
    work.dispose();
  });

  it('takes what was not given for a constant, and keeps it when its owner frees it', () => {
    const owned = tf.tensor1d([2, 3]);
    const work = made((a) => tf.add(tf.mul(a, owned), 7), [tf.tensor1d([1, 1])]);
    owned.dispose();
    expect(work(tf.tensor1d([10, 20]))).to.deep.equal([[27, 67]]);
    work.dispose();
  });

  it('gives several results, of operations with several outputs and lists of inputs too', () => {
    const work = made(
      (x) => {
        const [left, middle, right] = tf.split(x, 3) as [tf.Tensor, tf.Tensor, tf.Tensor];
        return [tf.concat([right, left]), middle, x];
      },
      [tf.zeros([6])],
    );
    expect(work(tf.tensor1d([1, 2, 3, 4, 5, 6]))).to.deep.equal([
      [5, 6, 1, 2],
      [3, 4],
      [1, 2, 3, 4, 5, 6],
    ]);
    work.dispose();
  });

  it('computes in bfloat16, reshapes included', () => {
    const typed = inFloatType(tf.tensor1d([1, 2, 3, 4]), 'bfloat16');
    const work = made((x) => tf.add(tf.reshape(x, [2, 2]), tf.reshape(x, [2, 2])), [typed]);
    expect(storedFloat(typed)).to.equal('bfloat16');
    // 1.00390625 lies between two numbers of 8 bits, 1 and 1.0078125, and becomes the even one.
    const given = inFloatType(tf.tensor1d([1.00390625, 2, 3, -4]), 'bfloat16');
    expect(work(given)).to.deep.equal([[2, 4, 6, -8]]);
    work.dispose();
  });

  it('has only the operations that its results need', () => {
    const { traced, result } = trace((tracing) => {
      const x = tf.tensor1d([1, 4]);
      tracing.give(x);
      const root = tf.sqrt(x);
      // Refused at once for other numbers of elements, were it part of the function.
      tf.reshape(root, [2, 1]);
      return tracing.sourceOf(root);
    });
    const root = tracedFunction(traced, { results: [result] });
    const { binding, getInputTensorIds } = functionBackend();
    const ids = getInputTensorIds.call(tf.backend(), [tf.tensor1d([9, 16, 25])]);
    const [handle] = root.run(ids);
    expect(binding.tensorDataSync(handle?.id ?? -1)).to.deep.equal(Float32Array.of(3, 4, 5));
    root.dispose();
    traced.dispose();
  });

  it('can be cut in two, the second part taking what the first one gives it', () => {
    const { traced, result } = trace((tracing) => {
      const x = tf.scalar(3);
      tracing.give(x);
      const square = tf.square(x);
      const cut = tracing.length;
      return { cut, end: tracing.sourceOf(tf.add(tf.mul(square, x), square)) };
    });
    const { cut, end } = result;
    const second = tracedFunction(traced, { first: cut, results: [end] });
    const first = tracedFunction(traced, { end: cut, results: second.takes });
    const backend = functionBackend();
    const ids = backend.getInputTensorIds([tf.scalar(5)]);
    const between = first.run(ids).map(({ id }) => id);
    expect(between).to.have.length(1);
    const [handle] = second.run(ids, between);
    // 25 · 5 + 25
    expect(backend.binding.tensorDataSync(handle?.id ?? -1)).to.deep.equal(Float32Array.of(150));
    expect(() => second.run(ids)).to.throw('is given too little');
  });

  it('is not made of work that reads numbers, which runs on afterwards', () => {
    const reading = (x: tf.Tensor): tf.Tensor => tf.mul(x, x.dataSync()[0] ?? NaN);
    expect(() => made((x) => reading(x), [tf.scalar(2)])).to.throw(Untraceable, 'numbers are read');
    expect(numbers(reading(tf.scalar(3)))).to.deep.equal([9]);
  });

  it('is not made of work whose numbers JavaScript makes anew each time', () => {
    let calls = 0;
    const drawing = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.scalar(++calls));
    expect(() => made((x) => drawing(x), [tf.scalar(2)])).to.throw(Untraceable, 'change');
    // The same numbers in every call are constants.
    const steady = made((x) => tf.mul(x, tf.tensor1d([3, 4])), [tf.scalar(2)]);
    expect(steady(tf.scalar(5))).to.deep.equal([[15, 20]]);
    steady.dispose();
  });

  it('is not made, where it is closed, of work that keeps tensors to itself', () => {
    const kept = tf.scalar(2);
    numbers(tf.add(kept, 1));
    const x = tf.scalar(3);
    const work = (tracing: Tracing): Source => {
      tracing.give(x);
      return tracing.sourceOf(tf.mul(x, kept));
    };
    expect(() => trace(work, { closed: true })).to.throw(Untraceable, 'was not given');
    trace(work).traced.dispose();
    const before = handles();
    expect(() => trace(work, { closed: true })).to.throw(Untraceable);
    // Nothing but the products themselves stays.
    expect(handles() - before).to.be.at.most(1);
  });

  it('is not made of an operation that would have other last digits in it', () => {
    expect(() => made((x) => tf.softmax(x), [tf.tensor1d([1, 2])])).to.throw(
      Untraceable,
      'Softmax',
    );
  });

  it('passes on TensorFlow’s words when it cannot be computed', () => {
    const work = made(
      (a, b) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
      [tf.zeros([2, 3]), tf.zeros([3, 2])],
    );
    expect(() => work(tf.zeros([2, 3]), tf.zeros([5, 2]))).to.throw(/matrix size|dimension/i);
    work.dispose();
    expect(() => work(tf.zeros([2, 3]), tf.zeros([3, 2]))).to.throw(/norm_direction_\d+/);
  });

  it('frees its constants, and holds nothing more after a call', () => {
    const given = tf.ones([4]);
    const free = (tracing: Tracing): Source => {
      tracing.give(given);
      return tracing.sourceOf(tf.add(tf.mul(given, 3), tf.tensor1d([1, 2, 3, 4])));
    };
    numbers(tf.mul(given, 2));
    const before = handles();
    const { traced, result } = trace((tracing) => tidied(() => free(tracing)));
    const work = tracedFunction(traced, { results: [result] });
    const made = handles();
    expect(made).to.equal(before + 2);
    const backend = functionBackend();
    for (let call = 0; call < 3; call++) {
      const ran = work.run(backend.getInputTensorIds([given]));
      ran.forEach(({ id }) => backend.binding.deleteTensor(id));
      expect(handles()).to.equal(made);
    }
    work.dispose();
    traced.dispose();
    expect(handles()).to.equal(before);
  });
});
