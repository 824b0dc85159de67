import type * as tf from '@tensorflow/tfjs';
import { globalAveragePool } from '../engine/operations/pooling';
import { modelError, optionError, unknownName } from '../errors';
import type { ForwardMode, LinearStart } from '../nn/layers';
import type { Model, ModelOutput } from '../nn/model';
import type { ModelState, StateDict } from '../nn/state';
import { featureShapes } from './connectors';

/** What the terms of a method see of one batch. */
export interface BatchSignals {
  readonly student: ModelOutput;
  /** [batch, size], the student's embedding in the teacher's space: after the adapter where there is one. */
  readonly studentEmbedding: tf.Tensor2D;
  /** [batch], int32; reading it of a batch of mixed images throws, since they have no single label. */
  readonly labels: tf.Tensor1D;
  /** The labels of images that mixup or cutmix joined; absent when they were left alone. */
  readonly mix?: MixedLabels;
  /** Places of the samples in the training set. */
  readonly indices?: Int32Array;
  readonly teacher?: ModelOutput;
  /** [classes, size] */
  readonly classMeans?: tf.Tensor2D;
}

/** How the images of a batch were joined: λ parts of the own one, 1 − λ of its partner's. */
export interface MixedLabels {
  /** int32 [batch], of the images before they were mixed. */
  readonly labels: tf.Tensor1D;
  /** int32 [batch], of each one's partner. */
  readonly partners: tf.Tensor1D;
  /** [batch] */
  readonly lambda: tf.Tensor1D;
}

/** The teacher's output, for terms whose needs name the teacher. */
export function teacherOf({ teacher }: BatchSignals): ModelOutput {
  if (teacher === undefined) throw new Error('a term uses the teacher without naming it in needs');
  return teacher;
}

/** The class means, for terms whose needs name them. */
export function classMeansOf({ classMeans }: BatchSignals): tf.Tensor2D {
  if (classMeans === undefined) {
    throw new Error('a term uses the class means without naming them in needs');
  }
  return classMeans;
}

/**
 * Where a feature vector is taken: the embedding (the penultimate feature, the paper's place), the
 * feature one stage earlier averaged over its height and width, or the logits.
 */
export const featurePlaces = ['embedding', 'earlier stage', 'logits'] as const;
/** One of `featurePlaces`. */
export type FeaturePlace = (typeof featurePlaces)[number];

/**
 * The feature vectors of a place, `[batch, size]`.
 *
 * @throws LabError of kind `model` for a network of a single stage.
 */
export function featureAt(
  output: Pick<ModelOutput, FeatureParts>,
  layer: FeaturePlace,
): tf.Tensor2D {
  switch (layer) {
    case 'embedding':
      return output.embedding;
    case 'logits':
      return output.logits;
    case 'earlier stage':
      return globalAveragePool(earlierStage(output.features));
  }
}

type FeatureParts = 'embedding' | 'logits' | 'features';

/** How many numbers a model's feature has in a place. */
export function featureSize(model: Model, layer: FeaturePlace): number {
  switch (layer) {
    case 'embedding':
      return model.embeddingSize;
    case 'logits':
      return model.classes;
    case 'earlier stage':
      return earlierStage(featureShapes(model).features).channels;
  }
}

/** The last stage but one; the first of the features is the stem. */
function earlierStage<T>(features: readonly T[]): T {
  const feature = features.at(-2);
  if (feature !== undefined && features.length > 2) return feature;
  throw modelError`a network with one stage has no earlier one: found ${features.length} features with the stem. Take the embedding or the logits`;
}

/** A weighted loss as a recipe holds it: plain data, with the options of its own kind. */
export interface LossTerm {
  /** The name of its definition. */
  readonly loss: string;
  readonly weight: number;
  /**
   * The weight is multiplied by min(1, epoch / warmUpEpochs). A classifier's epochs are whole, counted from
   * 0; a detector's grow with each iteration: iteration · batch size / training images.
   */
  readonly warmUpEpochs?: number;
}

/** A term without options of its own. */
export interface PlainTerm<Name extends string> extends LossTerm {
  readonly loss: Name;
}

/** A named list of terms. */
export interface Method {
  readonly name: string;
  readonly terms: readonly LossTerm[];
}

