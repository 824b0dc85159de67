import { readWeights } from '../formats/weights';
import { createModel } from '../models/registry';
import type { Model } from '../nn/model';

/**
 * A network with the weights of a file.
 *
 * @param imageSize side of the images that it is to see, where that is not the one it was published for
 * @throws LabError when its weights are missing, broken or another model's.
 */
export async function loadTrainedModel(
  file: string,
  name: string,
  classes: number,
  imageSize?: number,
): Promise<Model> {
  const tensors = await readWeights(file);
  const model = createModel(name, { classes, ...(imageSize === undefined ? {} : { imageSize }) });
  try {
    model.loadStateDict(tensors, file);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}
