import type * as tf from '@tensorflow/tfjs';
import { sha256 } from '../../files';
import { type OperationAttribute, stringAttribute, takesGpuPath } from '../native';
import {
  functionBackend,
  functionDefinition,
  type FunctionStep,
  operationOutputs,
  type Source,
  type TensorHandle,
} from './function-definition';

/** What TensorFlow computed while something ran. */
export interface Trace {
  /** Every operation, in order. */
  readonly steps: readonly TracedStep[];
  /** What the operations took that none of them made. */
  readonly arguments: readonly TracedArgument[];
  /** Frees the constants. */
  dispose(): void;
}

interface TracedStep extends FunctionStep {
  readonly outputs: readonly TensorHandle[];
}

/** A tensor from outside: one that was given, or a constant, of which the trace keeps a handle of its own. */
type TracedArgument =
  | { readonly kind: 'given'; readonly given: number; readonly dtype: number }
  | { readonly kind: 'constant'; readonly id: number; readonly dtype: number };

/** In a function these are oneDNN's, by themselves Eigen's. */
const otherInFunctions: ReadonlySet<string> = new Set(['Softmax']);

/** What a piece of work is told while it is traced. */
export interface Tracing {
  /** How many operations there were until now. */
  readonly length: number;
  /** From here on another call may replace this tensor. They are numbered in the order of giving, from 0. */
  give(tensor: tf.TensorInfo): void;
  /** Where a tensor comes from. */
  sourceOf(tensor: tf.TensorInfo): Source;
}

/**
 * A piece of work that no function repeats to the bit: it computes on numbers that it read from tensors or drew, or
 * on tensors that it keeps to itself, or has an operation that TensorFlow computes in another way in functions.
 */
export class Untraceable extends Error {}

interface TraceOptions {
  /** Refuses tensors that `work` finds outside without being given them; by default they are constants. */
  readonly closed?: boolean;
}

/** A trace, and what the traced work returned. */
interface TraceOf<T> {
  readonly traced: Trace;
  readonly result: T;
}

/**
 * Runs `work` and writes down each operation of TensorFlow that it makes; native engine only. What is computed in
 * JavaScript is not seen: it counts as a constant. So that nothing that changes is taken for one, `work` runs at least
 * twice, and the numbers that JavaScript makes in it must be the same.
 *
 * @throws Untraceable when a function would not give the results of `work`, to the bit
 */
export function trace<T>(work: (tracing: Tracing) => T, options: TraceOptions = {}): TraceOf<T> {
  let before = record(work, options);
  for (let again = 0; again < mostRepeats; again++) {
    let found: Recording<T>;
    try {
      found = record(work, options);
    } finally {
      before.traced.dispose();
    }
    if (before.constants.join() === found.constants.join()) return found;
    before = found;
  }
  before.traced.dispose();
  throw new Untraceable('numbers made in JavaScript change from call to call');
}

/** The first time, tensors from outside may still have to be handed to TensorFlow, and look as if they were made. */
const mostRepeats = 2;

interface Recording<T> extends TraceOf<T> {
  /** Which tensors were taken for constants: the numbers of those that JavaScript made, the handles of others. */
  readonly constants: readonly string[];
}

function record<T>(work: (tracing: Tracing) => T, { closed = false }: TraceOptions): Recording<T> {
  const backend = functionBackend();
  const { binding } = backend;
  const steps: TracedStep[] = [];
  const taken: TracedArgument[] = [];
  const sources = new Map<number, Source>();
  const made = new Map<number, string>();
  const constants: string[] = [];
  let givenCount = 0;
  const dispose = (): void => {
    for (const argument of taken) {
      if (argument.kind === 'constant') binding.deleteTensor(argument.id);
    }
  };

  const addArgument = (id: number, argument: TracedArgument): Source => {
    const source: Source = { from: 'argument', argument: taken.push(argument) - 1 };
    sources.set(id, source);
    return source;
  };
  // A handle of the trace's own, on the same memory: the owner may free its own.
  const copied = (id: number): TensorHandle => {
    const [handle] = binding.executeOp('Identity', [], [id], 1);
    if (handle === undefined) throw new Error('Identity gave nothing');
    return handle;
  };
  const constant = (id: number): Source => {
    if (closed && !made.has(id)) throw new Untraceable('a tensor is used that was not given');
    constants.push(made.get(id) ?? `handle ${id}`);
    const { id: own, dtype } = copied(id);
    return addArgument(id, { kind: 'constant', id: own, dtype });
  };
  const sourceOf = (id: number): Source => sources.get(id) ?? constant(id);
  const idOf = (tensor: tf.TensorInfo): number => {
    const [id] = backend.getInputTensorIds([tensor]);
    if (id === undefined) throw new Error('a tensor has no handle');
    return id;
  };

  const executeOp: typeof binding.executeOp = (operation, attributes, ids, count) => {
    if (otherInFunctions.has(operation)) {
      throw new Untraceable(`${operation} has other last digits in a function`);
    }
    const inputs = ids.map(sourceOf);
    const outputs = binding.executeOp(operation, attributes, ids, count);
    outputs.forEach(({ id }, output) =>
      sources.set(id, { from: 'step', step: steps.length, output }),
    );
    steps.push({ operation, attributes, inputs, outputs });
    return outputs;
  };
  const createTensor: typeof binding.createTensor = (shape, type, values) => {
    const id = binding.createTensor(shape, type, values);
    made.set(
      id,
      `${type} [${shape.join()}] ${sha256(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))}`,
    );
    return id;
  };
  const tensorDataSync = (): never => {
    throw new Untraceable('numbers are read from a tensor');
  };
  // The binding's own methods lie below these for a while.
  backend.binding = Object.create(binding, {
    executeOp: { value: executeOp },
    createTensor: { value: createTensor },
    tensorDataSync: { value: tensorDataSync },
  }) as typeof binding;
  try {
    const result = work({
      get length() {
        return steps.length;
      },
      give(tensor) {
        const id = idOf(tensor);
        const { id: copy, dtype } = copied(id);
        binding.deleteTensor(copy);
        // Whatever made it until now does not count.
        addArgument(id, { kind: 'given', given: givenCount++, dtype });
      },
      sourceOf: (tensor) => sourceOf(idOf(tensor)),
    });
    const traced = { steps, arguments: taken, dispose };
    return { traced, result, constants };
  } catch (error) {
    dispose();
    throw error;
  } finally {
    backend.binding = binding;
  }
}

