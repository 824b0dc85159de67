import * as tf from '@tensorflow/tfjs';
import { differentiable } from '../engine/differentiable';
import type { Source } from '../engine/functions/function-definition';
import { functionBackend } from '../engine/functions/native-functions';
import { trace, type Trace, type Tracing } from '../engine/functions/trace';
import { tracedFunction } from '../engine/functions/traced-function';
import { tidied } from '../engine/tidied';
import type { ForwardMode } from './layers';
import type { Model, ModelOutput } from './model';
import { type OutputParts, outputParts } from './output-parts';
import type { ModelState } from './state';
import { noRandom, type Traced, tracedCalls } from './traced-calls';

/** A forward pass in training, of which the backward pass is still to come. */
export interface TrainingPass {
  /** Of tensors without a past on the tape. */
  readonly output: ModelOutput;
  /** All of the output's tensors, by which a loss can be differentiated. */
  readonly tensors: readonly tf.Tensor[];
  /**
   * The gradients of the model's `trainable`, in their order; once.
   *
   * @param gradients of `tensors`, in their order; null where the loss does not depend on one
   */
  backward(gradients: readonly (tf.Tensor | null)[]): tf.Tensor[];
  /** Frees what is kept for the backward pass; may be called again. */
  dispose(): void;
}

/** A model whose training passes are one operation of TensorFlow each, after some steps. */
export interface TracedTraining {
  /** Undefined where the model is to be run as it is. */
  forward(images: tf.Tensor4D): TrainingPass | undefined;
  dispose(): void;
}

/**
 * A model's forward and backward pass in training, as two TensorFlow functions after some steps with images of a
 * shape: the same operations in the same order, without JavaScript between them. On a CPU with the native engine,
 * and for models without dropout; others are left as they are.
 */
export function tracedTraining(model: Model, mode: ForwardMode): TracedTraining {
  const calls = tracedCalls((images) => tracePasses(model, { ...mode, random: noRandom }, images));
  return {
    forward: (images) => calls.of(images)?.forward(images),
    dispose: () => calls.dispose(),
  };
}

interface TracedPasses extends Traced {
  forward(images: tf.Tensor4D): TrainingPass;
}

/** Where what the two passes give comes from. */
interface PassSources {
  readonly parts: OutputParts;
  readonly outputs: readonly Source[];
  /** Running statistics after the pass, by their place in the state's tensors. */
  readonly moved: readonly { readonly place: number; readonly source: Source }[];
  /** By how much the pass moved the state's counts. */
  readonly counted: ReadonlyMap<string, number>;
  /** How many of the trace's steps are the forward pass. */
  readonly forwardSteps: number;
  readonly gradients: readonly Source[];
}

function tracePasses(model: Model, mode: ForwardMode, images: tf.Tensor4D): TracedPasses {
  const { state } = model;
  const { traced, result } = unchanged(state, () =>
    trace(
      (tracing) =>
        tidied(() => {
          tracing.give(images);
          for (const { value } of state.tensors) tracing.give(value);
          return runPasses(model, mode, images, tracing);
        }),
      { closed: true },
    ),
  );
  return passesOf(traced, state, result);
}

/** Runs `work` and puts the state back as it was. */
function unchanged<T>(state: ModelState, work: () => T): T {
  const { counts, tensors } = state;
  const copies = tensors.map(({ value }) => tf.keep(tf.clone(value)));
  try {
    return work();
  } finally {
    state.setCounts(counts);
    tensors.forEach((tensor, place) => {
      const copy = copies[place];
      if (copy) tensor.replace(copy);
    });
  }
}

function runPasses(
  { state, forward }: Model,
  mode: ForwardMode,
  images: tf.Tensor4D,
  tracing: Tracing,
): PassSources {
  const before = state.tensors.map(({ value }) => value);
  const { counts } = state;
  const parameters = state.trainable.map(({ value }) => value);
  let sources: Omit<PassSources, 'gradients'> | undefined;
  const run = (): tf.Scalar => {
    const parts = outputParts(forward(images, mode), mode);
    sources = {
      parts,
      outputs: parts.tensors.map((tensor) => tracing.sourceOf(tensor)),
      moved: state.tensors.flatMap(({ value }, place) =>
        value === before[place] ? [] : [{ place, source: tracing.sourceOf(value) }],
      ),
      counted: new Map(
        [...state.counts].map(([name, count]) => [name, count - (counts.get(name) ?? 0)]),
      ),
      forwardSteps: tracing.length,
    };
    return givenGradients(parts.tensors, tracing);
  };
  const grads = gradientsOf(run, parameters);
  if (sources === undefined) throw new Error('the forward pass did not run');
  const gradients = parameters.map((parameter, index) => {
    const gradient = grads[index];
    return tracing.sourceOf(gradient ?? tf.zerosLike(parameter));
  });
  return { ...sources, gradients };
}

function gradientsOf(run: () => tf.Scalar, parameters: tf.Tensor[]): readonly (tf.Tensor | null)[] {
  try {
    return tf.engine().gradients(run, parameters, undefined, true).grads;
  } catch (error) {
    // TensorFlow.js leaves what it saved for the backward pass.
    for (const { saved } of tf.engine().state.activeTape) {
      saved?.forEach((tensor) => tensor.dispose());
    }
    throw error;
  }
}

/** A scalar whose gradients by the outputs are tensors that every backward pass is given. */
function givenGradients(outputs: readonly tf.Tensor[], tracing: Tracing): tf.Scalar {
  const gradients = outputs.map((output) => tf.zerosLike(output));
  for (const gradient of gradients) tracing.give(gradient);
  const value = differentiable(outputs, () => ({
    value: tf.scalar(0),
    saved: gradients,
    // The tape frees what it has summed up.
    backward: (_, saved) => saved.map((gradient) => tf.clone(gradient)),
  }));
  return value as tf.Scalar;
}

function passesOf(traced: Trace, state: ModelState, sources: PassSources): TracedPasses {
  const { parts, outputs, moved, counted, forwardSteps, gradients } = sources;
  const backward = tracedFunction(traced, { first: forwardSteps, results: gradients });
  const forward = tracedFunction(traced, {
    end: forwardSteps,
    results: [...outputs, ...moved.map(({ source }) => source), ...backward.takes],
  });
  const backend = functionBackend();
  return {
    forward(images) {
      const { tensors: own } = state;
      // As each layer does when it is run.
      state.freeDerived();
      const given = backend.getInputTensorIds([images, ...own.map(({ value }) => value)]);
      const handles = forward.run(given);
      const tensors = handles
        .splice(0, outputs.length)
        .map((handle) => backend.createOutputTensor(handle));
      handles.splice(0, moved.length).forEach((handle, index) => {
        own[moved[index]?.place ?? -1]?.replace(backend.createOutputTensor(handle));
      });
      const counts = [...state.counts].map(
        ([name, count]) => [name, count + (counted.get(name) ?? 0)] as const,
      );
      state.setCounts(new Map(counts));
      const kept = handles.map(({ id }) => id);
      const dispose = (): void => {
        for (const id of kept.splice(0)) backend.binding.deleteTensor(id);
      };
      return {
        output: parts.rebuild(tensors),
        tensors,
        dispose,
        backward(of) {
          const filled = tensors.map((tensor, index) => of[index] ?? tf.zerosLike(tensor));
          const results = backward.run([...given, ...backend.getInputTensorIds(filled)], kept);
          dispose();
          return results.map((handle) => backend.createOutputTensor(handle));
        },
      };
    },
    dispose() {
      forward.dispose();
      backward.dispose();
      traced.dispose();
    },
  };
}
