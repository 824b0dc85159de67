import * as tf from '@tensorflow/tfjs';
import { operationOutputs } from '../../lib/engine/functions/function-definition';
import {
  intAttribute,
  nativeOperation,
  stringAttribute,
  typeAttribute,
} from '../../lib/engine/native';
import { inFloatType } from '../../lib/engine/operations/activations';
import { convolution } from '../../lib/engine/operations/convolution';
import { filterGradient, padSpatially } from '../../lib/engine/operations/convolution-gradients';
import { fusedConvolution } from '../../lib/engine/operations/fused-convolution';
import { pointGradient, points } from '../../lib/engine/operations/points';
import { winograd, winogradGradient } from '../../lib/engine/operations/winograd';
import type { Random } from '../../lib/engine/random';
import { type Compared, inBFloat16, inFloat32, normal, rounded, size, typeOf } from './compared';

function convolutionAttributes(stride: number): Parameters<typeof nativeOperation>[1] {
  return [
    typeAttribute('T', 'float32'),
    intAttribute('strides', [1, stride, stride, 1]),
    intAttribute('dilations', [1, 1, 1, 1]),
    stringAttribute('padding', 'VALID'),
    stringAttribute('data_format', 'NHWC'),
  ];
}

function filterGradients(draw: Random): Compared[] {
  const type = typeOf(draw);
  const own =
    type === 'float32' ? 'NormDirectionFilterGradient' : 'NormDirectionFilterGradientBFloat16';
  if (!operationOutputs().has(own)) return [];
  const kernel = 1 + draw.integer(5);
  const stride = 1 + draw.integer(3);
  const padding = draw.integer(kernel);
  const [batch, inputs, outputs] = [size(draw, 9), 16 * size(draw, 5), 16 * size(draw, 5)];
  const rows = size(draw, 20);
  const columns = type === 'float32' ? size(draw, 20) : 2 * size(draw, 10);
  // Some pixels at the end that no window meets.
  const side = (count: number): number =>
    Math.max(1, (count - 1) * stride + kernel - 2 * padding + draw.integer(stride));
  const [height, width] = [side(rows), side(columns)];
  const outRows = Math.floor((height + 2 * padding - kernel) / stride) + 1;
  const outColumns = Math.floor((width + 2 * padding - kernel) / stride) + 1;
  if (outRows !== rows || outColumns !== columns) return [];
  const x = rounded(normal([batch, height, width, inputs], draw), type);
  const gradient = rounded(normal([batch, rows, columns, outputs], draw), type);
  const shape = [kernel, kernel, inputs, outputs];
  const given = { x: inFloatType(x, type), gradient: inFloatType(gradient, type), shape, stride };
  const padded = padding > 0 ? padSpatially(x as tf.Tensor4D, padding) : x;
  const sizes = tf.tensor1d(shape, 'int32');
  return [
    {
      name: own,
      found: filterGradient(given, padding),
      expected: nativeOperation('Conv2DBackpropFilter', convolutionAttributes(stride), [
        padded,
        sizes,
        gradient,
      ]),
      tolerance: inFloat32,
    },
  ];
}

