import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { storedFloat } from '../../../lib/engine/native';
import { gelu, inFloatType } from '../../../lib/engine/operations/activations';
import { attention, layerNorm } from '../../../lib/engine/operations/attention';
import { random } from '../../../lib/engine/random';
import { engines, withEngine } from '../../support/engine';
import { expectClose, numbers } from '../../support/tensors';

const density = (x: number): number => Math.exp(-(x ** 2) / 2) / Math.sqrt(2 * Math.PI);

/** The normal distribution's share below x: its density added up from 0 by Simpson's rule. */
function below(x: number): number {
  const steps = 2000;
  const width = x / steps;
  let sum = density(0) + density(x);
  for (let at = 1; at < steps; at++) sum += (at % 2 === 1 ? 4 : 2) * density(at * width);
  return 0.5 + (sum * width) / 3;
}

/** Of a normal distribution, rounded as a tensor rounds them. */
function drawn(count: number, seed: number, scale = 1, shift = 0): number[] {
  const source = random(seed, 'tokens');
  return Array.from({ length: count }, () => Math.fround(shift + scale * source.normal()));
}

/** Layer norm and its gradients in double precision, for a gradient of its output. */
function layerNormByHand(
  x: readonly number[],
  [scale, shift]: readonly [readonly number[], readonly number[]],
  [gradient, epsilon]: readonly [readonly number[], number],
): Record<'y' | 'dx' | 'dscale' | 'dshift', number[]> {
  const size = scale.length;
  const found = {
    y: [] as number[],
    dx: [] as number[],
    dscale: scale.map(() => 0),
    dshift: scale.map(() => 0),
  };
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  for (let row = 0; row < x.length; row += size) {
    const values = x.slice(row, row + size);
    const centre = mean(values);
    const inverse = 1 / Math.sqrt(mean(values.map((value) => (value - centre) ** 2)) + epsilon);
    const n = values.map((value) => (value - centre) * inverse);
    const g = gradient.slice(row, row + size);
    const scaled = g.map((value, c) => value * (scale[c] ?? NaN));
    const along = mean(scaled.map((value, c) => value * (n[c] ?? NaN)));
    n.forEach((value, c) => {
      found.y.push(value * (scale[c] ?? NaN) + (shift[c] ?? NaN));
      found.dx.push(((scaled[c] ?? NaN) - mean(scaled) - value * along) * inverse);
      found.dscale[c] = (found.dscale[c] ?? NaN) + (g[c] ?? NaN) * value;
      found.dshift[c] = (found.dshift[c] ?? NaN) + (g[c] ?? NaN);
    });
  }
  return found;
}

interface Sequences {
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  readonly depth: number;
}

/** softmax(q · kᵀ / √depth) · v in each head, in double precision. */
function attentionByHand(
  joined: readonly number[],
  { batch, tokens, heads, depth }: Sequences,
): number[] {
  const size = heads * depth;
  const part = (sequence: number, token: number, which: number, head: number): number[] => {
    const at = ((sequence * tokens + token) * 3 + which) * size + head * depth;
    return joined.slice(at, at + depth);
  };
  const all = Array.from({ length: tokens }, (_, token) => token);
  const mixed = (sequence: number, token: number, head: number): number[] => {
    const query = part(sequence, token, 0, head);
    const powers = all.map((other) => {
      const key = part(sequence, other, 1, head);
      const product = query.reduce((sum, value, at) => sum + value * (key[at] ?? NaN), 0);
      return Math.exp(product / Math.sqrt(depth));
    });
    const total = powers.reduce((sum, power) => sum + power, 0);
    const values = all.map((other) => part(sequence, other, 2, head));
    return query.map((_, at) =>
      powers.reduce((sum, power, other) => sum + (power / total) * (values[other]?.[at] ?? NaN), 0),
    );
  };
  return Array.from({ length: batch * tokens * heads }, (_, index) => {
    const row = Math.floor(index / heads);
    return mixed(Math.floor(row / tokens), row % tokens, index % heads);
  }).flat();
}

