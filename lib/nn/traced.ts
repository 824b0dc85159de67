import * as tf from '@tensorflow/tfjs';
import { functionBackend, type Source } from '../engine/functions/function-definition';
import {
  trace,
  type Trace,
  tracedFunction,
  type Tracing,
  Untraceable,
} from '../engine/functions/trace';
import { isNative, storedFloat } from '../engine/native';
import { canFuseConvolution } from '../engine/operations/fused-convolution';
import type { Random } from '../engine/random';
import { differentiable, tidied } from '../engine/tidy';
import { type DrawnNumbers, drawnTensor, type ForwardMode } from './layers';
import { type Model, type ModelOutput, outputParts, type OutputParts } from './model';
import type { ModelState } from './state';

/** A network's passes over one kind of images as operations of TensorFlow, freed in the end. */
interface Traced<Output> {
  forward(images: tf.Tensor4D, random?: Random): Output;
  dispose(): void;
}

/**
 * Calls of a network with images of several shapes. A trace costs as much as some calls, so that only the fourth
 * call with a shape makes one; the results are the same to the bit.
 */
interface TracedCalls<Output> {
  /**
   * Undefined where the network is to be run as it is.
   *
   * @param random needed in training by models with stochastic depth, as by the network itself
   */
  forward(images: tf.Tensor4D, norms?: NormMode, random?: Random): Output | undefined;
  dispose(): void;
}

/** What of a mode may differ from part to part of a batch. */
type NormMode = Pick<ForwardMode, 'replicas' | 'moving'>;

const callsBefore = 3;
/** More shapes than any training has: a full batch, the rest of an epoch, parts of both. */
const mostShapes = 8;

/** @param make traces one call; throws Untraceable where that cannot be done. */
function tracedCalls<Output>(
  make: (images: tf.Tensor4D, norms: NormMode) => Traced<Output>,
): TracedCalls<Output> {
  const traces = new Map<string, Traced<Output>>();
  const calls = new Map<string, number>();
  let possible = true;
  const traceFor = (images: tf.Tensor4D, norms: NormMode): Traced<Output> | undefined => {
    if (!possible || !isNative()) return undefined;
    const key = `${storedFloat(images)} ${images.shape.join()} ${String(norms.replicas)} ${String(norms.moving)}`;
    const known = traces.get(key);
    if (known !== undefined) return known;
    const before = calls.get(key) ?? 0;
    if (before < callsBefore || traces.size === mostShapes) {
      calls.set(key, before + 1);
      return undefined;
    }
    // It is tried once, by reading a number, which no trace may do.
    canFuseConvolution(storedFloat(images));
    try {
      const made = make(images, norms);
      traces.set(key, made);
      return made;
    } catch (error) {
      if (!(error instanceof Untraceable)) throw error;
      possible = false;
      return undefined;
    }
  };
  return {
    forward: (images, norms = {}, random) => traceFor(images, norms)?.forward(images, random),
    dispose() {
      for (const traced of traces.values()) traced.dispose();
      traces.clear();
      calls.clear();
    },
  };
}

/** In the place of a stream of random numbers while a network is traced: its numbers would be the same in each call. */
const noRandom: Random = { uniform: refuse, normal: refuse, integer: refuse };

function refuse(): never {
  throw new Untraceable('random numbers are drawn');
}

/**
 * A frozen network's forward pass: after some calls with images of a shape it runs as a TensorFlow function, the
 * same operations in the same order without JavaScript between them, with the native engine. When a tensor of the
 * network is replaced, it begins anew.
 */
export function tracedEvaluation(model: Model, mode: ForwardMode): Traced<ModelOutput> {
  const calls = tracedCalls((images) => traceForward(model, mode, images));
  let seen: tf.Tensor[] = [];
  return {
    forward(images) {
      const tensors = model.state.tensors.map(({ value }) => value);
      if (tensors.some((tensor, index) => tensor !== seen[index])) {
        calls.dispose();
        seen = tensors;
      }
      return calls.forward(images) ?? model.forward(images, mode);
    },
    dispose: calls.dispose,
  };
}

