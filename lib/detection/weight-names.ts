import type { StateDict, StateEntry } from '../nn/state';

type Rule = readonly [pattern: RegExp, replacement: string];

/** From Caffe2's names, `_` read as `.`, to detectron2's. */
const caffe2Rules: readonly Rule[] = [
  [/\.b$/, '.bias'],
  [/\.w$/, '.weight'],
  [/bn\.s$/, 'norm.weight'],
  [/bn\.bias$/, 'norm.bias'],
  [/bn\.(rm|running\.mean)$/, 'norm.running_mean'],
  [/bn\.(riv|running\.var)$/, 'norm.running_var'],
  [/bn\.gamma$/, 'norm.weight'],
  [/bn\.beta$/, 'norm.bias'],
  [/^res\.conv1\.norm\./, 'conv1.norm.'],
  [/^conv1\./, 'stem.conv1.'],
  [/\.branch1\./, '.shortcut.'],
  [/\.branch2a\./, '.conv1.'],
  [/\.branch2b\./, '.conv2.'],
  [/\.branch2c\./, '.conv3.'],
  [/^conv\.rpn\.fpn\d\./, 'proposal_generator.rpn_head.conv.'],
  [/^rpn\.bbox\.pred\.fpn\d\./, 'proposal_generator.rpn_head.anchor_deltas.'],
  [/^rpn\.cls\.logits\.fpn\d\./, 'proposal_generator.rpn_head.objectness_logits.'],
  [/^bbox\.pred\./, 'roi_heads.box_predictor.bbox_pred.'],
  [/^cls\.score\./, 'roi_heads.box_predictor.cls_score.'],
  [/^fc6\./, 'roi_heads.box_head.fc1.'],
  [/^fc7\./, 'roi_heads.box_head.fc2.'],
  [/^fpn\.inner\.res(\d)\.\d+\.sum(\.lateral)?\./, 'backbone.fpn_lateral$1.'],
  [/^fpn\.res(\d)\.\d+\.sum\./, 'backbone.fpn_output$1.'],
];

/** From torchvision's names of a ResNet to detectron2's. */
const torchvisionRules: readonly Rule[] = [
  [/^conv1\./, 'stem.conv1.'],
  [/^bn1\./, 'stem.conv1.norm.'],
  [/^layer1\./, 'res2.'],
  [/^layer2\./, 'res3.'],
  [/^layer3\./, 'res4.'],
  [/^layer4\./, 'res5.'],
  [/\.bn(\d)\./, '.conv$1.norm.'],
  [/\.downsample\.0\./, '.shortcut.'],
  [/\.downsample\.1\./, '.shortcut.norm.'],
];

/** Under detectron2's names; the background's score from the first place to the last, its box left out. */
export function fromCaffe2(weights: StateDict): StateDict {
  return new Map(
    [...weights].map(([name, entry]) => {
      const renamed = rename(name.replaceAll('_', '.'), caffe2Rules);
      if (renamed.includes('cls_score.')) return [renamed, firstRowsLast(entry, 1)];
      return [renamed, renamed.includes('bbox_pred.') ? withoutFirstRows(entry, 4) : entry];
    }),
  );
}

/** Under detectron2's names; those that are already are left alone. */
export function fromTorchvision(weights: StateDict): StateDict {
  if (![...weights.keys()].some((name) => /^(layer1|features)\./.test(name))) return weights;
  const nested = [...weights.keys()].some((name) => nestedUnit.test(name));
  return new Map(
    [...weights].map(([name, entry]) => {
      const renamed = rename(name, torchvisionRules);
      return [nested ? flatBlock(renamed) : renamed, entry];
    }),
  );
}

function rename(name: string, rules: readonly Rule[]): string {
  return rules.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), name);
}

/** Convolution, norm and ReLU6 of a block as torchvision's MobileNetV2 nests them: `features.2.conv.1.0`. */
const nestedUnit = /^(features\.\d+\.conv\.)(\d)\.(\d)\.(.+)$/;
/** The last convolution and norm of a block, which are not nested: `features.2.conv.2`. */
const lastUnit = /^(features\.(\d+)\.conv\.)(\d)\.(.+)$/;
const unitLength = 3;

/** The detectors of the field have a block's parts in one row: `features.2.conv.3`, `features.2.conv.6`. */
function flatBlock(name: string): string {
  const nested = nestedUnit.exec(name);
  if (nested) {
    const [, start = '', unit, place, rest = ''] = nested;
    return `${start}${unitLength * Number(unit) + Number(place)}.${rest}`;
  }
  const last = lastUnit.exec(name);
  if (!last) return name;
  const [, start = '', block, place, rest = ''] = last;
  // Only the first block has no expansion before its depthwise convolution.
  const units = block === '1' ? 1 : 2;
  return `${start}${Number(place) + (unitLength - 1) * units}.${rest}`;
}

function firstRowsLast({ shape, data }: StateEntry, rows: number): StateEntry {
  const length = (data.length / (shape[0] ?? 1)) * rows;
  const moved = new Float32Array(data.length);
  moved.set(data.subarray(length));
  moved.set(data.subarray(0, length), data.length - length);
  return { shape, data: moved };
}

function withoutFirstRows({ shape, data }: StateEntry, rows: number): StateEntry {
  const [count = 0, ...rest] = shape;
  return {
    shape: [count - rows, ...rest],
    data: data.slice((data.length / Math.max(1, count)) * rows),
  };
}
