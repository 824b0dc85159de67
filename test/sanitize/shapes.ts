import * as tf from '@tensorflow/tfjs';
import { operationOutputs } from '../../lib/engine/functions/function-definition';
import {
  intAttribute,
  nativeOperation,
  stringAttribute,
  typeAttribute,
} from '../../lib/engine/native';
import { castTo, type FloatType, gelu, inFloatType } from '../../lib/engine/operations/activations';
import { attention, layerNorm } from '../../lib/engine/operations/attention';
import {
  batchNormEpsilon,
  batchNormEvaluation,
  batchNormTraining,
} from '../../lib/engine/operations/batch-norm';
import { convolution } from '../../lib/engine/operations/convolution';
import { filterGradient, padSpatially } from '../../lib/engine/operations/convolution-gradients';
import { fusedConvolution } from '../../lib/engine/operations/fused-convolution';
import { globalAveragePool, maxPool } from '../../lib/engine/operations/pooling';
import { winograd, winogradGradient } from '../../lib/engine/operations/winograd';
import { random, type Random } from '../../lib/engine/random';
import { ModelState } from '../../lib/nn/state';
import { adamW, sgd } from '../../lib/train/optimiser';

/** What this package's operation gave, what TensorFlow's own gave, and how far apart they may be. */
interface Compared {
  readonly name: string;
  readonly found: tf.Tensor;
  readonly expected: tf.Tensor;
  /** Of the largest expected number. */
  readonly tolerance: number;
}

export interface ShapesResult {
  /** Comparisons of each operation. */
  readonly counts: ReadonlyMap<string, number>;
  readonly failures: readonly string[];
}

/** Sums in another order. */
const inFloat32 = 2e-4;
/** Eight bits. */
const inBFloat16 = 2 ** -6;

/** Draws from 1 on, small ones more often; now and then one beyond the vectors and tiles of the loops. */
const size = (draw: Random, most: number): number =>
  1 + draw.integer(draw.integer(3) === 0 ? most : Math.min(most, 5));

const normal = (shape: number[], draw: Random): tf.Tensor =>
  tf.randomNormal(shape, 0, 1, 'float32', draw.integer(2 ** 30));

/** Rounded to the type and back: what an operation in it is given. */
const rounded = (x: tf.Tensor, type: FloatType): tf.Tensor =>
  castTo(inFloatType(x, type), 'float32');

const typeOf = (draw: Random): FloatType => (draw.integer(2) === 0 ? 'float32' : 'bfloat16');

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

function maximumPoolings(draw: Random): Compared[] {
  if (!operationOutputs().has('NormDirectionMaxPool')) return [];
  const [kernel, stride] = [1 + draw.integer(4), 1 + draw.integer(3)];
  const padding = draw.integer(Math.floor(kernel / 2) + 1);
  const shape = [size(draw, 5), kernel + size(draw, 12), kernel + size(draw, 12), size(draw, 90)];
  const x = normal(shape, draw);
  const theirs = (a: tf.Tensor): tf.Tensor =>
    tf.maxPool(padSpatially(a as tf.Tensor4D, padding, -100), kernel, stride, 'valid');
  return inEitherType(draw, {
    name: 'NormDirectionMaxPool',
    ours: (a) => maxPool(a as tf.Tensor4D, { kernel, stride, padding }),
    ...{ theirs, x, gradient: normal(theirs(x).shape, draw), exact: true },
  });
}

