import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { operationOutputs } from '../../../lib/engine/functions/function-definition';
import { storedFloat } from '../../../lib/engine/native';
import { castTo, type FloatType, inFloatType } from '../../../lib/engine/operations/activations';
import { convolution } from '../../../lib/engine/operations/convolution';
import {
  hasPointGradient,
  hasPoints,
  pointGradient,
  points,
} from '../../../lib/engine/operations/points';
import { tidied } from '../../../lib/engine/tidy';
import { withEngine } from '../../support/engine';
import { expectClose, numbers } from '../../support/tensors';

interface Points {
  /** [batch, height, width] */
  readonly images: readonly [number, number, number];
  readonly groups: number;
  /** Of a group. */
  readonly inputs: number;
  readonly outputs: number;
}

const whole: Points = { images: [3, 5, 4], groups: 3, inputs: 32, outputs: 16 };

interface Drawn {
  readonly x: tf.Tensor4D;
  readonly weights: tf.Tensor4D;
  readonly gradient: tf.Tensor4D;
}

function draw({ images, groups, inputs, outputs }: Points, type: FloatType): Drawn {
  const normal = (shape: [number, number, number, number], seed: number): tf.Tensor4D =>
    inFloatType(tf.randomNormal(shape, 0, 1, 'float32', seed), type);
  return {
    x: normal([...images, groups * inputs], 1),
    weights: normal([1, 1, inputs, groups * outputs], 2),
    gradient: normal([...images, groups * outputs], 3),
  };
}

const inFloat32 = (tensor: tf.Tensor): number[] => numbers(castTo(tensor, 'float32'));

interface Sums {
  readonly y: number[];
  readonly x: number[];
  readonly weights: number[];
}

/** The sums written out, one product at a time: of the convolution and of both gradients. */
function written(drawn: Drawn, { images: [a, b, c], groups, inputs, outputs }: Points): Sums {
  const [x, weights, gradient] = [drawn.x, drawn.weights, drawn.gradient].map(inFloat32);
  const sums = {
    y: new Float64Array(gradient?.length ?? 0),
    x: new Float64Array(x?.length ?? 0),
    weights: new Float64Array(weights?.length ?? 0),
  };
  const add = (to: Float64Array, at: number, product: number): void => {
    to[at] = (to[at] ?? NaN) + product;
  };
  for (let pixel = 0; pixel < a * b * c; pixel++) {
    for (let output = 0; output < groups * outputs; output++) {
      for (let i = 0; i < inputs; i++) {
        const from = pixel * groups * inputs + Math.floor(output / outputs) * inputs + i;
        const weight = i * groups * outputs + output;
        const to = pixel * groups * outputs + output;
        add(sums.y, to, (x?.[from] ?? NaN) * (weights?.[weight] ?? NaN));
        add(sums.x, from, (gradient?.[to] ?? NaN) * (weights?.[weight] ?? NaN));
        add(sums.weights, weight, (gradient?.[to] ?? NaN) * (x?.[from] ?? NaN));
      }
    }
  }
  return { y: [...sums.y], x: [...sums.x], weights: [...sums.weights] };
}

/** Up to a share of the largest. */
function expectSums(found: tf.Tensor, sums: readonly number[], share: number): void {
  expectClose(inFloat32(found), sums, share * Math.max(...sums.map(Math.abs)));
}

/** A result of bfloat16 is rounded to eight bits, half of the last one up or down. */
const rounding = 2 ** -8;

const cases: Record<string, Points> = {
  'of whole panels': whole,
  'of channels that panels do not divide': { ...whole, inputs: 18, outputs: 42 },
  'of more pixels than a block': { ...whole, images: [2, 23, 19], groups: 2, outputs: 24 },
  'of blocks without a rest': { ...whole, images: [3, 4, 8], groups: 2 },
  'of one pixel': { ...whole, images: [1, 1, 1] },
  'of no image': { ...whole, images: [0, 5, 4] },
};

