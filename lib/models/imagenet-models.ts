import type { Architecture } from './architecture';
import { distilledTransformer } from './deit';
import { mobileNetV1 } from './mobilenet-v1';
import { regNetY, type RegNetYOptions } from './regnet';
import { resNet, type ResNetOptions } from './resnet';
import { visionTransformer, type VisionTransformerOptions } from './vision-transformer';

const imageSize = 224;

const tiny = { size: 192, depth: 12, heads: 3 } as const;
const small = { size: 384, depth: 12, heads: 6 } as const;
const base = { size: 768, depth: 12, heads: 12 } as const;

/** The architectures for ImageNet, by torchvision's and timm's names, and narrower ones. */
export const imageNetModels: Readonly<Record<string, Architecture>> = {
  resnet18: residual({ blocks: [2, 2, 2, 2], bottleneck: false }),
  resnet34: residual({ blocks: [3, 4, 6, 3], bottleneck: false }),
  resnet50: residual({ blocks: [3, 4, 6, 3], bottleneck: true }),
  resnet101: residual({ blocks: [3, 4, 23, 3], bottleneck: true }),
  resnet152: residual({ blocks: [3, 8, 36, 3], bottleneck: true }),
  // Half as wide, of our own: what a processor without a graphics card can train on small images.
  resnet18_half: residual({ blocks: [2, 2, 2, 2], bottleneck: false, width: 32 }),
  resnet34_half: residual({ blocks: [3, 4, 6, 3], bottleneck: false, width: 32 }),
  mobilenet_v1: {
    imageSize,
    dropsPaths: false,
    build: (context, { classes }) => mobileNetV1(context, classes),
  },
  vit_tiny_patch16_224: transformer(tiny),
  vit_small_patch16_224: transformer(small),
  vit_base_patch16_224: transformer(base),
  deit_tiny_distilled_patch16_224: transformer(tiny, { distilled: true }),
  deit_small_distilled_patch16_224: transformer(small, { distilled: true }),
  deit_base_distilled_patch16_224: transformer(base, { distilled: true }),
  regnety_002: regNet({
    stages: stages([24, 56, 152, 368], [1, 1, 4, 7]),
    groupWidth: 8,
  }),
  regnety_160: regNet({
    stages: stages([224, 448, 1232, 3024], [2, 4, 11, 1]),
    groupWidth: 112,
  }),
};

function residual(shape: Omit<ResNetOptions, 'classes'>): Architecture {
  return {
    imageSize,
    dropsPaths: false,
    build: (context, { classes }) => resNet(context, { ...shape, classes }),
  };
}

function transformer(
  shape: Pick<VisionTransformerOptions, 'size' | 'depth' | 'heads'>,
  { distilled = false }: { distilled?: boolean } = {},
): Architecture {
  const family = distilled ? distilledTransformer : visionTransformer;
  return {
    imageSize,
    dropsPaths: true,
    build: (context, options) => family(context, { ...shape, ...options }),
  };
}

function regNet(shape: Pick<RegNetYOptions, 'stages' | 'groupWidth'>): Architecture {
  return {
    imageSize,
    dropsPaths: true,
    build: (context, { classes, dropPath }) => regNetY(context, { ...shape, classes, dropPath }),
  };
}

function stages(channels: readonly number[], blocks: readonly number[]): RegNetYOptions['stages'] {
  return channels.map((width, stage) => ({ channels: width, blocks: blocks[stage] ?? 0 }));
}
