import type { PixelForm } from '../coco/data';
import { caffePixels, torchvisionPixels } from '../coco/pixel-forms';
import { unknownName } from '../errors';
import type { Backbone } from './backbone';
import { mobileNetV2Backbone } from './mobilenet-v2';
import { resNetBackbone, type ResNetOptions } from './resnet';
import type { UnitContext } from './units';

export type BackboneName = 'resnet18' | 'resnet34' | 'resnet50' | 'resnet101' | 'mobilenetv2';

const depths: Readonly<Record<string, { depth: ResNetOptions['depth']; pixels: PixelForm }>> = {
  resnet18: { depth: 18, pixels: torchvisionPixels },
  resnet34: { depth: 34, pixels: torchvisionPixels },
  resnet50: { depth: 50, pixels: caffePixels },
  resnet101: { depth: 101, pixels: caffePixels },
};

/** The names that `createDetector` knows. */
export const backboneNames: readonly string[] = [...Object.keys(depths), 'mobilenetv2'];

/** @throws LabError of kind `option` for an unknown name. */
export function buildBackbone(
  name: string,
  contextOf: (stage: number) => UnitContext,
  prefix: string,
  { width }: { readonly width?: number },
): { backbone: Backbone; pixels: PixelForm } {
  if (name === 'mobilenetv2') {
    return { backbone: mobileNetV2Backbone(contextOf, prefix), pixels: torchvisionPixels };
  }
  const resNet = Object.hasOwn(depths, name) ? depths[name] : undefined;
  if (resNet === undefined) throw unknownName('backbone', name, backboneNames);
  const options = { depth: resNet.depth, ...(width === undefined ? {} : { width }) };
  return { backbone: resNetBackbone(contextOf, prefix, options), pixels: resNet.pixels };
}