describe('a convolution of 1 × 1 in groups, in bfloat16', () => {
  withEngine('native');

  // The processor does not multiply such numbers.
  before(function () {
    if (!operationOutputs().has('NormDirectionPointsBFloat16')) this.skip();
  });

  for (const [name, of] of Object.entries(cases)) {
    it(`is the sum over each group’s channels, both ways, ${name}`, () => {
      tidied(() => {
        const drawn = draw(of, 'bfloat16');
        const expected = written(drawn, of);
        const found = points(drawn.x, drawn.weights, of.groups);
        expect(found.shape).to.deep.equal(drawn.gradient.shape);
        expect(storedFloat(found)).to.equal('bfloat16');
        expectSums(found, expected.y, rounding);
        const turned = points(drawn.gradient, drawn.weights, of.groups, true);
        expect(turned.shape).to.deep.equal(drawn.x.shape);
        expectSums(turned, expected.x, rounding);
      });
    });
  }

  it('is rounded once: small whole numbers come out as they are', () => {
    tidied(() => {
      const of = { ...whole, inputs: 20, outputs: 18 };
      const { images, groups, inputs, outputs } = of;
      const drawWhole = (shape: [number, number, number, number], seed: number): tf.Tensor4D =>
        inFloatType(
          tf.floor(tf.randomUniform(shape, -1, 2, 'float32', seed)) as tf.Tensor4D,
          'bfloat16',
        );
      const drawn = {
        x: drawWhole([...images, groups * inputs], 1),
        weights: drawWhole([1, 1, inputs, groups * outputs], 2),
        gradient: drawWhole([...images, groups * outputs], 3),
      };
      const expected = written(drawn, of);
      expect(inFloat32(points(drawn.x, drawn.weights, groups)).map((n) => n + 0)).to.deep.equal(
        expected.y.map((n) => n + 0),
      );
      const turned = points(drawn.gradient, drawn.weights, groups, true);
      expect(inFloat32(turned).map((n) => n + 0)).to.deep.equal(expected.x.map((n) => n + 0));
    });
  });

  it('is what a convolution in bfloat16 and its gradients take', () => {
    tidied(() => {
      const of = { ...whole, inputs: 20, outputs: 18 };
      const drawn = draw(of, 'bfloat16');
      const float = castTo(drawn.weights, 'float32') as tf.Tensor4D;
      const run = (x: tf.Tensor4D, weights: tf.Tensor4D): tf.Tensor4D =>
        convolution(x, weights, { groups: of.groups });
      const expected = written(drawn, of);
      const { value, grad } = {
        value: run(drawn.x, float),
        grad: tf.grads((x, weights) => run(x as tf.Tensor4D, weights as tf.Tensor4D)),
      };
      expect(numbers(castTo(value, 'float32'))).to.deep.equal(
        inFloat32(points(drawn.x, drawn.weights, of.groups)),
      );
      const [dx, dWeights] = grad([drawn.x, float], drawn.gradient) as [tf.Tensor, tf.Tensor];
      expect(storedFloat(dx)).to.equal('bfloat16');
      expectSums(dx, expected.x, rounding);
      expect(storedFloat(dWeights)).to.equal('float32');
      expectSums(dWeights, expected.weights, 1e-5);
    });
  });

  it('is asked of the own operation only in groups, in bfloat16, where channels come in pairs', () => {
    tidied(() => {
      const has = (
        changes: Partial<Points>,
        { stride = 1, kernel = 1, type = 'bfloat16' as FloatType } = {},
      ): boolean => {
        const of = { ...whole, ...changes };
        const weights = tf.zeros([kernel, kernel, of.inputs, of.groups * of.outputs]);
        const geometry = { stride, padding: (kernel - 1) / 2 };
        return hasPoints({ x: draw(of, type).x, weights }, geometry);
      };
      expect(has({})).to.equal(true);
      expect(has({ inputs: 16, outputs: 18 })).to.equal(true);
      expect(has({ groups: 1 })).to.equal(false);
      expect(has({}, { stride: 2 })).to.equal(false);
      expect(has({}, { kernel: 3 })).to.equal(false);
      expect(has({}, { type: 'float32' })).to.equal(false);
      expect(has({ inputs: 14 })).to.equal(false);
      expect(has({ inputs: 17 })).to.equal(false);
      expect(has({ outputs: 14 })).to.equal(false);
      expect(has({ outputs: 17 })).to.equal(false);
      // The gradient by its weights would be TensorFlow's, which it has not.
      const large = { images: [1, 1, 1], groups: 2, inputs: 512 } as const;
      expect(has({ ...large, outputs: 512 })).to.equal(true);
      expect(has({ ...large, outputs: 528 })).to.equal(false);
    });
  });

  it('refuses weights of other channels', () => {
    tidied(() => {
      const { x, weights } = draw(whole, 'bfloat16');
      expect(() => points(x, weights, 2)).to.throw('the weights do not fit');
      expect(() => points(x, weights, 3, true)).to.throw('the weights do not fit');
    });
  });
});

