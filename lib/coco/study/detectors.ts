import { LabError, unknownName } from '../../errors';
import type { Pair } from '../../study/grid';
import type { DetectionRecipe } from './recipe';

type DetectorForm = DetectionRecipe['detector'];

/** Of the small ones, for small images: teacher and student must have the same head, as the paper's have. */
const small = {
  width: 24,
  norm: 'batch',
  freezeAt: 0,
  pyramidChannels: 48,
  embeddingSize: 256,
  anchorSizes: [12, 24, 48, 96, 192],
  canonicalSide: 64,
} as const;

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
  'r34-small': { ...small, backbone: 'resnet34' },
  'r18-small': { ...small, backbone: 'resnet18' },
};

/** What `--pairs` takes. */
export const detectorNames: readonly string[] = Object.keys(detectors);

/** @throws LabError of kind `option` for an unknown name. */
export function detectorForm(name: string, option = '--pairs'): DetectorForm {
  const form = Object.hasOwn(detectors, name) ? detectors[name] : undefined;
  if (form === undefined) throw unknownName('detector', name, detectorNames, option);
  return form;
}

/** Whether it begins with random weights; the paper's begin with a backbone trained on ImageNet. */
export function isSmall(name: string): boolean {
  return detectorForm(name).norm === 'batch';
}

/**
 * Checks that a pair's detectors are known and of one kind.
 *
 * @throws LabError of kind `option`.
 */
export function requirePair({ teacher, student }: Pair, option = '--pairs'): void {
  detectorForm(teacher, option);
  detectorForm(student, option);
  if (isSmall(teacher) === isSmall(student)) return;
  throw new LabError({
    kind: 'option',
    what: 'teacher and student have box heads of different sizes',
    where: option,
    found: `${teacher}:${student}`,
    remedy: 'Pair a small detector with a small one, and one of the paper’s with another of them',
  });
}
