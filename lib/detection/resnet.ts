import { maxPool } from '../engine/operations/pooling';
import type { Backbone, Stage } from './backbone';
import { normalisedUnit, type Unit, type UnitContext } from './units';

export interface ResNetOptions {
  readonly depth: 18 | 34 | 50 | 101 | 152;
  /** Channels of the stem, 64 in the published models. */
  readonly width?: number;
}

const blocksOf = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
} as const;

/**
 * ResNet in detectron2's form and names (`stem.conv1`, `res2.0.conv1`, `res2.0.conv1.norm`): a block's
 * stride is in its first convolution, the 1 × 1 one of a bottleneck, as in the weights from MSRA.
 *
 * @param contextOf the context of stage 0 (the stem), 1 (res2), …
 */
export function resNetBackbone(
  contextOf: (stage: number) => UnitContext,
  prefix: string,
  { depth, width = 64 }: ResNetOptions,
): Backbone {
  const bottleneck = depth >= 50;
  const stem = namedUnit(contextOf(0), `${prefix}stem.conv1`, {
    inputs: 3,
    outputs: width,
    kernel: 7,
    stride: 2,
    padding: 3,
  });
  const stages: Stage[] = [
    (x, mode) =>
      maxPool(stem(x, mode, { activation: 'relu' }), { kernel: 3, stride: 2, padding: 1 }),
  ];
  let inputs = width;
  const channels = blocksOf[depth].map((blocks, index) => {
    const middle = width * 2 ** index;
    const outputs = bottleneck ? 4 * middle : middle;
    const context = contextOf(index + 1);
    const stage = Array.from({ length: blocks }, (_, place) => {
      const shape = { inputs, middle, outputs, stride: place === 0 && index > 0 ? 2 : 1 };
      inputs = outputs;
      return residualBlock(context, `${prefix}res${index + 2}.${place}`, shape, bottleneck);
    });
    stages.push((x, mode) => stage.reduce((input, block) => block(input, mode), x));
    return outputs;
  });
  return { stages, shown: [1, 2, 3, 4], channels };
}

interface BlockShape {
  readonly inputs: number;
  readonly middle: number;
  readonly outputs: number;
  readonly stride: number;
}

function residualBlock(
  context: UnitContext,
  name: string,
  { inputs, middle, outputs, stride }: BlockShape,
  bottleneck: boolean,
): Stage {
  const shortcut =
    inputs === outputs
      ? undefined
      : namedUnit(context, `${name}.shortcut`, { inputs, outputs, kernel: 1, stride });
  const shapes = bottleneck
    ? [
        { inputs, outputs: middle, kernel: 1, stride },
        { inputs: middle, outputs: middle, kernel: 3, padding: 1 },
        { inputs: middle, outputs, kernel: 1 },
      ]
    : [
        { inputs, outputs, kernel: 3, stride, padding: 1 },
        { inputs: outputs, outputs, kernel: 3, padding: 1 },
      ];
  const units = shapes.map((shape, index) => namedUnit(context, `${name}.conv${index + 1}`, shape));
  return (x, mode) => {
    const residual = shortcut ? shortcut(x, mode, { activation: 'none' }) : x;
    return units.reduce(
      (input, unit, index) =>
        unit(input, mode, {
          activation: 'relu',
          ...(index === units.length - 1 ? { residual } : {}),
        }),
      x,
    );
  };
}

function namedUnit(
  context: UnitContext,
  name: string,
  options: Parameters<typeof normalisedUnit>[2],
): Unit {
  return normalisedUnit(context, { convolution: name, norm: `${name}.norm` }, options);
}