for (const engine of engines) {
  describe(`GELU, layer norm and attention on the ${engine} engine`, () => {
    withEngine(engine);

    it('is GELU from far left to far right, and so is its gradient', () => {
      // More numbers than one part of the work, and some that fill no vector.
      const few = Array.from({ length: 241 }, (_, at) => Math.fround((at - 120) / 10));
      const x = [...few, ...drawn(33_000, 1), ...few];
      const tensor = tf.tensor1d(x);
      const value = numbers(gelu(tensor));
      const slope = numbers(tf.grad((a) => gelu(a))(tensor));
      for (const [at, input] of few.entries()) {
        const share = below(input);
        for (const place of [at, x.length - few.length + at]) {
          expect(value[place], `gelu(${input})`).to.be.closeTo(input * share, 1e-6);
          const expected = share + input * density(input);
          expect(slope[place], `the slope at ${input}`).to.be.closeTo(expected, 1e-6);
        }
      }
      expectClose(
        value.slice(few.length, -few.length),
        x.slice(few.length, -few.length).map((input) => input * below(input)),
        1e-6,
      );
    });

    it('leaves what is no number none', () => {
      const [none, high, low] = numbers(gelu(tf.tensor1d([NaN, Infinity, -40])));
      expect(none).to.be.NaN;
      expect(high).to.equal(Infinity);
      expect(low).to.be.closeTo(0, 1e-30);
    });

    for (const [rows, size] of [
      [3, 5],
      [700, 50],
      [45, 768],
    ] as const) {
      it(`normalises ${rows} rows of ${size}, with all three gradients`, () => {
        const [x, gradient] = [drawn(rows * size, 2, 2, 5), drawn(rows * size, 3)];
        const [scale, shift] = [drawn(size, 4, 0.5, 1), drawn(size, 5)];
        const expected = layerNormByHand(x, [scale, shift], [gradient, 1e-6]);
        const compute = (...[a, b, c]: tf.Tensor[]): tf.Tensor =>
          layerNorm(a as tf.Tensor2D, { scale: b as tf.Tensor1D, shift: c as tf.Tensor1D }, 1e-6);
        const inputs = [tf.tensor2d(x, [rows, size]), tf.tensor1d(scale), tf.tensor1d(shift)];
        expectClose(compute(...inputs), expected.y, 2e-5);
        const above = tf.tensor2d(gradient, [rows, size]);
        const [dx, dscale, dshift] = tf.grads(compute)(inputs, above);
        expectClose(dx as tf.Tensor, expected.dx, 2e-5);
        expectClose(dscale as tf.Tensor, expected.dscale, 3e-4);
        expectClose(dshift as tf.Tensor, expected.dshift, 3e-4);
      });
    }

    // Heads of a size that this package's own operation takes and of one that it does not; tokens that fill a vector,
    // that do not, and that are fewer than a product's rows.
    for (const given of [
      { batch: 2, tokens: 19, heads: 2, depth: 16 },
      { batch: 1, tokens: 16, heads: 1, depth: 32 },
      { batch: 3, tokens: 1, heads: 2, depth: 16 },
      { batch: 2, tokens: 5, heads: 3, depth: 6 },
    ]) {
      const { batch, tokens, heads, depth } = given;
      it(`mixes ${tokens} tokens by ${heads} heads of ${depth}, with the gradient`, () => {
        const size = heads * depth;
        const joined = drawn(batch * tokens * 3 * size, 6, 1.5);
        const tensor = tf.tensor3d(joined, [batch, tokens, 3 * size]);
        const compute = (x: tf.Tensor): tf.Tensor => attention(x as tf.Tensor3D, heads);
        expectClose(compute(tensor), attentionByHand(joined, given), 1e-5);
        const gradient = drawn(batch * tokens * size, 7);
        const slopes = numbers(
          tf.grad(compute)(tensor, tf.tensor3d(gradient, [batch, tokens, size])),
        );
        const loss = (numbersOf: readonly number[]): number =>
          attentionByHand(numbersOf, given).reduce(
            (sum, value, at) => sum + value * (gradient[at] ?? NaN),
            0,
          );
        // By differences, at places of queries, keys and values of every token.
        const step = 1e-5;
        for (let at = 0; at < joined.length; at += 7) {
          const [above, under] = [step, -step].map((by) =>
            loss(joined.map((value, place) => (place === at ? value + by : value))),
          );
          const slope = ((above ?? NaN) - (under ?? NaN)) / (2 * step);
          expect(slopes[at], `the slope at ${at}`).to.be.closeTo(slope, 2e-5);
        }
      });
    }

    // Of which the widest fills no vector, and one that this package's own operation does not take.
    for (const [name, compute, shape] of [
      ['GELU', (x: tf.Tensor) => gelu(x), [3, 4, 19]],
      ['attention', (x: tf.Tensor) => attention(x as tf.Tensor3D, 2), [2, 19, 96]],
      ['attention in narrow heads', (x: tf.Tensor) => attention(x as tf.Tensor3D, 2), [2, 5, 36]],
    ] as const) {
      it(`computes ${name} of bfloat16 in float32, and rounds once`, function () {
        // The plain engine knows no such numbers.
        if (engine === 'plain') return this.skip();
        const inBFloat16 = (x: tf.Tensor): tf.Tensor => inFloatType(x, 'bfloat16');
        const rounded = (x: tf.Tensor): tf.Tensor => inFloatType(inBFloat16(x), 'float32');
        const size = shape.reduce((product, side) => product * side, 1);
        const x = rounded(tf.tensor(drawn(size, 8, 1.5), [...shape]));
        const exact = compute(x);
        const gradient = rounded(tf.tensor(drawn(exact.size, 9), exact.shape));
        const found = compute(inBFloat16(x));
        const slopes = tf.grad(compute)(inBFloat16(x), inBFloat16(gradient));
        expect([found, slopes].map(storedFloat)).to.deep.equal(['bfloat16', 'bfloat16']);
        const [wanted, wantedSlopes] = [exact, tf.grad(compute)(x, gradient)].map(rounded);
        expect(numbers(inFloatType(found, 'float32'))).to.deep.equal(numbers(wanted ?? x));
        expect(numbers(inFloatType(slopes, 'float32'))).to.deep.equal(numbers(wantedSlopes ?? x));
      });
    }

    it('attends to a token of a far higher score alone, and hands on what is no number', () => {
      const times = (value: number): number[] => new Array<number>(16).fill(value);
      // Scores 0 and 16 · 10 · 10 / 4 = 400, whose power of e is no float.
      const joined = [
        ...times(10),
        ...times(0),
        ...times(1),
        ...times(10),
        ...times(10),
        ...times(2),
      ];
      const mixed = (of: number[]): number[] => numbers(attention(tf.tensor3d(of, [1, 2, 48]), 1));
      expectClose(mixed(joined), [...times(2), ...times(2)], 1e-6);
      // The second token's key: its score is none for either token.
      const faulty = joined.map((value, at) => (at === 64 ? NaN : value));
      expect(mixed(faulty).every(Number.isNaN)).to.equal(true);
    });
  });
}
