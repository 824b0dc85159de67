import * as tf from '@tensorflow/tfjs';
import type { StateTensor } from '../nn/state';
import { layerScales } from './layer-decay';
import { concatenated, type Optimiser, parted } from './optimiser-state';

export interface AdamWOptions {
  readonly kind: 'adamw';
  /** Of the running means of the gradient and of its square. */
  readonly betas: readonly [first: number, second: number];
  /** Not of biases, norms and other vectors, nor of `undecayed`. */
  readonly weightDecay: number;
  /** 1e-8 unless given. */
  readonly epsilon?: number;
  /** Parameters of more dimensions that do not decay either; a transformer's tokens and positions unless given. */
  readonly undecayed?: readonly string[];
  /** The learning rate of each block of a transformer is that of the one after it times this; 1 unless given. */
  readonly layerDecay?: number;
}

/** What timm leaves undecayed of a vision transformer, beside its vectors. */
const tokensAndPositions = ['cls_token', 'dist_token', 'pos_embed'];

/**
 * PyTorch's `AdamW` (Loshchilov and Hutter, arXiv 1711.05101), t counted from 1:
 * w ← w · (1 − learningRate · weightDecay); m ← β₁ · m + (1 − β₁) · g; v ← β₂ · v + (1 − β₂) · g²;
 * w ← w − learningRate / (1 − β₁ᵗ) · m / (√(v / (1 − β₂ᵗ)) + ε).
 *
 * @throws LabError of kind `option` for a layer decay of a model that has no blocks.
 */
export function adamW(parameters: readonly StateTensor[], options: AdamWOptions): Optimiser {
  const { betas, weightDecay, epsilon = 1e-8, undecayed = tokensAndPositions } = options;
  const [beta1, beta2] = betas;
  const scales = layerScales(parameters, options.layerDecay ?? 1);
  const decays = parameters.map(
    ({ name, value }) => value.rank > 1 && !name.endsWith('.bias') && !undecayed.includes(name),
  );
  const zeros = (): tf.Tensor[] => parameters.map(({ value }) => tf.keep(tf.zerosLike(value)));
  let first = zeros();
  let second = zeros();
  let steps = 0;
  const dispose = (): void => void [...first, ...second].forEach((moment) => moment.dispose());

  const stepOne = (parameter: StateTensor, gradient: tf.Tensor, at: number, rate: number): void => {
    const [weights, m, v] = tf.tidy(() => {
      const m = tf.add(tf.mul(first[at] ?? tf.scalar(0), beta1), tf.mul(gradient, 1 - beta1));
      const v = tf.add(
        tf.mul(second[at] ?? tf.scalar(0), beta2),
        tf.mul(tf.square(gradient), 1 - beta2),
      );
      const root = tf.div(tf.sqrt(v), Math.sqrt(1 - beta2 ** steps));
      const move = tf.div(tf.mul(m, rate / (1 - beta1 ** steps)), tf.add(root, epsilon));
      const kept = decays[at] ? tf.mul(parameter.value, 1 - rate * weightDecay) : parameter.value;
      return [tf.sub(kept, move), m, v] as const;
    });
    first[at]?.dispose();
    second[at]?.dispose();
    first[at] = tf.keep(m);
    second[at] = tf.keep(v);
    parameter.replace(weights);
  };

  return {
    step(gradients, learningRate) {
      steps++;
      parameters.forEach((parameter, at) => {
        const gradient = gradients[at];
        if (gradient === undefined) throw new Error(`no gradient of ${parameter.name}`);
        stepOne(parameter, gradient, at, learningRate * (scales[at] ?? 1));
      });
    },
    save: () =>
      new Map([
        ['adamw/first', concatenated(first)],
        ['adamw/second', concatenated(second)],
        // float32 holds whole numbers exactly, up to sixteen million.
        ['adamw/steps', { shape: [1], data: Float32Array.of(steps) }],
      ]),
    restore(entries) {
      const firstSaved = parted(entries.get('adamw/first'), parameters);
      const secondSaved = parted(entries.get('adamw/second'), parameters);
      dispose();
      [first, second] = [firstSaved, secondSaved];
      steps = entries.get('adamw/steps')?.data[0] ?? 0;
    },
    dispose,
  };
}
