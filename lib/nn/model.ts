import type * as tf from '@tensorflow/tfjs';
import { inFloatType } from '../engine/operations/activations';
import { modelError } from '../errors';
import type { ForwardMode } from './layers';
import { inReplicas, joinedBatches } from './replicas';
import type { ModelState, StateDict, StateEntry } from './state';

/** What a forward pass gives. */
export interface ModelOutput {
  /** [batch, classes] */
  readonly logits: tf.Tensor2D;
  /** The penultimate feature, after ReLU and global pooling: [batch, embeddingSize]. */
  readonly embedding: tf.Tensor2D;
  /** Of a distilled transformer's second head: [batch, classes]. In evaluation `logits` are the mean of both. */
  readonly distillationLogits?: tf.Tensor2D;
  /** What that head reads: [batch, embeddingSize]. */
  readonly distillationEmbedding?: tf.Tensor2D;
  /**
   * The stem and each stage after its last ReLU, [batch, height, width, channels], shallow first; none in a
   * transformer. Reading them throws where the forward pass was told that they will not be read.
   */
  readonly features: readonly tf.Tensor4D[];
  /**
   * The same places before that ReLU (for the stem: after it, as mdistiller's models give it). Reading them throws
   * where the forward pass was told that they will not be read.
   */
  readonly preActivations: readonly tf.Tensor4D[];
}

/** A classification network with PyTorch's names and shapes at its border. */
export interface Model {
  readonly name: string;
  readonly classes: number;
  /** Side of the square images that it is meant for. */
  readonly inputSize: number;
  readonly embeddingSize: number;
  readonly state: ModelState;
  /**
   * Names of the batch norms whose output, but for a shortcut, `preActivations` shows after the stem;
   * missing where there are none of that kind.
   */
  readonly preActivationNorms?: readonly string[];
  /** Whether it takes images in bfloat16: all that it is made of computes in that type. */
  readonly bfloat16?: boolean;
  /**
   * The network’s output for a batch.
   *
   * @param images [batch, height, width, 3], normalised, in float32, or in bfloat16 where `bfloat16` says so:
   *   it then computes in that type, from weights in float32; the output is float32.
   * In training, batch norm uses the batch and moves its running statistics.
   */
  forward(images: tf.Tensor4D, mode: ForwardMode): ModelOutput;
  /** The logits of embeddings, where they follow from those alone: the last layer of `forward`. */
  classify?(embedding: tf.Tensor2D, mode: ForwardMode): tf.Tensor2D;
  /** Copies of its tensors under PyTorch’s names, in PyTorch’s layout. */
  stateDict(): Map<string, StateEntry>;
  /** @throws LabError when names or shapes differ; then nothing changes. */
  loadStateDict(entries: StateDict, where?: string): void;
  /** Frees its tensors. */
  dispose(): void;
}

/** What a model family's builder gives; the registry adds the rest. */
export type Network = Pick<
  Model,
  'embeddingSize' | 'preActivationNorms' | 'bfloat16' | 'forward' | 'classify'
>;

/** A network with its state as a model. */
export function asModel(
  { name, classes, inputSize }: Pick<Model, 'name' | 'classes' | 'inputSize'>,
  state: ModelState,
  { embeddingSize, preActivationNorms, bfloat16 = false, forward, classify }: Network,
): Model {
  return {
    name,
    classes,
    inputSize,
    embeddingSize,
    preActivationNorms,
    bfloat16,
    state,
    forward: (images, mode) =>
      inReplicas(
        [images],
        mode,
        ([part], partMode) => shown(forward(part, partMode), mode),
        (outputs) => {
          const parts = outputs.map((output) => outputParts(output, mode));
          const whole = joinedBatches(parts.map(({ tensors }) => tensors));
          return (parts[0] as OutputParts).rebuild(whole);
        },
      ),
    classify,
    stateDict: () => state.stateDict(),
    loadStateDict(entries, where) {
      requireClasses({ name, classes }, state, entries, where);
      state.loadStateDict(entries, where);
    },
    dispose: () => state.dispose(),
  };
}

/** Features are turned into float32 when they are read; most methods read none. */
function shown(
  output: ModelOutput,
  { features: read = true, preActivations = true }: ForwardMode,
): ModelOutput {
  let features: ModelOutput['features'] | undefined;
  let before: ModelOutput['preActivations'] | undefined;
  const inFloat32 = (maps: readonly tf.Tensor4D[]): tf.Tensor4D[] =>
    maps.map((map) => inFloatType(map, 'float32'));
  const { logits, embedding, distillationLogits, distillationEmbedding } = output;
  return {
    logits,
    embedding,
    distillationLogits,
    distillationEmbedding,
    get features() {
      if (!read) throw new Error("a term reads features without naming 'features' in its needs");
      return (features ??= inFloat32(output.features));
    },
    get preActivations() {
      if (!preActivations) {
        throw new Error(
          "a term reads preActivations without naming 'pre-activations' in its needs",
        );
      }
      return (before ??= inFloat32(output.preActivations));
    },
  };
}

/** Says what is wrong where a whole classifier is for another number of classes and its input is the same. */
function requireClasses(
  { name, classes }: Pick<Model, 'name' | 'classes'>,
  state: ModelState,
  entries: StateDict,
  where: string | undefined,
): void {
  // A projection head may follow it.
  const classifier = state.trainable.findLast(
    ({ value: { rank, shape } }) => rank === 2 && shape[0] === classes,
  );
  if (classifier === undefined) return;
  const given = entries.get(classifier.name)?.shape;
  if (given?.length !== 2 || given[1] !== classifier.value.shape[1]) return;
  if (given[0] === classes) return;
  throw modelError`these weights are for ${given[0]} classes where ${name} is to tell ${classes} apart${where === undefined ? '' : ` (${where})`}: found '${classifier.name}' of shape [${given.join(', ')}]. Take weights that were trained on this data set, or the data set of these weights`;
}

/** A forward pass's output as a list of tensors. */
export interface OutputParts {
  readonly tensors: readonly tf.Tensor[];
  /** The output again, of other tensors in the same places. */
  rebuild(tensors: readonly tf.Tensor[]): ModelOutput;
}

/** What of an output may be read, as the pass was told by its mode; reading more throws again. */
export function outputParts(
  output: ModelOutput,
  { features = true, preActivations = true }: ForwardMode,
): OutputParts {
  const { logits, embedding, distillationLogits, distillationEmbedding } = output;
  const single = { logits, embedding, distillationLogits, distillationEmbedding };
  const names = (Object.keys(single) as (keyof typeof single)[]).filter(
    (name) => single[name] !== undefined,
  );
  const shownFeatures = features ? output.features : [];
  const shownBefore = preActivations ? output.preActivations : [];
  const tensors = [
    ...names.flatMap((name) => single[name] ?? []),
    ...shownFeatures,
    ...shownBefore,
  ];
  return {
    tensors,
    rebuild(others) {
      const maps = others.slice(names.length) as tf.Tensor4D[];
      // The names stand in the order of the tensors.
      const heads = Object.fromEntries(names.map((name, index) => [name, others[index]]));
      return {
        ...(heads as Pick<ModelOutput, 'logits' | 'embedding'>),
        get features() {
          return features ? maps.slice(0, shownFeatures.length) : output.features;
        },
        get preActivations() {
          return preActivations ? maps.slice(shownFeatures.length) : output.preActivations;
        },
      };
    },
  };
}