function batchNorms(draw: Random): Compared[] {
  const type = typeOf(draw);
  const tolerance = type === 'float32' ? 2e-3 : inBFloat16;
  const shape = [1 + size(draw, 9), size(draw, 12), size(draw, 12), size(draw, 90)];
  const channels = shape[3] ?? 1;
  const [relu, hasResidual] = [draw.integer(2) === 0, draw.integer(2) === 0];
  const x = rounded(normal(shape, draw), type) as tf.Tensor4D;
  const residual = hasResidual ? (rounded(normal(shape, draw), type) as tf.Tensor4D) : undefined;
  const [scale, shift, mean] = [0, 1, 2].map(() => normal([channels], draw) as tf.Tensor1D) as [
    tf.Tensor1D,
    tf.Tensor1D,
    tf.Tensor1D,
  ];
  const variance: tf.Tensor1D = tf.add(tf.abs(normal([channels], draw) as tf.Tensor1D), 0.1);
  const tail = { relu, ...(residual && { residual: inFloatType(residual, type) as tf.Tensor4D }) };
  const withTail = (y: tf.Tensor): tf.Tensor => {
    const sum = residual ? tf.add(y, residual) : y;
    return relu ? tf.relu(sum) : sum;
  };
  const own = inFloatType(x, type) as tf.Tensor4D;
  const training = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor): tf.Tensor => {
    const weights = { scale: b as tf.Tensor1D, shift: c as tf.Tensor1D };
    return batchNormTraining(a as tf.Tensor4D, weights, { mean, variance }, tail).output;
  };
  const theirs = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor): tf.Tensor => {
    const moments = tf.moments(a, [0, 1, 2]);
    const deviation = tf.sqrt(tf.add(moments.variance, batchNormEpsilon));
    return withTail(tf.add(tf.mul(tf.div(tf.sub(a, moments.mean), deviation), b), c));
  };
  const pairs: Compared[] = [
    {
      name: 'NormDirectionBatchNorm',
      found: castTo(training(own, scale, shift), 'float32'),
      expected: theirs(x, scale, shift),
      tolerance,
    },
    {
      name: 'NormDirectionBatchNormEvaluation',
      found: castTo(
        batchNormEvaluation(own, { scale, shift }, { mean, variance }, tail),
        'float32',
      ),
      expected: withTail(tf.batchNorm(x, mean, variance, shift, scale, batchNormEpsilon)),
      tolerance,
    },
  ];
  const gradient = rounded(normal(shape, draw), type);
  const found = tf.grads(training)([own, scale, shift], inFloatType(gradient, type));
  // Of few numbers in bfloat16 a rounded output decides whether a ReLU lets a gradient through.
  if (type === 'bfloat16') {
    return [...pairs, ...found.map((tensor) => finite('NormDirectionBatchNormGrad', tensor))];
  }
  const expected = tf.grads(theirs)([x, scale, shift], gradient);
  return [
    ...pairs,
    ...found.map((tensor, index) => ({
      name: 'NormDirectionBatchNormGrad',
      ...{ found: tensor, expected: expected[index] ?? tensor, tolerance },
    })),
  ];
}

/** That each number is one. */
function finite(name: string, tensor: tf.Tensor): Compared {
  const found = tf.isFinite(castTo(tensor, 'float32'));
  return { name, found, expected: tf.onesLike(found), tolerance: 0 };
}

function pixelMeans(draw: Random): Compared[] {
  const type = typeOf(draw);
  const shape = [size(draw, 9), size(draw, 12), size(draw, 12), size(draw, 90)];
  const [batch = 1, height = 1, width = 1, channels = 1] = shape;
  const x = rounded(normal(shape, draw), type);
  const gradient = normal([batch, channels], draw);
  const own = (a: tf.Tensor): tf.Tensor => globalAveragePool(a as tf.Tensor4D);
  const spread = tf.tile(tf.reshape(tf.div(gradient, height * width), [batch, 1, 1, channels]), [
    1,
    height,
    width,
    1,
  ]);
  const byInput = tf.grad(own)(inFloatType(x, type), gradient);
  return [
    {
      name: 'NormDirectionPixelMean',
      found: own(inFloatType(x, type)),
      expected: tf.mean(x, [1, 2]),
      tolerance: inFloat32,
    },
    {
      name: 'NormDirectionPixelMeanGrad',
      found: castTo(byInput, 'float32'),
      expected: spread,
      tolerance: type === 'float32' ? inFloat32 : inBFloat16,
    },
  ];
}

function sgdSteps(draw: Random): Compared[] {
  const state = new ModelState();
  const shapes = Array.from({ length: size(draw, 8) }, () => [size(draw, 40), size(draw, 40)]);
  const kind = { trainable: true, layout: 'same' } as const;
  const weights = shapes.map((shape) => normal(shape, draw));
  weights.forEach((value, index) => state.add(`w${index}`, tf.clone(value), kind));
  const [momentum, weightDecay, rate] = [draw.uniform(), draw.uniform() / 10, draw.uniform()];
  const nesterov = draw.integer(2) === 0;
  const optimiser = sgd(state.trainable, { momentum, weightDecay, nesterov });
  let velocities: tf.Tensor[] = shapes.map((shape) => tf.zeros(shape));
  let expected = weights;
  for (let step = 0; step < 2; step++) {
    const gradients = shapes.map((shape) => normal(shape, draw));
    optimiser.step(gradients, rate);
    const decayed = gradients.map((g, i) => tf.add(g, tf.mul(expected[i] ?? g, weightDecay)));
    velocities = decayed.map((g, i) => tf.add(g, tf.mul(velocities[i] ?? g, momentum)));
    const moves = velocities.map((v, i) =>
      nesterov ? tf.add(decayed[i] ?? v, tf.mul(v, momentum)) : v,
    );
    expected = expected.map((w, i) => tf.sub(w, tf.mul(moves[i] ?? w, rate)));
  }
  const compared = state.trainable.map(({ value }, index) => ({
    name: 'NormDirectionSgd',
    ...{ found: tf.clone(value), expected: expected[index] ?? value, tolerance: inFloat32 },
  }));
  optimiser.dispose();
  state.dispose();
  return compared;
}

