import type { Backbone, Stage } from './backbone';
import { normalisedUnit, type Unit, type UnitContext, type UnitOptions } from './units';

/** Expansion, output channels, blocks and first stride of each group of blocks. */
const groups = [
  { expansion: 1, channels: 16, blocks: 1, stride: 1 },
  { expansion: 6, channels: 24, blocks: 2, stride: 2 },
  { expansion: 6, channels: 32, blocks: 3, stride: 2 },
  { expansion: 6, channels: 64, blocks: 4, stride: 2 },
  { expansion: 6, channels: 96, blocks: 3, stride: 1 },
  { expansion: 6, channels: 160, blocks: 3, stride: 2 },
  { expansion: 6, channels: 320, blocks: 1, stride: 1 },
] as const;

const stemChannels = 32;

/**
 * MobileNetV2 (Sandler et al., arXiv 1801.04381) for detection, without its last convolution and
 * classifier. A stage is the stem or a block; names are those of the ImageNet weights that detectors of
 * the field start from (`features.1.conv.0`); features are shown after blocks 3, 6, 13 and 17.
 */
export function mobileNetV2Backbone(
  contextOf: (stage: number) => UnitContext,
  prefix: string,
): Backbone {
  const stem = pair(contextOf(0), `${prefix}features.0`, 0, {
    inputs: 3,
    outputs: stemChannels,
    kernel: 3,
    stride: 2,
    padding: 1,
  });
  const stages: Stage[] = [(x, mode) => stem(x, mode, { activation: 'relu6' })];
  let inputs: number = stemChannels;
  for (const { expansion, channels, blocks, stride } of groups) {
    for (let block = 0; block < blocks; block++) {
      const place = stages.length;
      const shape = { inputs, outputs: channels, expansion, stride: block === 0 ? stride : 1 };
      stages.push(invertedResidual(contextOf(place), `${prefix}features.${place}.conv`, shape));
      inputs = channels;
    }
  }
  return { stages, shown: [3, 6, 13, 17], channels: [24, 32, 96, 320] };
}

function invertedResidual(
  context: UnitContext,
  name: string,
  {
    inputs,
    outputs,
    expansion,
    stride,
  }: { inputs: number; outputs: number; expansion: number; stride: number },
): Stage {
  const hidden = inputs * expansion;
  const expand =
    expansion === 1 ? undefined : pair(context, name, 0, { inputs, outputs: hidden, kernel: 1 });
  const first = expand ? 3 : 0;
  const depthwise = pair(context, name, first, {
    inputs: hidden,
    outputs: hidden,
    kernel: 3,
    stride,
    padding: 1,
    groups: hidden,
  });
  const project = pair(context, name, first + 3, { inputs: hidden, outputs, kernel: 1 });
  const adds = stride === 1 && inputs === outputs;
  return (x, mode) => {
    const wide = expand ? expand(x, mode, { activation: 'relu6' }) : x;
    const mixed = depthwise(wide, mode, { activation: 'relu6' });
    return project(mixed, mode, { activation: 'none', ...(adds ? { residual: x } : {}) });
  };
}

/** A convolution and its norm as two neighbours in a sequence. */
function pair(context: UnitContext, name: string, first: number, options: UnitOptions): Unit {
  const names = { convolution: `${name}.${first}`, norm: `${name}.${first + 1}` };
  return normalisedUnit(context, names, options);
}