describe('the gradient of a convolution of 1 × 1 by its weights', () => {
  withEngine('native');

  // The processor has no AVX2.
  before(function () {
    if (!operationOutputs().has('NormDirectionPointGradient')) this.skip();
  });

  const more: Record<string, Points> = {
    ...cases,
    'of one group': { ...whole, groups: 1 },
    'of odd numbers of channels': { ...whole, inputs: 21, outputs: 41 },
  };
  for (const type of ['float32', 'bfloat16'] as const) {
    for (const [name, of] of Object.entries(more)) {
      it(`is the sum over all pixels, group by group, ${name}, in ${type}`, () => {
        tidied(() => {
          const drawn = draw(of, type);
          const found = pointGradient(drawn.x, drawn.gradient, of.groups);
          expect(found.shape).to.deep.equal(drawn.weights.shape);
          expect(storedFloat(found)).to.equal('float32');
          expectSums(found, written(drawn, of).weights, 1e-5);
        });
      });
    }
  }

  it('is asked of the own operation only without a stride, where its channels fit, in bfloat16 with groups', () => {
    tidied(() => {
      const has = (
        changes: Partial<Points>,
        { stride = 1, kernel = 1, type = 'float32' as FloatType } = {},
      ): boolean => {
        const of = { ...whole, ...changes };
        const weights = tf.zeros([kernel, kernel, of.inputs, of.groups * of.outputs]);
        const geometry = { stride, padding: (kernel - 1) / 2 };
        return hasPointGradient({ x: draw(of, type).x, weights }, geometry);
      };
      expect(has({})).to.equal(true);
      expect(has({ groups: 1, inputs: 16 })).to.equal(true);
      expect(has({}, { stride: 2 })).to.equal(false);
      expect(has({}, { kernel: 3 })).to.equal(false);
      expect(has({}, { type: 'bfloat16' })).to.equal(true);
      expect(has({ groups: 1 }, { type: 'bfloat16' })).to.equal(false);
      expect(has({ inputs: 15 })).to.equal(false);
      expect(has({ outputs: 8 })).to.equal(false);
      const large = { images: [1, 1, 1], groups: 1, inputs: 512 } as const;
      expect(has({ ...large, outputs: 512 })).to.equal(true);
      expect(has({ ...large, outputs: 528 })).to.equal(false);
    });
  });

  it('refuses a gradient of another size and channels that groups do not divide', () => {
    tidied(() => {
      const { x } = draw({ ...whole, groups: 1 }, 'float32');
      const other = tf.zeros([3, 5, 5, 16]);
      expect(() => pointGradient(x, other, 1)).to.throw('the gradient is not of this input');
      expect(() => pointGradient(x, x, 3)).to.throw('fewer than sixteen channels');
    });
  });
});