function adamWSteps(draw: Random): Compared[] {
  // More than one part of the work now and then.
  const shape = [size(draw, 300), size(draw, 300)];
  const [start, rate, weightDecay] = [normal(shape, draw), draw.uniform(), draw.uniform() / 10];
  const [beta1, beta2, epsilon] = [draw.uniform(), draw.uniform(), 0.01];
  const state = new ModelState();
  state.add('w', tf.clone(start), { trainable: true, layout: 'same' });
  const options = { kind: 'adamw', betas: [beta1, beta2], weightDecay, epsilon } as const;
  const optimiser = adamW(state.trainable, options);
  let [w, m, v]: tf.Tensor[] = [start, tf.zeros(shape), tf.zeros(shape)];
  for (let step = 1; step <= 2; step++) {
    const gradient = normal(shape, draw);
    optimiser.step([gradient], rate);
    m = tf.add(tf.mul(m ?? gradient, beta1), tf.mul(gradient, 1 - beta1));
    v = tf.add(tf.mul(v ?? gradient, beta2), tf.mul(tf.square(gradient), 1 - beta2));
    const root = tf.add(tf.div(tf.sqrt(v), Math.sqrt(1 - beta2 ** step)), epsilon);
    const move = tf.div(tf.mul(m, rate / (1 - beta1 ** step)), root);
    // What is a vector does not decay; this is a matrix.
    w = tf.sub(tf.mul(w ?? gradient, 1 - rate * weightDecay), move);
  }
  const found = tf.clone(state.trainable[0]?.value ?? start);
  optimiser.dispose();
  state.dispose();
  return [{ name: 'NormDirectionAdamW', found, expected: w ?? start, tolerance: inFloat32 }];
}

function gelus(draw: Random): Compared[] {
  const shape = [size(draw, 300), size(draw, 400)];
  const theirs = (a: tf.Tensor): tf.Tensor =>
    tf.mul(a, tf.mul(tf.add(tf.erf(tf.mul(a, Math.SQRT1_2)), 1), 0.5));
  return inEitherType(draw, {
    name: 'NormDirectionGelu',
    ...{ ours: (a) => gelu(a), theirs },
    ...{ x: tf.mul(normal(shape, draw), 4), gradient: normal(shape, draw) },
  });
}

/** An operation of one input that takes both types, and its gradient. */
function inEitherType(
  draw: Random,
  {
    name,
    ours,
    theirs,
    exact = false,
    ...numbers
  }: {
    readonly name: string;
    readonly ours: (x: tf.Tensor) => tf.Tensor;
    readonly theirs: (x: tf.Tensor) => tf.Tensor;
    readonly x: tf.Tensor;
    readonly gradient: tf.Tensor;
    /** Whether the operation itself rounds nothing. */
    readonly exact?: boolean;
  },
): Compared[] {
  const type = typeOf(draw);
  const [x, gradient] = [rounded(numbers.x, type), rounded(numbers.gradient, type)];
  const given = inFloatType(x, type);
  const tolerance = type === 'float32' ? inFloat32 : inBFloat16;
  return [
    { name, found: ours(given), expected: theirs(x), tolerance: exact ? 0 : tolerance },
    {
      name: `${name}Grad`,
      found: tf.grad(ours)(given, inFloatType(gradient, type)),
      ...{ expected: tf.grad(theirs)(x, gradient), tolerance },
    },
  ].map((one) => ({ ...one, found: inFloatType(one.found, 'float32') }));
}

