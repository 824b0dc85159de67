import { readSafetensors } from '../formats/safetensors';
import { createModel } from '../models/registry';
import type { Model } from '../nn/model';

/**
 * The network of a finished run.
 *
 * @throws LabError when its weights are missing, broken or another model's.
 */
export function loadTrainedModel(file: string, name: string, classes: number): Model {
  const { tensors } = readSafetensors(file);
  const model = createModel(name, { classes });
  try {
    model.loadStateDict(tensors, file);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}
