import { stringAttribute } from '../native';
import { functionDefinition, type Source } from './function-definition';
import { functionBackend, operationOutputs, type TensorHandle } from './native-functions';
import { type Trace, typeOf } from './trace';

/** Part of a trace as one operation of TensorFlow. */
export interface TracedFunction {
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

export interface TracedPart {
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
  const placeOf = new Map(kept.map((step, place) => [step, place]));

  const taken: Source[] = [];
  const takenPlaces = new Map<string, number>();
  const inFunction = (source: Source): Source => {
    if (source.from === 'step' && inside(source)) {
      return { ...source, step: placeOf.get(source.step) ?? -1 };
    }
    const key = JSON.stringify(source);
    const place = takenPlaces.get(key) ?? taken.push(source) - 1;
    takenPlaces.set(key, place);
    return { from: 'argument', argument: place };
  };
  const steps = kept.flatMap((place) => {
    const step = traced.steps[place];
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
      return binding.executeOp(name, callAttributes, inputs as number[], results.length);
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
  place: number,
  given: readonly number[],
): number | undefined {
  const argument = traced.arguments[place];
  if (argument === undefined) return undefined;
  return argument.kind === 'constant' ? argument.id : given[argument.given];
}

/**
 * One thread takes the operations in turn (each is computed by all threads), and nothing rewrites them: a
 * `ConfigProto` with `graph_options.rewrite_options.disable_meta_optimizer`.
 */
const callAttributes = [
  stringAttribute('executor_type', 'SINGLE_THREADED_EXECUTOR'),
  stringAttribute('config_proto', Uint8Array.of(0x52, 5, 0x52, 3, 0x98, 0x01, 1)),
];
