import { readWeights } from '../formats/weights';
import { createModel } from '../models/registry';
import type { Model } from '../nn/model';

/**
 * A network with the weights of a file.
 *
 * @throws LabError when its weights are missing, broken or another model's.
 */
export async function loadTrainedModel(
  file: string,
  name: string,
  classes: number,
): Promise<Model> {
  const tensors = await readWeights(file);
  const model = createModel(name, { classes });
  try {
    model.loadStateDict(tensors, file);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}
