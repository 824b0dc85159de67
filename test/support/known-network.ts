import * as tf from '@tensorflow/tfjs';
import type { ImageDataset, ImageSplit } from '../../lib/data/source';
import type { BatchSignals } from '../../lib/distill/term';
import { defineTerm, type LossTerm, type Need, type PartContext } from '../../lib/distill/terms';
import type { ForwardMode } from '../../lib/nn/layers';
import { asModel, type Model } from '../../lib/nn/model';
import { ModelState } from '../../lib/nn/state';

/*
 * A network, images and losses that are simple enough for a whole training to be computed by hand: an
 * image is a number and the class that the network takes it for, and each loss moves one weight by its
 * own weight times the learning rate.
 */

/** An image of one colour. */
export interface KnownImage {
  /** At most 255. */
  readonly number: number;
  readonly label: number;
  /** The class whose logit is the highest; the label unless given. Others rank by their distance to it. */
  readonly takenFor?: number;
}

/** What a forward pass was given. */
export interface Call {
  readonly training: boolean;
  readonly batchStatistics: boolean;
  /** Of the images' first pixel. */
  readonly numbers: readonly number[];
  /** All of their red pixels. */
  readonly pixels: readonly number[];
  /** A number from the stream that dropout draws from; missing where there is none. */
  readonly drawn?: number;
  /** The network's weights. */
  readonly weights: readonly number[];
}

export interface KnownNetwork {
  readonly model: Model;
  /** Of all forward passes, in order. */
  readonly calls: readonly Call[];
  weights(): number[];
}

/** Red shows the number, green the class that it is taken for; normalised, they are these numbers. */
export function knownDataset(
  train: readonly KnownImage[],
  test: readonly KnownImage[],
  { classes = 7, side = 2 } = {},
): ImageDataset {
  const split = (images: readonly KnownImage[]): ImageSplit => ({
    images: Uint8Array.from(
      images.flatMap(({ number, label, takenFor = label }) =>
        Array.from({ length: side * side }, () => [number, takenFor, 0]).flat(),
      ),
    ),
    labels: Int32Array.from(images, ({ label }) => label),
    count: images.length,
  });
  return {
    name: 'known',
    classes: Array.from({ length: classes }, (_, index) => `class ${index}`),
    height: side,
    width: side,
    train: split(train),
    test: split(test),
    mean: [0, 0, 0],
    std: [1 / 255, 1 / 255, 1 / 255],
    hash: 'known',
  };
}

export interface KnownNetworkOptions {
  readonly classes?: number;
  readonly weights?: readonly [first: number, second: number];
  /** Whether it has a second token, whose embedding is (0, first + number). */
  readonly twoTokens?: boolean;
  /** Before each forward pass. */
  readonly onCall?: (call: Call) => void;
}

/**
 * Two weights, `first` and `second`; the embedding of an image is (first + its number, second). In
 * training `seen` counts the images, as a batch norm's running statistics move.
 */
