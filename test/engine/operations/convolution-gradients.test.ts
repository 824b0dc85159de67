import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { operationOutputs } from '../../../lib/engine/functions/function-definition';
import { castTo, type FloatType, inFloatType } from '../../../lib/engine/operations/activations';
import {
  filterGradient,
  type FilterGradientInputs,
  hasFilterGradient,
} from '../../../lib/engine/operations/convolution-gradients';
import { tidied } from '../../../lib/engine/tidy';
import { type Convolution, eachProduct } from '../../support/convolution';
import { withEngine } from '../../support/engine';
import { numbers } from '../../support/tensors';

/** The sum written out, one product at a time, for [down, across, input, output]. */
function expected(
  x: readonly number[],
  gradient: readonly number[],
  convolution: Convolution,
): number[] {
  const { kernel, inputs, outputs } = convolution;
  const sums = new Float64Array(kernel * kernel * inputs * outputs);
  eachProduct(convolution, (from, to, weight) => {
    sums[weight] = (sums[weight] ?? NaN) + (x[from] ?? NaN) * (gradient[to] ?? NaN);
  });
  return [...sums];
}

function tensorsOf(
  { batch, sides: [height, width], inputs, outputs, kernel, stride, padding }: Convolution,
  type: FloatType,
): FilterGradientInputs {
  const rows = Math.floor((height + 2 * padding - kernel) / stride) + 1;
  const columns = Math.floor((width + 2 * padding - kernel) / stride) + 1;
  return {
    x: inFloatType(tf.randomNormal([batch, height, width, inputs], 0, 1, 'float32', 1), type),
    gradient: inFloatType(
      tf.randomNormal([batch, rows, columns, outputs], 0, 1, 'float32', 2),
      type,
    ),
    shape: [kernel, kernel, inputs, outputs],
    stride,
  };
}

describe('the gradient of a convolution by its weights', () => {
  withEngine('native');

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
          const [x, gradient] = [tensors.x, tensors.gradient].map((tensor) =>
            numbers(castTo(tensor, 'float32')),
          ) as [number[], number[]];
          const sums = expected(x, gradient, convolution);
          const most = Math.max(...sums.map(Math.abs));
          numbers(found).forEach((value, index) => {
            expect(value, `entry ${index}`).to.be.closeTo(sums[index] ?? NaN, 1e-5 * most);
          });
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