/** TensorFlow's number of the type of what a trace saw. */
function typeOf(
  { steps, arguments: taken }: Pick<Trace, 'steps' | 'arguments'>,
  source: Source,
): number {
  const seen =
    source.from === 'step' ? steps[source.step]?.outputs[source.output] : taken[source.argument];
  if (seen === undefined) throw new Error('the trace has no such tensor');
  return seen.dtype;
}

/** Part of a trace as one operation of TensorFlow. */
interface TracedFunction {
  /** What it takes of steps before it, in the order in which `run` is given their handles. */
  readonly takes: readonly Source[];
  /**
   * Runs it.
   *
   * @param given handles of the tensors that were given while it was traced, in that order
   * @param before handles of what it `takes`
   * @returns handles of the results, in their order; the caller's
   */
  run(given: readonly number[], before?: readonly number[]): TensorHandle[];
  /** Makes TensorFlow forget it. */
  dispose(): void;
}

interface TracedPart {
  /** The first step that may belong to it; 0 by default. */
  readonly first?: number;
  /** The step before which it ends; the trace's end by default. */
  readonly end?: number;
  /** Made by its steps, or given, or constants. */
  readonly results: readonly Source[];
}

let made = 0;

/** Those steps of a part of a trace that its results need, as a function that TensorFlow knows by a new name. */
export function tracedFunction(
  traced: Trace,
  { first = 0, end = traced.steps.length, results }: TracedPart,
): TracedFunction {
  const inside = (source: Source): boolean =>
    source.from === 'step' && source.step >= first && source.step < end;
  const kept = neededSteps(traced, results.filter(inside), inside);
  const placeOf = new Map(kept.map((step, index) => [step, index]));

  const taken: Source[] = [];
  const takenPlaces = new Map<string, number>();
  const inFunction = (source: Source): Source => {
    if (source.from === 'step' && inside(source)) {
      return { ...source, step: placeOf.get(source.step) ?? -1 };
    }
    const key = JSON.stringify(source);
    const index = takenPlaces.get(key) ?? taken.push(source) - 1;
    takenPlaces.set(key, index);
    return { from: 'argument', argument: index };
  };
  const steps = kept.flatMap((index) => {
    const step = traced.steps[index];
    return step === undefined ? [] : [{ ...step, inputs: step.inputs.map(inFunction) }];
  });
  const typed = results.map((source) => ({
    source: inFunction(source),
    type: typeOf(traced, source),
  }));
  const name = `norm_direction_${made++}`;
  const argumentTypes = taken.map((source) => typeOf(traced, source));
  const { binding } = functionBackend();
  binding.defineFunction(
    functionDefinition({ name, argumentTypes, steps, results: typed }, operationOutputs()),
  );
  const takes = taken.filter(({ from }) => from === 'step');
  return {
    takes,
    run(given, before = []) {
      let next = 0;
      const inputs = taken.map((source) =>
        source.from === 'step' ? before[next++] : argumentHandle(traced, source.argument, given),
      );
      if (inputs.includes(undefined)) throw new Error(`${name} is given too little`);
      return binding.executeOp(name, callAttributes(), inputs as number[], results.length);
    },
    dispose: () => binding.removeFunction(name),
  };
}

/** The steps, in their order, that lead to some of their own outputs. */
function neededSteps(
  { steps }: Trace,
  results: readonly Source[],
  inside: (source: Source) => boolean,
): number[] {
  const needed = new Set<number>();
  const waiting = [...results];
  for (let source = waiting.pop(); source !== undefined; source = waiting.pop()) {
    if (source.from !== 'step' || needed.has(source.step)) continue;
    needed.add(source.step);
    waiting.push(...(steps[source.step]?.inputs ?? []).filter(inside));
  }
  return [...needed].sort((a, b) => a - b);
}

function argumentHandle(
  traced: Trace,
  index: number,
  given: readonly number[],
): number | undefined {
  const argument = traced.arguments[index];
  if (argument === undefined) return undefined;
  return argument.kind === 'constant' ? argument.id : given[argument.given];
}

/**
 * One thread takes the operations in turn (each is computed by all threads), and nothing rewrites them: a
 * `ConfigProto` with `graph_options.rewrite_options.disable_meta_optimizer`. Of a GPU's functions some whole numbers
 * lie in the host's memory, and that executor takes no function that two devices share: TensorFlow's usual one does.
 */
function callAttributes(): OperationAttribute[] {
  return [
    stringAttribute('executor_type', takesGpuPath() ? '' : 'SINGLE_THREADED_EXECUTOR'),
    stringAttribute('config_proto', Uint8Array.of(0x52, 5, 0x52, 3, 0x98, 0x01, 1)),
  ];
}