/**
 * What a term needs besides the student's output: the teacher run on each batch, its batch norms taking
 * the statistics of that batch, the teacher's class means, the student's embedding in the teacher's
 * space (through an adapter where sizes differ), the places of the batch's samples, the networks' `features`,
 * or their `preActivations`.
 */
export type Need =
  | 'teacher'
  | 'teacher batch statistics'
  | 'class means'
  | 'teacher space'
  | 'samples'
  | 'features'
  | 'pre-activations';

/** What a term's own parts are made from, once a run. */
export interface PartContext {
  readonly student: Model;
  readonly teacher: Model | undefined;
  /** Of the parts' first weights. */
  readonly seed: number;
  /** Size of the training set. */
  readonly samples: number;
  /** Its labels, where they are known. */
  readonly labels?: ArrayLike<number>;
  /** How adapters begin, and the dropout of what they read; as `embeddingAdapter` does by default. */
  readonly adapterStart?: LinearStart;
  readonly adapterDropout?: number;
  /** The teacher's class means of other places than the embedding, [classes × size]. */
  readonly classMeansAt?: ReadonlyMap<FeaturePlace, Float32Array>;
}

/** One forward pass of a training step, as a term with parts sees it. */
export interface StepContext {
  readonly mode: ForwardMode;
  /** Keeps a tensor until `commit`. */
  readonly remember: <T extends tf.Tensor>(tensor: T) => T;
}

/** A term that trains or remembers something beside the student. */
export interface TermPart {
  /** Weights trained along with the student, and buffers; saved in checkpoints. */
  readonly state?: ModelState;
  /** What it remembers beyond `state`; saved in checkpoints. */
  readonly memory?: {
    /** What a checkpoint keeps. */
    save(): StateDict;
    /** @throws LabError when it is not this memory. */
    restore(entries: StateDict): void;
  };
  /**
   * Before each forward pass of a step and outside its gradient, with the images of its part of the batch and how
   * the student's norms see them.
   */
  prepare?(
    images: tf.Tensor4D,
    step: Pick<StepContext, 'remember'> & { readonly norms?: Pick<ForwardMode, 'replicas'> },
  ): void;
  /** The term's value before its weight. */
  loss(signals: BatchSignals, step: StepContext): tf.Scalar;
  /**
   * After each part of a batch; the last one's step is taken then (`stepped`). Not called for a part whose loss
   * was not finite.
   */
  commit?(stepped: boolean): void;
  /** Frees what `state` does not hold. */
  dispose?(): void;
}

/**
 * A kind of term. It has `compute`, or `part` where it trains or remembers something itself, or both where
 * it does so with some options only: `part` gives undefined for the others.
 */
export interface TermDefinition<T extends LossTerm = LossTerm> {
  readonly loss: T['loss'];
  /** Or how they follow from the term's options. */
  readonly needs: readonly Need[] | ((term: T) => readonly Need[]);
  /** Which place's class means it needs, where it is not the embedding. */
  classMeansPlace?(term: T): FeaturePlace;
  /** 2 unless given. */
  readonly fewestClasses?: number;
  /** The term's value before its weight. */
  compute?(term: T, signals: BatchSignals): tf.Scalar;
  /** The part that trains or remembers something, made once a run. */
  part?(term: T, context: PartContext): TermPart | undefined;
}

const definitions = new Map<string, TermDefinition>();

/**
 * Makes a kind of term known under its name, so that recipes can hold it.
 *
 * @throws LabError when the name is taken by another definition.
 */
export function defineTerm<T extends LossTerm>(definition: TermDefinition<T>): TermDefinition<T> {
  if (definitions.has(definition.loss)) {
    throw optionError`two kinds of term have the same name: found '${definition.loss}'. Give the new one another name`;
  }
  // A definition is only ever given terms of its own name, which are of its own type.
  definitions.set(definition.loss, definition as unknown as TermDefinition);
  return definition;
}

/** What a term has beside its name and weight. */
type OptionsOf<T extends LossTerm> = Omit<T, keyof LossTerm>;

/** The options that may be missing. */
type OptionalOf<T extends LossTerm> = {
  [K in keyof OptionsOf<T>]-?: Record<never, never> extends Pick<OptionsOf<T>, K> ? K : never;
}[keyof OptionsOf<T>];

/** What an option can be: one of some values, or any number. */
type ChoicesOf<V> = readonly Exclude<V, undefined>[] | 'number';

