import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { type ConvolutionPass, convolutionPasses } from '../../../lib/engine/describe';
import {
  functionBackend,
  operationOutputs,
} from '../../../lib/engine/functions/function-definition';
import { startEngine } from '../../../lib/engine/load';
import { inFloatType } from '../../../lib/engine/operations/activations';
import { convolution } from '../../../lib/engine/operations/convolution';
import { fusedConvolution } from '../../../lib/engine/operations/fused-convolution';
import {
  hasWinograd,
  useWinograd,
  winograd,
  winogradGradient,
} from '../../../lib/engine/operations/winograd';
import { tidied } from '../../../lib/engine/tidy';
import { type Convolution, eachProduct } from '../../support/convolution';
import { withEngine } from '../../support/engine';
import { numbers } from '../../support/tensors';

const options = { stride: 1, padding: 1 };

describe('a convolution by Winograd’s products', () => {
  withEngine('native');

  // A processor without AVX2 has no such operation.
  before(function () {
    if (!operationOutputs().has('NormDirectionWinograd')) this.skip();
  });

  // Whatever was measured to be faster here.
  let usual: readonly ConvolutionPass[] | undefined;
  before(async () => void (usual = (await startEngine({ engine: 'native' })).winograd));
  beforeEach(() => void useWinograd(convolutionPasses));
  after(() => void (usual && useWinograd(usual)));

  const draw = (shape: number[], seed: number): tf.Tensor4D =>
    tf.randomNormal(shape as [number, number, number, number], 0, 1, 'float32', seed);

  function tensorsOf({
    batch,
    sides,
    inputs,
    outputs,
  }: Convolution): Record<'x' | 'weights' | 'gradient', tf.Tensor4D> {
    return {
      x: draw([batch, ...sides, inputs], 1),
      weights: draw([3, 3, inputs, outputs], 2),
      gradient: draw([batch, ...sides, outputs], 3),
    };
  }

  /** Names of the operations that TensorFlow is given meanwhile. */
  function operationsOf(run: () => void): string[] {
    const backend = functionBackend();
    const { binding } = backend;
    const names: string[] = [];
    const executeOp: typeof binding.executeOp = (name, ...rest) => {
      names.push(name);
      return binding.executeOp(name, ...rest);
    };
    // The binding's own methods cannot be replaced.
    backend.binding = Object.create(binding, { executeOp: { value: executeOp } }) as typeof binding;
    try {
      run();
    } finally {
      backend.binding = binding;
    }
    return names;
  }

  /** Off by so little as float32 is over some hundred products. */
  function expectSums(found: tf.Tensor | undefined, sums: readonly number[]): void {
    const most = Math.max(...sums.map(Math.abs));
    const values = numbers(found ?? tf.scalar(NaN));
    expect(values).to.have.length(sums.length);
    values.forEach((value, index) => {
      expect(value, `entry ${index}`).to.be.closeTo(sums[index] ?? NaN, 5e-6 * most);
    });
  }

  const place: Convolution = {
    ...{ batch: 2, sides: [6, 8], inputs: 16, outputs: 16, kernel: 3 },
    ...options,
  };
  const convolutions: Record<string, Convolution> = {
    'of even sides': place,
    'of odd sides': { ...place, sides: [7, 5] },
    'of one pixel': { ...place, sides: [1, 1] },
    'of one row': { ...place, sides: [1, 9] },
    'of one column': { ...place, sides: [9, 1] },
    'of more inputs than outputs': { ...place, inputs: 48, outputs: 32 },
    'of more outputs than inputs': { ...place, inputs: 32, outputs: 80 },
    'of rows longer than a block of tiles': { ...place, batch: 1, sides: [3, 107] },
    'of many small images': { ...place, batch: 33, sides: [3, 4] },
    'of no image': { ...place, batch: 0 },
  };

  for (const [name, shape] of Object.entries(convolutions)) {
    it(`${name} is the sum of nine products a channel, and so are its gradients`, () => {
      tidied(() => {
        const { x, weights, gradient } = tensorsOf(shape);
        expect(hasWinograd('forward', x, weights, options)).to.equal(true);
        const [ofX, ofWeights, ofGradient] = [x, weights, gradient].map(numbers) as [
          number[],
          number[],
          number[],
        ];
        const output = new Array<number>(gradient.size).fill(0);
        const dx = new Array<number>(x.size).fill(0);
        const dw = new Array<number>(weights.size).fill(0);
        eachProduct(shape, (from, to, weight) => {
          output[to] = (output[to] ?? NaN) + (ofX[from] ?? NaN) * (ofWeights[weight] ?? NaN);
          dx[from] = (dx[from] ?? NaN) + (ofGradient[to] ?? NaN) * (ofWeights[weight] ?? NaN);
          dw[weight] = (dw[weight] ?? NaN) + (ofGradient[to] ?? NaN) * (ofX[from] ?? NaN);
        });
        expectSums(convolution(x, weights, options), output);
        const gradients = tf.grads((a, b) =>
          convolution(a as tf.Tensor4D, b as tf.Tensor4D, options),
        )([x, weights], gradient);
        expectSums(gradients[0], dx);
        expectSums(gradients[1], dw);
      });
    });
  }

  describe('in bfloat16', () => {
    // A processor that does not multiply such numbers has no such operation.
    before(function () {
      if (!operationOutputs().has('NormDirectionWinogradBFloat16')) this.skip();
    });

    /** Whole numbers of which neither the transforms nor the products lose a digit: only the result is rounded. */
    const whole = (shape: number[], { most, step }: { most: number; step: number }): tf.Tensor4D =>
      tf.tidy(() => {
        const steps = tf.randomUniform(shape, -most - 0.5, most + 0.5, 'float32', 1 + most);
        return inFloatType(tf.mul(tf.round(steps), step), 'bfloat16') as tf.Tensor4D;
      });
    const exact = (tensor: tf.Tensor): number[] => numbers(inFloatType(tensor, 'float32'));
    const rounded = (sums: readonly number[]): number[] =>
      exact(inFloatType(tf.tensor1d([...sums]), 'bfloat16'));

    for (const [name, shape] of Object.entries(convolutions)) {
      it(`${name} is the rounded sum of nine products a channel, and so is its input's gradient; that of the weights is float32's`, () => {
        tidied(() => {
          const { batch, sides, inputs, outputs } = shape;
          const x = whole([batch, ...sides, inputs], { most: 3, step: 1 });
          const weights = whole([3, 3, inputs, outputs], { most: 2, step: 4 });
          const gradient = whole([batch, ...sides, outputs], { most: 4, step: 1 });
          expect(hasWinograd('forward', x, weights, options)).to.equal(true);
          const [ofX, ofWeights, ofGradient] = [exact(x), exact(weights), exact(gradient)];
          const output = new Array<number>(gradient.size).fill(0);
          const dx = new Array<number>(x.size).fill(0);
          const dw = new Array<number>(weights.size).fill(0);
          eachProduct(shape, (from, to, weight) => {
            output[to] = (output[to] ?? NaN) + (ofX[from] ?? NaN) * (ofWeights[weight] ?? NaN);
            dx[from] = (dx[from] ?? NaN) + (ofGradient[to] ?? NaN) * (ofWeights[weight] ?? NaN);
            dw[weight] = (dw[weight] ?? NaN) + (ofGradient[to] ?? NaN) * (ofX[from] ?? NaN);
          });
          expectSums(winogradGradient(x, gradient), dw);
          const ran = operationsOf(() => {
            const convolved = (a: tf.Tensor): tf.Tensor =>
              convolution(a as tf.Tensor4D, weights, options);
            expect(exact(convolved(x))).to.deep.equal(rounded(output));
            expect(exact(tf.grad(convolved)(x, gradient))).to.deep.equal(rounded(dx));
          });
          expect(
            ran.filter((operation) => operation === 'NormDirectionWinogradBFloat16'),
          ).to.have.length(3);
        });
      });
    }

    it('adds a bias and a residual before it rounds', () => {
      tidied(() => {
        const x = whole([2, 5, 6, 32], { most: 3, step: 1 });
        const weights = whole([3, 3, 32, 16], { most: 2, step: 4 });
        const bias = inFloatType(tf.range(-8, 8) as tf.Tensor1D, 'bfloat16');
        const residual = whole([2, 5, 6, 16], { most: 9, step: 1 });
        const sums = new Array<number>(residual.size).fill(0);
        const [ofX, ofWeights, ofResidual] = [exact(x), exact(weights), exact(residual)];
        eachProduct({ ...place, sides: [5, 6], inputs: 32 }, (from, to, weight) => {
          sums[to] = (sums[to] ?? NaN) + (ofX[from] ?? NaN) * (ofWeights[weight] ?? NaN);
        });
        const found = fusedConvolution(x, { weights, bias }, { ...options, residual, relu: true });
        const wanted = sums.map((sum, at) =>
          Math.max(0, sum + (at % 16) - 8 + (ofResidual[at] ?? NaN)),
        );
        expect(exact(found)).to.deep.equal(rounded(wanted));
      });
    });

    it('is off by some thousandths where its transforms are rounded', () => {
      tidied(() => {
        const { x, weights } = tensorsOf({ ...place, sides: [16, 16], inputs: 64, outputs: 64 });
        const half = [x, weights].map((tensor) => inFloatType(tensor, 'bfloat16'));
        const [a, b] = half.map((tensor) => inFloatType(tensor, 'float32')) as [
          tf.Tensor4D,
          tf.Tensor4D,
        ];
        const sums = convolution(a, b, options);
        const found = inFloatType(convolution(half[0] as tf.Tensor4D, b, options), 'float32');
        const off = tf.div(tf.norm(tf.sub(found, sums)), tf.norm(sums)).dataSync()[0];
        expect(off).to.be.within(1e-3, 6e-3);
      });
    });
  });

  for (const type of ['float32', 'bfloat16'] as const) {
    it(`takes each group's channels by themselves, with their part of bias and residual, in ${type}`, function () {
      if (type === 'bfloat16' && !operationOutputs().has('NormDirectionWinogradBFloat16')) {
        return this.skip();
      }
      tidied(() => {
        // Whole numbers, of which bfloat16's transforms lose nothing but by the rounding of the result.
        const whole = (shape: number[], seed: number): tf.Tensor =>
          tf.round(tf.randomUniform(shape, -2.5, 2.5, 'float32', seed));
        const x = whole([2, 5, 7, 48], 1) as tf.Tensor4D;
        const weights = tf.mul(whole([3, 3, 16, 96], 2), 4) as tf.Tensor4D;
        const bias = whole([96], 3) as tf.Tensor1D;
        const residual = whole([2, 5, 7, 96], 4) as tf.Tensor4D;
        const wanted = new Array<number>(residual.size).fill(0);
        const [ofX, ofWeights] = [numbers(x), numbers(weights)];
        for (let group = 0; group < 3; group++) {
          const one = { ...place, sides: [5, 7] as const, inputs: 16, outputs: 32 };
          eachProduct(one, (from, to, weight) => {
            const input = Math.floor(from / 16) * 48 + 16 * group + (from % 16);
            const output = Math.floor(to / 32) * 96 + 32 * group + (to % 32);
            const factor = Math.floor(weight / 32) * 96 + 32 * group + (weight % 32);
            wanted[output] =
              (wanted[output] ?? NaN) + (ofX[input] ?? NaN) * (ofWeights[factor] ?? NaN);
          });
        }
        const [ofBias, ofResidual] = [numbers(bias), numbers(residual)];
        const sums = wanted.map(
          (sum, at) => sum + (ofBias[at % 96] ?? NaN) + (ofResidual[at] ?? NaN),
        );
        const given = [x, weights, bias, residual].map((tensor) => inFloatType(tensor, type));
        const [a, b, ...more] = given as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        expect(hasWinograd('forward', a, b, options)).to.equal(true);
        expect(hasWinograd('input', a, b, options)).to.equal(false);
        expect(hasWinograd('weights', a, b, options)).to.equal(false);
        const found = inFloatType(winograd(a, b, { more }), 'float32');
        if (type === 'float32') return expectSums(found, sums);
        const rounded = inFloatType(inFloatType(tf.tensor1d(sums), type), 'float32');
        expect(numbers(found)).to.deep.equal(numbers(rounded));
      });
    });
  }

  it('adds a bias, adds a residual, and cuts off what is below 0', () => {
    tidied(() => {
      // Only the middle of the kernel, and that the identity: the convolution gives its input back.
      const identity = tf.tensor4d(
        Array.from({ length: 9 * 256 }, (_, at) =>
          Math.floor(at / 256) === 4 && Math.floor(at / 16) % 16 === at % 16 ? 1 : 0,
        ),
        [3, 3, 16, 16],
      );
      const channels = Array.from({ length: 16 }, (_, channel) => channel - 8);
      const x = tf.tensor4d([...channels, ...channels], [1, 1, 2, 16]);
      const bias = tf.tensor1d(channels.map((channel) => channel / 4));
      const residual = tf.fill<tf.Rank.R4>([1, 1, 2, 16], 3);
      const folded = { weights: identity, bias };
      const twice = (one: (channel: number) => number): number[] => {
        const values = channels.map(one);
        return [...values, ...values];
      };
      const given = (more: { residual?: tf.Tensor4D; relu: boolean }): tf.Tensor =>
        fusedConvolution(x, folded, { ...options, ...more });
      expectSums(
        given({ relu: false }),
        twice((c) => c + c / 4),
      );
      expectSums(
        given({ relu: true }),
        twice((c) => Math.max(0, c + c / 4)),
      );
      expectSums(
        given({ relu: false, residual }),
        twice((c) => c + c / 4 + 3),
      );
      expectSums(
        given({ relu: true, residual }),
        twice((c) => Math.max(0, c + c / 4 + 3)),
      );
    });
  });

  it('gives an image the same bits wherever it stands, in a batch of any size', () => {
    tidied(() => {
      const { x, weights } = tensorsOf({ ...place, batch: 29, sides: [5, 7] });
      const all = numbers(convolution(x, weights, options));
      const size = all.length / 29;
      for (const [first, count] of [
        [0, 1],
        [28, 1],
        [3, 20],
      ] as const) {
        const some = numbers(convolution(tf.slice(x, first, count), weights, options));
        expect(some).to.deep.equal(all.slice(first * size, (first + count) * size));
      }
    });
  });

  it('is asked only for what it computes', () => {
    tidied(() => {
      const has = (shape: [number, number, number, number], more = {}): boolean =>
        hasWinograd('forward', draw([1, 4, 4, shape[2]], 1), draw(shape, 2), {
          ...options,
          ...more,
        });
      expect(has([3, 3, 16, 32])).to.equal(true);
      expect(has([3, 3, 3, 16])).to.equal(false);
      expect(has([3, 3, 16, 24])).to.equal(false);
      expect(has([1, 3, 16, 16])).to.equal(false);
      expect(has([3, 3, 16, 16], { stride: 2 })).to.equal(false);
      expect(has([3, 3, 16, 16], { padding: 0 })).to.equal(false);
      // The transforms of more leave the cache.
      expect(has([3, 3, 256, 512])).to.equal(true);
      expect(has([3, 3, 512, 512])).to.equal(false);
    });
  });

  for (const pass of convolutionPasses) {
    it(`is taken for the pass '${pass}' alone where that alone is chosen`, () => {
      tidied(() => {
        useWinograd([pass]);
        const { x, weights, gradient } = tensorsOf(place);
        const ran = operationsOf(() => {
          tf.grads((a, b) => convolution(a as tf.Tensor4D, b as tf.Tensor4D, options))(
            [x, weights],
            gradient,
          );
        });
        const all = [
          ['forward', 'NormDirectionWinograd', 'Conv2D'],
          ['input', 'NormDirectionWinograd', 'Conv2DBackpropInput'],
          ['weights', 'NormDirectionWinogradGradient', 'Conv2DBackpropFilter'],
        ] as const;
        const wanted = all.map(([name, byWinograd, byOneDnn]) =>
          name === pass ? byWinograd : byOneDnn,
        );
        const convolutions = ran.filter((name) => /^(Conv2D|NormDirectionWinograd)/.test(name));
        expect(convolutions).to.have.members(wanted);
      });
    });
  }

  it('refuses what does not fit', () => {
    tidied(() => {
      const { x, weights } = tensorsOf(place);
      expect(() => winograd(x, draw([3, 3, 8, 16], 1))).to.throw(/channels by sixteen/);
      expect(() => winograd(x, draw([3, 3, 32, 16], 1))).to.throw(/do not fit the image/);
      const two = draw([2, 6, 8, 32], 1);
      expect(() => winograd(two, weights, { turned: true })).to.throw(/do not fit the image/);
      expect(() => winograd(x, weights, { more: [tf.zeros([8])] })).to.throw(/does not fit/);
      const none = tf.zeros([2, 6, 8, 0]);
      expect(() => winogradGradient(none, x)).to.throw(/channels are not by sixteen/);
    });
  });
});
