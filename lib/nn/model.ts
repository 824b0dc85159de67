import type * as tf from '@tensorflow/tfjs';
import type { ForwardMode } from './layers';
import type { ModelState, StateDict, StateEntry } from './state';

/** What a forward pass gives. */
export interface ModelOutput {
  /** [batch, classes] */
  readonly logits: tf.Tensor2D;
  /** The penultimate feature, after ReLU and global pooling: [batch, embeddingSize]. */
  readonly embedding: tf.Tensor2D;
  /** The stem and each stage after its last ReLU, [batch, height, width, channels], shallow first. */
  readonly features: readonly tf.Tensor4D[];
  /** The same places before that ReLU (for the stem: after it, as mdistiller's models give it). */
  readonly preActivations: readonly tf.Tensor4D[];
}

/** A classification network with PyTorch's names and shapes at its border. */
export interface Model {
  readonly name: string;
  readonly classes: number;
  readonly embeddingSize: number;
  readonly state: ModelState;
  /**
   * Names of the batch norms whose output, but for a shortcut, `preActivations` shows after the stem;
   * missing where there are none of that kind.
   */
  readonly preActivationNorms?: readonly string[];
  /**
   * @param images [batch, height, width, 3], normalised
   * In training, batch norm uses the batch and moves its running statistics.
   */
  forward(images: tf.Tensor4D, mode: ForwardMode): ModelOutput;
  stateDict(): Map<string, StateEntry>;
  /** @throws LabError when names or shapes differ; then nothing changes. */
  loadStateDict(entries: StateDict, where?: string): void;
  dispose(): void;
}

/** What a model family's builder gives; the registry adds the rest. */
export type Network = Pick<Model, 'embeddingSize' | 'preActivationNorms' | 'forward'>;

/** A network with its state as a model. */
export function asModel(
  name: string,
  classes: number,
  state: ModelState,
  { embeddingSize, preActivationNorms, forward }: Network,
): Model {
  return {
    name,
    classes,
    embeddingSize,
    ...(preActivationNorms ? { preActivationNorms } : {}),
    state,
    forward,
    stateDict: () => state.stateDict(),
    loadStateDict: (entries, where) => state.loadStateDict(entries, where),
    dispose: () => state.dispose(),
  };
}
