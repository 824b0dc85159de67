import * as tf from '@tensorflow/tfjs';
import { tensorFunction } from '../engine/functions/tensor-function';
import { floatAttribute, hasOwnOperations, nativeOperations, takesGpuPath } from '../engine/native';
import { tidied } from '../engine/tidy';
import { optionError } from '../errors';
import type { StateEntry, StateTensor } from '../nn/state';
import { concatenated, flatten, parted, sizeOfAll, splitAs } from './end-to-end';
import type { Optimiser } from './task';

/** Options of `adamW`. */
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
 * On a CPU each parameter's step is one operation of this package's own (`lib/engine/cpp/operations/optimisers.cc`).
 * On a GPU's path all parameters of one learning rate and decay are laid end to end, and a step is one function of
 * TensorFlow.
 *
 * @throws LabError of kind `option` for a layer decay of a model that has no blocks.
 */
export function adamW(parameters: readonly StateTensor[], options: AdamWOptions): Optimiser {
  const { betas, weightDecay } = options;
  const together = takesGpuPath();
  const groups = adamWGroups(parameters, options, together);
  const zeros = (): tf.Tensor1D[] =>
    groups.map(({ members }) => tf.keep(tf.zeros([sizeOfAll(members)])));
  let first = zeros();
  let second = zeros();
  let steps = 0;
  let joined: ReturnType<typeof tensorFunction> | undefined;

  /** In the order in which `adamWStep` takes them. */
  const inputsOf = (at: number, gradients: readonly tf.Tensor[], rate: number): tf.Tensor[] => {
    const { places = [], members = [], scale = 1, decays = false } = groups[at] ?? {};
    const moments = [first[at], second[at]].filter((moment) => moment !== undefined);
    const own = places.map((place, index) => {
      const gradient = gradients[place];
      if (gradient === undefined) throw new Error(`no gradient of ${members[index]?.name ?? ''}`);
      return gradient;
    });
    const scalars = [
      (rate * scale) / (1 - betas[0] ** steps),
      decays ? 1 - rate * scale * weightDecay : 1,
      Math.sqrt(1 - betas[1] ** steps),
    ];
    const weights = members.map(({ value }) => value);
    return [...weights, ...own, ...moments, ...scalars.map((value) => tf.scalar(value))];
  };
  /** Takes over what a group's step gave. */
  const take = (at: number, results: readonly tf.Tensor[]): void => {
    const [m, v, ...weights] = results as [tf.Tensor1D, tf.Tensor1D, ...tf.Tensor[]];
    tf.dispose([first[at], second[at]].filter((moment) => moment !== undefined));
    first[at] = tf.keep(m);
    second[at] = tf.keep(v);
    groups[at]?.members.forEach((member, index) => {
      const value = weights[index];
      if (value !== undefined) member.replace(value);
    });
  };
  const stepTogether = (gradients: readonly tf.Tensor[], rate: number): void => {
    const results = tf.tidy(() => {
      const inputs = groups.map((_, at) => inputsOf(at, gradients, rate));
      joined ??= tensorFunction(
        inputs.flat().map(({ shape }) => shape),
        (given) => inOrder(given, inputs).flatMap((own) => adamWStep(own, options)),
      );
      return joined.run(inputs.flat());
    });
    const ends = groups.map(({ members }) => ({ length: members.length + 2 }));
    inOrder(results, ends).forEach((own, at) => take(at, own));
  };
  /** The groups' moments as tensors of one parameter each, in the parameters' order. */
  const byParameter = (moments: readonly tf.Tensor1D[]): tf.Tensor[] => {
    const parts: tf.Tensor[] = [];
    groups.forEach(({ places, members }, at) => {
      const moment = moments[at];
      if (moment)
        splitAs(
          moment,
          members.map(({ value }) => value),
        ).forEach((part, i) => (parts[places[i] ?? 0] = part));
    });
    return parts;
  };
  const byGroup = (entry: StateEntry | undefined): tf.Tensor1D[] => {
    const parts = parted(entry, parameters);
    const moments = groups.map(({ places }) =>
      tf.keep(tf.tidy(() => flatten(places.flatMap((place) => parts[place] ?? [])))),
    );
    tf.dispose(parts);
    return moments;
  };

  return {
    step(gradients, learningRate) {
      steps++;
      if (together) return stepTogether(gradients, learningRate);
      groups.forEach((_, at) => {
        take(
          at,
          tf.tidy(() => adamWStep(inputsOf(at, gradients, learningRate), options)),
        );
      });
    },
    save: () =>
      tidied(
        () =>
          new Map([
            ['adamw/first', concatenated(byParameter(first))],
            ['adamw/second', concatenated(byParameter(second))],
            // float32 holds whole numbers exactly, up to sixteen million.
            ['adamw/steps', { shape: [1], data: Float32Array.of(steps) }],
          ]),
      ),
    restore(entries) {
      const firstSaved = byGroup(entries.get('adamw/first'));
      const secondSaved = byGroup(entries.get('adamw/second'));
      tf.dispose([...first, ...second]);
      [first, second] = [firstSaved, secondSaved];
      steps = entries.get('adamw/steps')?.data[0] ?? 0;
    },
    dispose() {
      tf.dispose([...first, ...second]);
      joined?.dispose();
    },
  };
}

