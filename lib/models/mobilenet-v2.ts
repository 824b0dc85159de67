import { globalAveragePool } from '../engine/operations/pooling';
import { type ConvolutionNorm, convolutionNormLayer } from '../nn/blocks';
import {
  type ConvolutionLayerOptions,
  type Layer4D,
  type LayerContext,
  linearLayer,
} from '../nn/layers';
import type { Network } from '../nn/model';

/** Expansion, output channels at full width, blocks and first stride of each group of blocks. */
const groups = [
  { expansion: 1, channels: 16, blocks: 1, stride: 1 },
  { expansion: 6, channels: 24, blocks: 2, stride: 1 },
  { expansion: 6, channels: 32, blocks: 3, stride: 2 },
  { expansion: 6, channels: 64, blocks: 4, stride: 2 },
  { expansion: 6, channels: 96, blocks: 3, stride: 1 },
  { expansion: 6, channels: 160, blocks: 3, stride: 2 },
  { expansion: 6, channels: 320, blocks: 1, stride: 1 },
] as const;

/** The groups after which the published model shows a feature. */
const shown: ReadonlySet<number> = new Set([1, 2, 4, 6]);
const widthFactor = 0.5;
const stemChannels = 32 * widthFactor;
const embeddingSize = 1280;

/**
 * MobileNetV2 (Sandler et al., arXiv 1801.04381) at half width for images of 32 × 32, in the form of the
 * published students (mdistiller's `mobilenetv2.py`): ReLU instead of ReLU6, the stem at stride 2.
 * A block ends without ReLU, so features before and after are the same.
 */
export function mobileNetV2(context: LayerContext, classes: number): Network {
  const stem = convolutionNormLayer(
    context,
    { convolution: 'conv1.0', norm: 'conv1.1' },
    { inputs: 3, outputs: stemChannels, kernel: 3, stride: 2, padding: 1 },
  );
  let inputs = stemChannels;
  const stages = groups.map(({ expansion, channels, blocks, stride }, group) =>
    Array.from({ length: blocks }, (_, index) => {
      const outputs = channels * widthFactor;
      const block = invertedResidual(context, `blocks.${group}.${index}.conv`, {
        inputs,
        outputs,
        expansion,
        stride: index === 0 ? stride : 1,
      });
      inputs = outputs;
      return block;
    }),
  );
  const last = convolutionNormLayer(
    context,
    { convolution: 'conv2.0', norm: 'conv2.1' },
    { inputs, outputs: embeddingSize, kernel: 1 },
  );
  const classifier = linearLayer(context, 'classifier.0', {
    inputs: embeddingSize,
    outputs: classes,
    initialise: 'small-normal',
  });
  return {
    embeddingSize,
    classify: classifier,
    bfloat16: true,
    preActivationNorms: [...shown].map(
      (group) => `blocks.${group}.${(groups[group]?.blocks ?? 0) - 1}.conv.7`,
    ),
    forward(images, mode) {
      let x = stem(images, mode, { relu: true });
      const features = [x];
      stages.forEach((stage, group) => {
        for (const block of stage) x = block(x, mode);
        if (shown.has(group)) features.push(x);
      });
      const embedding = globalAveragePool(last(x, mode, { relu: true }));
      const logits = classifier(embedding, mode);
      return { logits, embedding, features, preActivations: features };
    },
  };
}

function invertedResidual(
  context: LayerContext,
  name: string,
  shape: Readonly<Record<'inputs' | 'outputs' | 'expansion' | 'stride', number>>,
): Layer4D {
  const { inputs, outputs, expansion, stride } = shape;
  const hidden = inputs * expansion;
  const unit = (first: number, options: ConvolutionLayerOptions): ConvolutionNorm =>
    convolutionNormLayer(
      context,
      { convolution: `${name}.${first}`, norm: `${name}.${first + 1}` },
      { ...options, initialise: 'all-outputs' },
    );
  const expand = unit(0, { inputs, outputs: hidden, kernel: 1 });
  const depthwise = unit(3, {
    ...{ inputs: hidden, outputs: hidden, groups: hidden },
    ...{ kernel: 3, stride, padding: 1 },
  });
  const project = unit(6, { inputs: hidden, outputs, kernel: 1 });
  const residual = stride === 1 && inputs === outputs;
  return (x, mode) => {
    const wide = depthwise(expand(x, mode, { relu: true }), mode, { relu: true });
    return project(wide, mode, { relu: false, residual: residual ? x : undefined });
  };
}