type Choices<T extends LossTerm> = {
  readonly [K in keyof OptionsOf<T>]?: ChoicesOf<OptionsOf<T>[K]>;
} & { readonly [K in OptionalOf<T>]: ChoicesOf<OptionsOf<T>[K]> };

/**
 * A definition; what stands in such a term where nothing else is given, left out where all may be missing; and
 * what the options can be that are no numbers or may be missing.
 */
type TermKind<T extends LossTerm> = TermDefinition<T> & {
  readonly defaults?: object;
  readonly choices?: Choices<T>;
} & Defaults<T> &
  ([OptionalOf<T>] extends [never] ? unknown : { readonly choices: Choices<T> });
type Defaults<T extends LossTerm> =
  Record<never, never> extends OptionsOf<T> ? unknown : { readonly defaults: OptionsOf<T> };

/** Makes a term of one kind; its weight is 1 unless given. */
export type TermMaker<T extends LossTerm> = (options?: Partial<Omit<T, 'loss'>>) => T;

/** By kind of term what its options can be; a default that is no number, and has no choices, can be anything. */
const optionsOfKinds = new Map<string, Readonly<Record<string, unknown>>>();

/**
 * Defines a kind of term, as `defineTerm` does, and gives what makes such terms, which refuses what they do not
 * have: files of recipes are run without a compiler.
 */
export function termKind<T extends LossTerm>(kind: TermKind<T>): TermMaker<T> {
  const { loss } = defineTerm<T>(kind);
  const { defaults = {}, choices = {} } = kind;
  const kinds = Object.entries(defaults).map(([name, value]) => [name, typeof value] as const);
  const numbers = { weight: 'number', warmUpEpochs: 'number' };
  optionsOfKinds.set(loss, { ...numbers, ...Object.fromEntries(kinds), ...choices });
  return (options = {}) => {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    // Name, weight and options are all that a term has.
    const term = { loss, weight: 1, ...defaults, ...Object.fromEntries(given) } as unknown as T;
    checkTerm(term);
    return term;
  };
}

/**
 * Checks the options of a term that `termKind` defined; of others it knows nothing.
 *
 * @throws LabError of kind `option` for an option that it does not have, or a value that this cannot be.
 */
export function checkTerm(term: LossTerm): void {
  const known = optionsOfKinds.get(term.loss);
  if (known === undefined) return;
  for (const [name, value] of Object.entries(term)) {
    if (name === 'loss' || value === undefined) continue;
    const can = known[name];
    if (can === undefined) {
      throw unknownName(`option of the loss term '${term.loss}'`, name, Object.keys(known));
    }
    if (can === 'number' ? !Number.isFinite(value) : Array.isArray(can) && !can.includes(value)) {
      throw optionError`an option of a loss term cannot be that (${name} of ${term.loss}): found ${typeof value === 'number' ? value : JSON.stringify(value)}. Give ${can === 'number' ? 'a number' : inWords(can)}`;
    }
  }
}

function inWords(choices: unknown): string {
  return Array.isArray(choices) ? choices.map((choice) => `'${String(choice)}'`).join(' or ') : '';
}

/** @throws LabError of kind `option` for a name that no definition has. */
export function definitionOf({ loss }: LossTerm): TermDefinition {
  const definition = definitions.get(loss);
  if (definition === undefined) throw unknownName('loss term', loss, [...definitions.keys()]);
  return definition;
}

/** The term with its weight growing from 0 in the first epoch to the whole after `epochs`. */
export function warmUp<T extends LossTerm>(epochs: number, term: T): T {
  return { ...term, warmUpEpochs: epochs };
}

/** The factor of a term's weight in an epoch counted from 0. */
export function warmUpFactor({ warmUpEpochs = 0 }: LossTerm, epoch: number): number {
  return warmUpEpochs > 0 ? Math.min(1, epoch / warmUpEpochs) : 1;
}

/** The places, but for the embedding, that the method needs class means of. */
export function classMeansPlaces({ terms }: Method): FeaturePlace[] {
  const places = terms.map((term) => definitionOf(term).classMeansPlace?.(term));
  return [...new Set(places)].filter((layer) => layer !== undefined);
}

/** Whether a term of the method has this need. */
export function needs({ terms }: Method, need: Need): boolean {
  return terms.some((term) => {
    const { needs: needed } = definitionOf(term);
    return (typeof needed === 'function' ? needed(term) : needed).includes(need);
  });
}
