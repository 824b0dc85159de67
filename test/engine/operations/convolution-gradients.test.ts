import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { operationOutputs } from '../../../lib/engine/functions/function-definition';
import { castTo, type FloatType, inFloatType } from '../../../lib/engine/operations/activations';
import {
  filterGradient,
  type FilterGradientInputs,
  hasFilterGradient,
  hasInputGradient,
  inputGradient,
} from '../../../lib/engine/operations/convolution-gradients';
import { tidied } from '../../../lib/engine/tidy';
import { type Convolution, eachProduct } from '../../support/convolution';
import { withEngine } from '../../support/engine';
import { numbers } from '../../support/tensors';

/** The sums written out, one product at a time: of [down, across, input, output], and of the input's shape. */
function expected(
  { x, weights, gradient }: Record<'x' | 'weights' | 'gradient', readonly number[]>,
  convolution: Convolution,
): { weights: number[]; x: number[] } {
  const ofWeights = new Float64Array(weights.length);
  const ofX = new Float64Array(x.length);
  eachProduct(convolution, (from, to, weight) => {
    ofWeights[weight] = (ofWeights[weight] ?? NaN) + (x[from] ?? NaN) * (gradient[to] ?? NaN);
    ofX[from] = (ofX[from] ?? NaN) + (weights[weight] ?? NaN) * (gradient[to] ?? NaN);
  });
  return { weights: [...ofWeights], x: [...ofX] };
}

function tensorsOf(
  { batch, sides: [height, width], inputs, outputs, kernel, stride, padding }: Convolution,
  type: FloatType,
): FilterGradientInputs & { readonly weights: tf.Tensor } {
  const rows = Math.floor((height + 2 * padding - kernel) / stride) + 1;
  const columns = Math.floor((width + 2 * padding - kernel) / stride) + 1;
  const draw = (shape: number[], seed: number): tf.Tensor =>
    inFloatType(tf.randomNormal(shape, 0, 1, 'float32', seed), type);
  return {
    x: draw([batch, height, width, inputs], 1),
    gradient: draw([batch, rows, columns, outputs], 2),
    weights: draw([kernel, kernel, inputs, outputs], 3),
    shape: [kernel, kernel, inputs, outputs],
    stride,
  };
}

const inFloat32 = (tensor: tf.Tensor): number[] => numbers(castTo(tensor, 'float32'));

function expectSums(found: tf.Tensor, sums: readonly number[]): void {
  const most = Math.max(...sums.map(Math.abs));
  const values = numbers(found);
  expect(values).to.have.length(sums.length);
  values.forEach((value, index) => {
    expect(value, `entry ${index}`).to.be.closeTo(sums[index] ?? NaN, 1e-5 * most);
  });
}

const place: Convolution = {
  batch: 3,
  sides: [6, 8],
  inputs: 16,
  outputs: 16,
  kernel: 3,
  stride: 1,
  padding: 1,
};
const convolutions: Record<string, Convolution> = {
  'three by three': place,
  'with a stride': { ...place, sides: [8, 12], stride: 2 },
  'of an odd height with a stride': { ...place, sides: [7, 8], stride: 2 },
  'of one row with a stride': { ...place, sides: [1, 4], stride: 2 },
  'without padding': { ...place, padding: 0 },
  'one by one with a stride': { ...place, kernel: 1, stride: 2, padding: 0, sides: [8, 8] },
  'five by five, more channels in than out': {
    ...place,
    kernel: 5,
    padding: 2,
    inputs: 48,
    outputs: 32,
  },
  'of 64 channels, one image': { ...place, batch: 1, outputs: 64, inputs: 32 },
  'of 128 channels in more than one group of images': {
    ...place,
    batch: 70,
    sides: [4, 4],
    outputs: 128,
  },
};

