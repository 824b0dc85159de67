import { unknownName } from '../../errors';
import type { DetectionRecipe } from './recipe';

type DetectorForm = DetectionRecipe['detector'];

/** Of the small ones: teacher and student must have the same, as the paper's have 1024. */
const smallHead = { pyramidChannels: 32, embeddingSize: 64, norm: 'batch', freezeAt: 0 } as const;

/**
 * The detectors of table 3 by the names of its pairs, and small ones that learn something from random
 * weights in minutes.
 */
const detectors: Readonly<Record<string, DetectorForm>> = {
  'r101-fpn': { backbone: 'resnet101' },
  'r50-fpn': { backbone: 'resnet50' },
  'r18-fpn': { backbone: 'resnet18' },
  // The released configuration trains all of it, unlike the ResNets'.
  'mobilenet_v2-fpn': { backbone: 'mobilenetv2', freezeAt: 0 },
  'r34-small': { ...smallHead, backbone: 'resnet34', width: 24 },
  'r18-small': { ...smallHead, backbone: 'resnet18', width: 16 },
};

/** What `--pairs` takes. */
export const detectorNames: readonly string[] = Object.keys(detectors);

/** @throws LabError of kind `option` for an unknown name. */
export function detectorForm(name: string, option = '--pairs'): DetectorForm {
  const form = Object.hasOwn(detectors, name) ? detectors[name] : undefined;
  if (form === undefined) throw unknownName('detector', name, detectorNames, option);
  return form;
}