function convolutions(draw: Random): Compared[] {
  const kernel = 1 + draw.integer(4);
  const stride = 1 + draw.integer(3);
  const padding = draw.integer(kernel);
  // By sixteen this package's own operations take some of them.
  const channels = draw.integer(2) === 0 ? 16 : 1;
  const depth = (): number => channels * size(draw, Math.ceil(40 / channels));
  const [batch, inputs, outputs] = [size(draw, 4), depth(), depth()];
  const side = (): number => kernel + size(draw, 14);
  const x = normal([batch, side(), side(), inputs], draw) as tf.Tensor4D;
  const weights = normal([kernel, kernel, inputs, outputs], draw) as tf.Tensor4D;
  const theirs = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => {
    const padded = padding > 0 ? padSpatially(a as tf.Tensor4D, padding) : (a as tf.Tensor4D);
    // TensorFlow's gradient of a narrow 1 × 1 kernel with a stride writes past its memory.
    if (kernel > 1 || stride === 1) return tf.conv2d(padded, b as tf.Tensor4D, stride, 'valid');
    const met = tf.avgPool(padded, 1, stride, 'valid');
    return tf.conv2d(met, b as tf.Tensor4D, 1, 'valid');
  };
  const ours = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
    convolution(a as tf.Tensor4D, b as tf.Tensor4D, { stride, padding });
  const gradient = normal(theirs(x, weights).shape, draw);
  const found = tf.grads(ours)([x, weights], gradient);
  const expected = tf.grads(theirs)([x, weights], gradient);
  return found.map((tensor, index) => ({
    name: `a convolution’s gradient by its ${index === 0 ? 'input' : 'weights'}`,
    ...{ found: tensor, expected: expected[index] ?? tensor, tolerance: inFloat32 },
  }));
}

function winogradConvolutions(draw: Random): Compared[] {
  if (!operationOutputs().has('NormDirectionWinograd')) return [];
  const [batch, inputs, outputs] = [size(draw, 9), 16 * size(draw, 5), 16 * size(draw, 5)];
  const [height, width] = [size(draw, 30), size(draw, 120)];
  const x = normal([batch, height, width, inputs], draw) as tf.Tensor4D;
  const weights = normal([3, 3, inputs, outputs], draw) as tf.Tensor4D;
  const bias = normal([outputs], draw) as tf.Tensor1D;
  const theirs = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
    tf.conv2d(padSpatially(a as tf.Tensor4D, 1), b as tf.Tensor4D, 1, 'valid');
  const ours = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
    convolution(a as tf.Tensor4D, b as tf.Tensor4D, { padding: 1 });
  const plain = theirs(x, weights) as tf.Tensor4D;
  const residual = draw.integer(2) === 0 ? (normal(plain.shape, draw) as tf.Tensor4D) : undefined;
  const relu = draw.integer(2) === 0;
  const sum = tf.add(tf.add(plain, bias), residual ?? 0);
  const gradient = normal(plain.shape, draw);
  const found = tf.grads(ours)([x, weights], gradient);
  const expected = tf.grads(theirs)([x, weights], gradient);
  return [
    {
      name: 'NormDirectionWinograd',
      found: fusedConvolution(
        x,
        { weights, bias },
        { padding: 1, relu, ...(residual && { residual }) },
      ),
      ...{ expected: relu ? tf.relu(sum) : sum, tolerance: inFloat32 },
    },
    ...found.map((tensor, index) => ({
      name: index === 0 ? 'NormDirectionWinograd, turned' : 'NormDirectionWinogradGradient',
      ...{ found: tensor, expected: expected[index] ?? tensor, tolerance: inFloat32 },
    })),
  ];
}

function groupedWinograd(draw: Random): Compared[] {
  if (!operationOutputs().has('NormDirectionWinograd')) return [];
  const [groups, inputs, outputs] = [size(draw, 4), 16 * size(draw, 3), 16 * size(draw, 3)];
  const x = normal([size(draw, 5), size(draw, 20), size(draw, 60), groups * inputs], draw);
  const weights = normal([3, 3, inputs, groups * outputs], draw);
  const bias = normal([groups * outputs], draw);
  const parts = tf.split(padSpatially(x as tf.Tensor4D, 1), groups, 3) as tf.Tensor4D[];
  const kernels = tf.split(weights, groups, 3) as tf.Tensor4D[];
  const sums = parts.map((part, group) => tf.conv2d(part, kernels[group] ?? part, 1, 'valid'));
  return [
    {
      name: 'NormDirectionWinograd, with groups',
      found: winograd(x, weights, { more: [bias] }),
      ...{ expected: tf.add(tf.concat(sums, 3), bias), tolerance: inFloat32 },
    },
  ];
}