function traceForward(model: Model, mode: ForwardMode, images: tf.Tensor4D): Traced<ModelOutput> {
  const { traced, result } = trace((tracing) =>
    tidied(() => {
      tracing.give(images);
      const { tensors, rebuild } = outputParts(model.forward(images, mode), mode);
      return { rebuild, results: tensors.map((tensor) => tracing.sourceOf(tensor)) };
    }),
  );
  const { rebuild, results } = result;
  const run = tracedFunction(traced, { results });
  const backend = functionBackend();
  return {
    forward(given) {
      const handles = run.run(backend.getInputTensorIds([given]));
      return rebuild(handles.map((handle) => backend.createOutputTensor(handle)));
    },
    dispose() {
      run.dispose();
      traced.dispose();
    },
  };
}

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
export type TracedTraining = TracedCalls<TrainingPass>;

/**
 * A model's forward and backward pass in training, as two TensorFlow functions after some steps with images of a
 * shape: the same operations in the same order, without JavaScript between them. With the native engine; what
 * stochastic depth draws is given to each call. A model that draws in another way is left as it is.
 */
export function tracedTraining(model: Model, mode: ForwardMode): TracedTraining {
  return tracedCalls((images, norms) =>
    tracePasses(model, { ...mode, ...norms, random: noRandom }, images),
  );
}

/** Where what the two passes give comes from. */
interface PassSources {
  readonly parts: OutputParts;
  readonly outputs: readonly Source[];
  /** Running statistics after the pass, by their place in the state's tensors. */
  readonly moved: readonly { readonly place: number; readonly source: Source }[];
  /** By how much the pass moved the state's counts. */
  readonly counted: ReadonlyMap<string, number>;
  /** What is drawn, in its order. */
  readonly drawn: readonly DrawnNumbers[];
  /** How many of the trace's steps are the forward pass. */
  readonly forwardSteps: number;
  readonly gradients: readonly Source[];
}

function tracePasses(model: Model, mode: ForwardMode, images: tf.Tensor4D): Traced<TrainingPass> {
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
    tensors.forEach((tensor, index) => {
      const copy = copies[index];
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
  const drawn: DrawnNumbers[] = [];
  const draw = (numbers: DrawnNumbers): tf.Tensor => {
    const tensor = tf.ones(numbers.shape);
    tracing.give(tensor);
    drawn.push(numbers);
    return tensor;
  };
  let sources: Omit<PassSources, 'gradients'> | undefined;
  const run = (): tf.Scalar => {
    const parts = outputParts(forward(images, { ...mode, draw }), mode);
    sources = {
      parts,
      outputs: parts.tensors.map((tensor) => tracing.sourceOf(tensor)),
      moved: state.tensors.flatMap(({ value }, index) =>
        value === before[index] ? [] : [{ place: index, source: tracing.sourceOf(value) }],
      ),
      counted: new Map(
        [...state.counts].map(([name, count]) => [name, count - (counts.get(name) ?? 0)]),
      ),
      drawn,
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

function passesOf(traced: Trace, state: ModelState, sources: PassSources): Traced<TrainingPass> {
  const { parts, outputs, moved, counted, drawn, forwardSteps, gradients } = sources;
  const backward = tracedFunction(traced, { first: forwardSteps, results: gradients });
  const forward = tracedFunction(traced, {
    end: forwardSteps,
    results: [...outputs, ...moved.map(({ source }) => source), ...backward.takes],
  });
  const backend = functionBackend();
  return {
    forward(images, random) {
      const { tensors: own } = state;
      const numbers = drawn.map((one) => drawnTensor(one, random));
      // As each layer does when it is run.
      state.freeDerived();
      const given = backend.getInputTensorIds([
        images,
        ...own.map(({ value }) => value),
        ...numbers,
      ]);
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
