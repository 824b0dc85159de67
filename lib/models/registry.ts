import { random } from '../engine/random';
import { LabError, unknownName } from '../errors';
import { asModel, type Model } from '../nn/model';
import { ModelState } from '../nn/state';
import { cifarModels } from './cifar-models';
import { imageNetModels } from './imagenet-models';

const architectures = { ...cifarModels, ...imageNetModels };

/** The names that `createModel` knows. */
export const modelNames: readonly string[] = Object.keys(architectures);

/** The names among them that were published for ImageNet. */
export const imageNetModelNames: readonly string[] = Object.keys(imageNetModels);

export interface ModelOptions {
  readonly classes: number;
  /** Of the first weights; 0 by default. */
  readonly seed?: number;
  /**
   * Side of the square images; by default that of the published model. Vision transformers see no other;
   * for the others it is what `Model.inputSize` says.
   */
  readonly imageSize?: number;
  /** Stochastic depth of the last block, which rises from 0 in the first; 0 by default. */
  readonly dropPath?: number;
}

/**
 * A network with freshly drawn weights.
 *
 * @throws LabError for an unknown name, an image size or stochastic depth that it cannot have (`option`), or
 *   fewer than two classes (`model`).
 */
export function createModel(
  name: string,
  { classes, seed = 0, imageSize, dropPath = 0 }: ModelOptions,
): Model {
  const architecture = Object.hasOwn(architectures, name) ? architectures[name] : undefined;
  if (architecture === undefined) throw unknownName('model', name, modelNames);
  if (!Number.isInteger(classes) || classes < 2) {
    throw new LabError({
      kind: 'model',
      what: 'a classifier needs at least two classes',
      where: name,
      found: String(classes),
      remedy: 'Give a data set with two classes or more',
    });
  }
  requireDropPath(name, dropPath, architecture.dropsPaths);
  const inputSize = imageSize ?? architecture.imageSize;
  const state = new ModelState();
  try {
    const network = architecture.build(
      { state, random: random(seed, 'weights', name) },
      { classes, imageSize: inputSize, dropPath },
    );
    return asModel({ name, classes, inputSize }, state, network);
  } catch (error) {
    state.dispose();
    throw error;
  }
}

function requireDropPath(name: string, dropPath: number, possible: boolean): void {
  if (dropPath === 0) return;
  if (possible && dropPath > 0 && dropPath < 1) return;
  throw new LabError({
    kind: 'option',
    what: possible
      ? 'stochastic depth is a probability from 0 to below 1'
      : `${name} has no stochastic depth`,
    where: 'dropPath',
    found: String(dropPath),
    remedy: possible ? 'Give a number such as 0.1' : 'Leave it out',
  });
}