describe('the gradient of a convolution by its weights', () => {
  withEngine('native');

  for (const type of ['float32', 'bfloat16'] as const) {
    for (const [name, convolution] of Object.entries(convolutions)) {
      it(`is the sum over all pixels, ${name}, in ${type}`, function () {
        const has = operationOutputs().has(
          `NormDirectionFilterGradient${type === 'bfloat16' ? 'BFloat16' : ''}`,
        );
        // The processor has no AVX512 (in bfloat16: AVX512-BF16).
        if (!has) return this.skip();
        tidied(() => {
          const tensors = tensorsOf(convolution, type);
          const found = filterGradient(tensors, convolution.padding);
          expect(found.shape).to.deep.equal(tensors.shape);
          const { x, gradient, weights } = tensors;
          const given = {
            x: inFloat32(x),
            gradient: inFloat32(gradient),
            weights: inFloat32(weights),
          };
          expectSums(found, expected(given, convolution).weights);
        });
      });
    }
  }

  it('is asked of the own operation only where its channels and columns fit', () => {
    tidied(() => {
      const has = (changes: Partial<Convolution>): boolean =>
        hasFilterGradient(tensorsOf({ ...place, ...changes }, 'bfloat16'));
      const fits = has({});
      expect(fits).to.equal(operationOutputs().has('NormDirectionFilterGradientBFloat16'));
      expect(has({ inputs: 3 })).to.equal(false);
      expect(has({ outputs: 24 })).to.equal(false);
      expect(has({ sides: [8, 7] })).to.equal(false);
      expect(has({ batch: 1, sides: [128, 130] })).to.equal(false);
      // A convolution in groups has a shallower kernel than its input.
      const tensors = tensorsOf(place, 'bfloat16');
      expect(hasFilterGradient({ ...tensors, shape: [3, 3, 8, 16] })).to.equal(false);
    });
  });

  it('refuses a gradient of another size', function () {
    const name = 'NormDirectionFilterGradient';
    if (!operationOutputs().has(name)) return this.skip();
    tidied(() => {
      const tensors = tensorsOf(place, 'float32');
      expect(() => filterGradient({ ...tensors, stride: 2 }, 1)).to.throw(
        'the gradient is not of this input',
      );
    });
  });
});

describe('the gradient of a convolution with a stride by its input', () => {
  withEngine('native');

  // The processor has no AVX2.
  before(function () {
    if (!operationOutputs().has('NormDirectionInputGradient')) this.skip();
  });

  const cases: Record<string, Convolution> = {
    ...convolutions,
    'of sides and a kernel that a stride of 3 does not divide': {
      ...place,
      ...{ sides: [11, 10], kernel: 4, stride: 3, padding: 2, outputs: 48 },
    },
    'of pixels that no window meets': { ...place, sides: [9, 8], kernel: 2, stride: 4, padding: 0 },
    'of more pixels than a block': { ...place, batch: 1, sides: [30, 22], stride: 2, inputs: 32 },
    'of no image': { ...place, batch: 0, stride: 2 },
  };
  for (const [name, convolution] of Object.entries(cases)) {
    it(`is the sum over all places of the kernel, ${name}`, () => {
      tidied(() => {
        const { x, weights, gradient } = tensorsOf(convolution, 'float32');
        const found = inputGradient(gradient, { x, weights }, convolution);
        expect(found.shape).to.deep.equal(x.shape);
        const given = {
          x: numbers(x),
          weights: numbers(weights),
          gradient: numbers(gradient),
        };
        expectSums(found, expected(given, convolution).x);
      });
    });
  }

  it('is asked of the own operation only under a stride, in float32, where its channels fit', () => {
    tidied(() => {
      const has = (changes: Partial<Convolution>, type: FloatType = 'float32'): boolean => {
        const shape = { ...place, stride: 2, ...changes };
        return hasInputGradient(tensorsOf(shape, type), shape);
      };
      expect(has({})).to.equal(true);
      expect(has({ stride: 1 })).to.equal(false);
      expect(has({}, 'bfloat16')).to.equal(false);
      expect(has({ inputs: 3 })).to.equal(false);
      expect(has({ outputs: 24 })).to.equal(false);
      expect(has({ outputs: 128 })).to.equal(true);
      expect(has({ outputs: 144 })).to.equal(false);
      expect(has({ batch: 1, sides: [128, 130] })).to.equal(false);
    });
  });

  it('refuses a gradient of another size and weights of another convolution', () => {
    tidied(() => {
      const { x, weights, gradient } = tensorsOf(place, 'float32');
      const strided = { ...place, stride: 2 };
      expect(() => inputGradient(gradient, { x, weights }, strided)).to.throw(
        'the gradient is not of this input',
      );
      const other = tensorsOf({ ...place, outputs: 32 }, 'float32').weights;
      expect(() => inputGradient(gradient, { x, weights: other }, place)).to.throw(
        'the kernel is of another convolution',
      );
    });
  });
});