/** Parameters that AdamW steps alike. */
interface AdamWGroup {
  readonly members: readonly StateTensor[];
  /** Their places among all parameters. */
  readonly places: readonly number[];
  /** Of the learning rate. */
  readonly scale: number;
  readonly decays: boolean;
}

/** @param together whether all that are stepped alike are one group, and not each parameter its own */
function adamWGroups(
  parameters: readonly StateTensor[],
  { undecayed = tokensAndPositions, layerDecay = 1 }: AdamWOptions,
  together: boolean,
): AdamWGroup[] {
  const scales = layerScales(parameters, layerDecay);
  const alone = parameters.map((parameter, place) => {
    const { name, value } = parameter;
    const decays = value.rank > 1 && !name.endsWith('.bias') && !undecayed.includes(name);
    return { members: [parameter], places: [place], scale: scales[place] ?? 1, decays };
  });
  if (!together) return alone;
  const groups = new Map<string, AdamWGroup>();
  for (const one of alone) {
    const key = `${one.scale} ${String(one.decays)}`;
    const { members = [], places = [] } = groups.get(key) ?? {};
    groups.set(key, {
      ...one,
      members: [...members, ...one.members],
      places: [...places, ...one.places],
    });
  }
  return [...groups.values()];
}

/**
 * @param inputs weights and gradients of a group, its two moments, learningRate / (1 − β₁ᵗ), the share of the weights
 *   that the decay leaves, √(1 − β₂ᵗ)
 * @returns the two moments and the weights
 */
function adamWStep(
  inputs: readonly tf.Tensor[],
  { betas: [beta1, beta2], epsilon = 1e-8 }: AdamWOptions,
): tf.Tensor[] {
  if (hasOwnOperations()) {
    const attributes = Object.entries({ beta1, beta2, epsilon });
    return nativeOperations(
      'NormDirectionAdamW',
      attributes.map(([name, value]) => floatAttribute(name, value)),
      inputs,
      3,
    );
  }
  const count = (inputs.length - 5) / 2;
  const weights = inputs.slice(0, count);
  const gradient = flatten(inputs.slice(count, 2 * count));
  const [first, second, rate, kept, root] = inputs.slice(2 * count) as [
    tf.Tensor1D,
    tf.Tensor1D,
    tf.Scalar,
    tf.Scalar,
    tf.Scalar,
  ];
  const m = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
  const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
  const move = tf.div(tf.mul(m, rate), tf.add(tf.div(tf.sqrt(v), root), epsilon));
  const moved = tf.sub<tf.Tensor1D>(tf.mul(flatten(weights), kept), move);
  return [m, v, ...splitAs(moved, weights)];
}

/** A list in consecutive parts of these lengths. */
function inOrder<T>(list: readonly T[], parts: readonly { readonly length: number }[]): T[][] {
  let at = 0;
  return parts.map(({ length }) => list.slice(at, (at += length)));
}

const block = /^blocks\.(\d+)\./;
const stem = /^(cls_token|dist_token|pos_embed|patch_embed\.)/;

/**
 * The factor of each parameter's learning rate, as BEiT's and MAE's fine-tuning have it: decay^(L + 1 − l)
 * with l = 0 for patches, tokens and positions, 1 … L for the blocks, L + 1 for the last norm, the heads
 * and all that does not belong to a transformer. All 1 for a decay of 1.
 *
 * @throws LabError of kind `option` when no parameter belongs to a block.
 */
function layerScales(parameters: readonly StateTensor[], decay: number): number[] {
  if (decay === 1) return parameters.map(() => 1);
  const blocks = parameters.map(({ name }) => Number(block.exec(name)?.[1] ?? -1));
  const last = Math.max(-1, ...blocks) + 2;
  if (last === 1) {
    throw optionError`a learning rate that shrinks from block to block needs a transformer (layerDecay): found parameters such as ${parameters[0]?.name ?? 'none'}. Leave it out for a convolutional network`;
  }
  return parameters.map(({ name }, at) => {
    const inBlock = blocks[at] ?? -1;
    const layer = inBlock >= 0 ? inBlock + 1 : stem.test(name) ? 0 : last;
    return decay ** (last - layer);
  });
}
