import * as tf from '@tensorflow/tfjs';
import { operationOutputs } from '../../lib/engine/functions/function-definition';
import { castTo, gelu, inFloatType } from '../../lib/engine/operations/activations';
import { attention, layerNorm } from '../../lib/engine/operations/attention';
import {
  batchNormEpsilon,
  batchNormEvaluation,
  batchNormTraining,
} from '../../lib/engine/operations/batch-norm';
import { padSpatially } from '../../lib/engine/operations/convolution-gradients';
import { globalAveragePool, maxPool } from '../../lib/engine/operations/pooling';
import { random, type Random } from '../../lib/engine/random';
import { ModelState } from '../../lib/nn/state';
import { adamW, sgd } from '../../lib/train/optimiser';
import { type Compared, inBFloat16, inFloat32, normal, rounded, size, typeOf } from './compared';
import { convolutionShapes } from './convolution-shapes';

export interface ShapesResult {
  /** Comparisons of each operation. */
  readonly counts: ReadonlyMap<string, number>;
  readonly failures: readonly string[];
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
  ...convolutionShapes,
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