export function knownNetwork({
  classes = 7,
  weights = [0, 0],
  twoTokens = false,
  onCall = () => undefined,
}: KnownNetworkOptions = {}): KnownNetwork {
  const state = new ModelState();
  const weight = { trainable: true, layout: 'same' } as const;
  const first = state.add('first', tf.tensor1d([weights[0]]), weight);
  const second = state.add('second', tf.tensor1d([weights[1]]), weight);
  const seen = state.add('seen', tf.tensor1d([0]), { trainable: false, layout: 'same' });
  const calls: Call[] = [];
  const current = (): number[] =>
    [first, second].map(({ value }) => value.dataSync<'float32'>()[0] ?? NaN);
  const model = asModel({ name: 'known', classes, inputSize: 2 }, state, {
    embeddingSize: 2,
    forward(images, mode) {
      const call = callOf(images, mode, current());
      calls.push(call);
      onCall(call);
      const [count, , ,] = images.shape;
      if (mode.training) seen.replace(tf.add(seen.value, count));
      const pixel = tf.reshape(tf.slice(images, 0, [count, 1, 1, 2]), [count, 2]);
      const [number, takenFor] = tf.split(pixel, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
      const places = tf.range(0, classes, 1, 'float32');
      const logits: tf.Tensor2D = tf.neg(tf.abs(tf.sub(places, takenFor)));
      const columns = [tf.add(number, first.value), tf.add(tf.zerosLike(number), second.value)];
      const embedding = tf.concat(columns, 1) as tf.Tensor2D;
      const output = { logits, embedding, features: [], preActivations: [] };
      if (!twoTokens) return output;
      const turned = [tf.zerosLike(number), tf.add(number, first.value)];
      return { ...output, distillationEmbedding: tf.concat(turned, 1) as tf.Tensor2D };
    },
  });
  return { model, calls, weights: current };
}

function callOf(images: tf.Tensor4D, mode: ForwardMode, weights: number[]): Call {
  const red = tf.tidy(() => tf.slice(images, 0, [...images.shape.slice(0, 3), 1]).dataSync());
  const pixels = Array.from(red, Math.round);
  const size = pixels.length / images.shape[0];
  const drawn = mode.random?.uniform();
  return {
    training: mode.training,
    batchStatistics: mode.batchStatistics ?? false,
    numbers: pixels.filter((_, at) => at % size === 0),
    pixels,
    drawn,
    weights,
  };
}

export interface KnownTerm extends LossTerm {
  readonly needs: readonly Need[];
  /** Called with each batch. */
  readonly see?: (signals: BatchSignals) => void;
}

const columns = ['first', 'second'] as const;

for (const [column, name] of columns.entries()) {
  defineTerm<KnownTerm>({
    loss: `${name} of the test`,
    needs: ({ needs }) => needs,
    compute({ see }, signals) {
      see?.(signals);
      const { embedding } = signals.student;
      return tf.mean<tf.Scalar>(tf.slice(embedding, [0, column], [embedding.shape[0], 1]));
    },
  });
}

/** The mean of first + number: its gradient is 1 by `first`, and 0 by all else. */
export function firstTerm(options: Partial<KnownTerm> = {}): KnownTerm {
  return { loss: 'first of the test', weight: 1, needs: [], ...options };
}

/** The mean of second: its gradient is 1 by `second`, and 0 by all else. */
export function secondTerm(options: Partial<KnownTerm> = {}): KnownTerm {
  return { loss: 'second of the test', weight: 1, needs: [], ...options };
}

/** What a term that remembers has been told, over a run. */
interface MemoryTerm extends LossTerm {
  /** The means of the batches that were kept are put here. */
  readonly kept: number[];
  /** What its loss is multiplied by in a step counted from 0. */
  readonly factor?: (step: number) => number;
  /** How many images it is shown before each forward pass is put here. */
  readonly prepared?: number[];
  /** Told what the term's parts are made from. */
  readonly made?: (context: PartContext) => void;
}

defineTerm<MemoryTerm>({
  loss: 'memory of the test',
  needs: [],
  part({ kept, factor = () => 1, prepared, made }, context) {
    made?.(context);
    const state = new ModelState();
    const own = state.add('own', tf.tensor1d([0]), { trainable: true, layout: 'same' });
    let seen: tf.Tensor | undefined;
    let steps = 0;
    return {
      state,
      prepare: (images) => void prepared?.push(images.shape[0]),
      loss({ student }, { remember }) {
        seen = remember(tf.mean(tf.slice(student.embedding, [0, 0], [-1, 1])));
        return tf.mul<tf.Scalar>(tf.sum(own.value), factor(steps++));
      },
      commit: () => void kept.push(seen?.dataSync<'float32'>()[0] ?? NaN),
    };
  },
});

/** A weight of its own, which begins at 0 and by which its gradient is 1; it remembers each batch's mean. */
export function memoryTerm(options: Omit<MemoryTerm, 'loss' | 'weight'>): MemoryTerm {
  return { loss: 'memory of the test', weight: 1, ...options };
}

defineTerm<LossTerm>({
  loss: 'space of the test',
  needs: ['teacher space'],
  compute: (_, { studentEmbedding }) => tf.mean(studentEmbedding),
});

/** The mean of the student's embedding in the teacher's space. */
export const spaceTerm: LossTerm = { loss: 'space of the test', weight: 1 };