function layerNorms(draw: Random): Compared[] {
  const [rows, width] = [size(draw, 300), size(draw, 400)];
  // Large enough for rows of two numbers that are almost the same.
  const epsilon = 0.01;
  const inputs = [[rows, width], [width], [width]].map((shape) => normal(shape, draw));
  const ours = (...[x, scale, shift]: tf.Tensor[]): tf.Tensor =>
    layerNorm(
      x as tf.Tensor2D,
      { scale: scale as tf.Tensor1D, shift: shift as tf.Tensor1D },
      epsilon,
    );
  const theirs = (...[x = tf.scalar(0), scale = x, shift = x]: tf.Tensor[]): tf.Tensor => {
    const { mean, variance } = tf.moments(x, 1, true);
    const normalised = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon)));
    return tf.add(tf.mul(normalised, scale), shift);
  };
  const gradient = normal([rows, width], draw);
  const [found, expected] = [ours, theirs].map((norm) => tf.grads(norm)(inputs, gradient));
  return [
    {
      name: 'NormDirectionLayerNorm',
      ...{ found: ours(...inputs), expected: theirs(...inputs), tolerance: inFloat32 },
    },
    ...inputs.map((input, index) => ({
      name: 'NormDirectionLayerNormGrad',
      ...{ found: found?.[index] ?? input, expected: expected?.[index] ?? input },
      tolerance: inFloat32,
    })),
  ];
}

function attentions(draw: Random): Compared[] {
  const [batch, tokens, heads, depth] = [
    size(draw, 3),
    size(draw, 60),
    size(draw, 3),
    16 * size(draw, 4),
  ];
  const joined = tf.mul(normal([batch, tokens, 3 * heads * depth], draw), 2);
  const theirs = (a: tf.Tensor): tf.Tensor => {
    const split = tf.transpose(tf.reshape(a, [batch, tokens, 3, heads, depth]), [2, 0, 3, 1, 4]);
    const [query = a, key = a, value = a] = tf.unstack(split);
    const scores = tf.mul(tf.matMul(query, key, false, true), 1 / Math.sqrt(depth));
    const mixed = tf.matMul(tf.softmax(scores), value);
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, tokens, heads * depth]);
  };
  return inEitherType(draw, {
    name: 'NormDirectionAttention',
    ...{ ours: (a) => attention(a as tf.Tensor3D, heads), theirs },
    ...{ x: joined, gradient: normal([batch, tokens, heads * depth], draw) },
  });
}

const operations = [
  filterGradients,
  filterGradients,
  convolutions,
  winogradConvolutions,
  groupedWinograd,
  winogradInBFloat16,
  maximumPoolings,
  batchNorms,
  pixelMeans,
  sgdSteps,
  adamWSteps,
  gelus,
  layerNorms,
  attentions,
];

/**
 * Gives this package's own operations random shapes, strides, paddings and number types, and compares what they
 * give with TensorFlow's own. The engine is running.
 */
export function compareShapes({ cases, seed }: { cases: number; seed: number }): ShapesResult {
  const counts = new Map<string, number>();
  const failures: string[] = [];
  for (let number = 0; number < cases; number++) {
    const make = operations[number % operations.length];
    tf.tidy(() => {
      for (const { name, found, expected, tolerance } of make?.(random(seed, 'shapes', number)) ??
        []) {
        counts.set(name, (counts.get(name) ?? 0) + 1);
        const fault = faultOf(found, expected, tolerance);
        if (fault !== undefined) failures.push(`${name} (seed ${seed}, case ${number}): ${fault}`);
      }
    });
  }
  return { counts, failures };
}

function faultOf(found: tf.Tensor, expected: tf.Tensor, tolerance: number): string | undefined {
  if (found.shape.join() !== expected.shape.join())
    return `[${found.shape}], not [${expected.shape}]`;
  const ours = Float32Array.from(found.dataSync());
  const theirs = Float32Array.from(expected.dataSync());
  const largest = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const at = ours.findIndex((value, index) => {
    return !(Math.abs(value - (theirs[index] ?? NaN)) <= tolerance * largest);
  });
  return at < 0
    ? undefined
    : `${ours[at]} where ${theirs[at]} belongs, at ${at} of [${found.shape}]`;
}

/** Each operation and how often it was compared. */
export function inWords({ counts, failures }: ShapesResult): string {
  const lines = [...counts].map(([name, count]) => `${name}: ${count}`);
  return [...lines, `${failures.length} failures`, ...failures.slice(0, 20)].join('\n');
}