function winogradInBFloat16(draw: Random): Compared[] {
  const name = 'NormDirectionWinogradBFloat16';
  if (!operationOutputs().has(name)) return [];
  const [batch, inputs, outputs] = [size(draw, 9), 16 * size(draw, 5), 16 * size(draw, 5)];
  const [height, width] = [size(draw, 30), size(draw, 120)];
  const given = (shape: number[]): tf.Tensor => rounded(normal(shape, draw), 'bfloat16');
  const x = given([batch, height, width, inputs]);
  const weights = given([3, 3, inputs, outputs]);
  const gradient = given([batch, height, width, outputs]);
  const [a, b, c] = [x, weights, gradient].map((tensor) => inFloatType(tensor, 'bfloat16'));
  if (a === undefined || b === undefined || c === undefined) return [];
  const theirs = (input: tf.Tensor): tf.Tensor =>
    tf.conv2d(padSpatially(input as tf.Tensor4D, 1), weights as tf.Tensor4D, 1, 'valid');
  return [
    { name, found: winograd(a, b), expected: theirs(x), tolerance: inBFloat16 },
    {
      name: `${name}, turned`,
      found: winograd(c, b, { turned: true }),
      ...{ expected: tf.grad(theirs)(x, gradient), tolerance: inBFloat16 },
    },
    {
      name: 'NormDirectionWinogradGradient, of bfloat16',
      found: winogradGradient(a, c),
      expected: tf.grad((kernel: tf.Tensor) =>
        tf.conv2d(padSpatially(x as tf.Tensor4D, 1), kernel as tf.Tensor4D, 1, 'valid'),
      )(weights, gradient),
      tolerance: inFloat32,
    },
  ].map((one) => ({ ...one, found: inFloatType(one.found, 'float32') }));
}

function groupedPoints(draw: Random): Compared[] {
  const name = 'NormDirectionPointsBFloat16';
  if (!operationOutputs().has(name)) return [];
  const [groups, inputs, outputs] = [
    1 + size(draw, 3),
    14 + 2 * size(draw, 40),
    14 + 2 * size(draw, 40),
  ];
  const images = [size(draw, 5), size(draw, 20), size(draw, 20)];
  const given = (...shape: number[]): tf.Tensor => rounded(normal(shape, draw), 'bfloat16');
  const x = given(...images, groups * inputs);
  const weights = given(1, 1, inputs, groups * outputs);
  const gradient = given(...images, groups * outputs);
  const [a, b, c] = [x, weights, gradient].map((one) => inFloatType(one, 'bfloat16'));
  if (a === undefined || b === undefined || c === undefined) return [];
  const theirs = (input: tf.Tensor, kernel: tf.Tensor): tf.Tensor => {
    const [parts, kernels] = [tf.split(input, groups, 3), tf.split(kernel, groups, 3)];
    const each = parts.map(
      (part, group) => [part, kernels[group] ?? part] as [tf.Tensor4D, tf.Tensor4D],
    );
    return tf.concat(
      each.map(([part, own]) => tf.conv2d(part, own, 1, 'valid')),
      3,
    );
  };
  const [dx = x, dWeights = x] = tf.grads(theirs)([x, weights], gradient);
  return [
    { name, found: points(a, b, groups), expected: theirs(x, weights), tolerance: inBFloat16 },
    {
      name: `${name}, turned`,
      found: points(c, b, groups, true),
      ...{ expected: dx, tolerance: inBFloat16 },
    },
    {
      name: 'NormDirectionPointGradient, of bfloat16',
      found: pointGradient(a, c, groups),
      ...{ expected: dWeights, tolerance: inFloat32 },
    },
  ].map((one) => ({ ...one, found: inFloatType(one.found, 'float32') }));
}

/** Comparisons of convolutions; the gradients by weights twice as often as the others. */
export const convolutionShapes = [
  filterGradients,
  filterGradients,
  convolutions,
  winogradConvolutions,
  groupedWinograd,
  winogradInBFloat16,
  groupedPoints,
];
