import { relu } from '../engine/operations/activations';
import { globalAveragePool } from '../engine/operations/pooling';
import { type ConvolutionNorm, convolutionNormLayer } from '../nn/blocks';
import { type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';

const stemChannels = 32;
const threeByThree = { kernel: 3, padding: 1, initialise: 'fan-in' } as const;
/**
 * Output channels of the thirteen pairs of a depthwise and a 1 × 1 convolution. Where they double, the image is halved,
 * but for the first.
 */
const widths = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024] as const;
/** The pairs, counted from 1, after which the published model shows a feature: the last of each size. */
const shown: readonly number[] = [3, 5, 11, 13];

/**
 * MobileNet (Howard et al., arXiv 1704.04861) at full width, in the form of the published ImageNet students
 * (mdistiller's `mobilenetv1.py`). Its four features are those of 1/4 … 1/32 of the image's side.
 */
export function mobileNetV1(context: LayerContext, classes: number): Network {
  const stem = convolutionNormLayer(
    context,
    { convolution: 'model.0.0', norm: 'model.0.1' },
    { ...threeByThree, inputs: 3, outputs: stemChannels, stride: 2 },
  );
  let inputs: number = stemChannels;
  const blocks = widths.map((outputs, index) => {
    const stride = index > 0 && outputs > inputs ? 2 : 1;
    const block = separablePair(context, `model.${index + 1}`, { inputs, outputs, stride });
    inputs = outputs;
    return block;
  });
  const classifier = linearLayer(context, 'fc', { inputs, outputs: classes });
  return {
    embeddingSize: inputs,
    classify: classifier,
    bfloat16: true,
    preActivationNorms: shown.map((pair) => `model.${pair}.4`),
    forward(images, mode) {
      let x = stem(images, mode, { relu: true });
      const features = [x];
      const preActivations = [x];
      blocks.forEach(({ depthwise, pointwise }, index) => {
        const hidden = depthwise(x, mode, { relu: true });
        const isShown = shown.includes(index + 1);
        if (!isShown || mode.preActivations === false) {
          x = pointwise(hidden, mode, { relu: true });
        } else {
          const preActivation = pointwise(hidden, mode, { relu: false });
          x = relu(preActivation);
          preActivations.push(preActivation);
        }
        if (isShown) features.push(x);
      });
      const embedding = globalAveragePool(x);
      return { logits: classifier(embedding, mode), embedding, features, preActivations };
    },
  };
}

function separablePair(
  context: LayerContext,
  name: string,
  { inputs, outputs, stride }: { inputs: number; outputs: number; stride: number },
): { depthwise: ConvolutionNorm; pointwise: ConvolutionNorm } {
  // In PyTorch's sequence convolution, norm and ReLU take one number each.
  return {
    depthwise: convolutionNormLayer(
      context,
      { convolution: `${name}.0`, norm: `${name}.1` },
      { ...threeByThree, inputs, outputs: inputs, stride, groups: inputs },
    ),
    pointwise: convolutionNormLayer(
      context,
      { convolution: `${name}.3`, norm: `${name}.4` },
      { inputs, outputs, kernel: 1, initialise: 'fan-in' },
    ),
  };
}
