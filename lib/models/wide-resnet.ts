import type * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/operations/activations';
import { globalAveragePool } from '../engine/operations/pooling';
import { evaluatedBlock } from '../engine/tidy';
import { convolutionNormLayer } from '../nn/blocks';
import {
  batchNormLayer,
  convolutionLayer,
  convolutionSumLayer,
  type ForwardMode,
  type LayerContext,
  linearLayer,
  type NormLayer4D,
} from '../nn/layers';
import type { Network } from '../nn/model';

/** Depth 6n + 4 and the factor by which the stages are wider than 16, 32, 64. */
interface WideResNetOptions {
  readonly depth: number;
  readonly width: number;
  readonly classes: number;
}

/** A block's output, and where it is shown its input after the first norm. */
type Block = (x: tf.Tensor4D, mode: ForwardMode, shows: Shows) => BlockOutput;

// A type and not an interface, so that it is one of TensorFlow.js' containers of tensors.
type BlockOutput = { readonly output: tf.Tensor4D; readonly normalised?: tf.Tensor4D };

/**
 * Wide ResNets (Zagoruyko and Komodakis, arXiv 1605.07146) without dropout, in the form of the published
 * teachers (mdistiller's `wrn.py`): wrn_16_1 … wrn_40_2. Norm and ReLU come before each convolution, so
 * the features that the published models show are a stage's output as it is, and after the next norm.
 */
export function wideResNet(
  context: LayerContext,
  { depth, width, classes }: WideResNetOptions,
): Network {
  const blocksPerStage = (depth - 4) / 6;
  const stem = { inputs: 3, outputs: 16, kernel: 3, padding: 1 };
  const first = convolutionLayer(context, 'conv1', stem);
  let inputs = 16;
  const stages = [16 * width, 32 * width, 64 * width].map((outputs, stage) =>
    Array.from({ length: blocksPerStage }, (_, index) => {
      const block = preActivationBlock(context, `block${stage + 1}.layer.${index}`, {
        inputs,
        outputs,
        stride: index === 0 && stage > 0 ? 2 : 1,
        // The published model normalises a stage's output once more to show it as a feature.
        calls: index === 0 && stage > 0 ? 2 : 1,
      });
      inputs = outputs;
      return block;
    }),
  );
  const lastNorm = batchNormLayer(context, 'bn1', inputs, { calls: 2 });
  const classifier = linearLayer(context, 'fc', { inputs, outputs: classes });

  return {
    embeddingSize: inputs,
    classify: classifier,
    bfloat16: true,
    preActivationNorms: ['block2.layer.0.bn1', 'block3.layer.0.bn1', 'bn1'],
    forward(images, mode) {
      let x = first(images, mode);
      const features = [x];
      const preActivations = [x];
      const { preActivations: wanted = true } = mode;
      stages.forEach((stage, index) => {
        stage.forEach((block, at) => {
          const shown = wanted && at === 0 && index > 0;
          const { output, normalised } = evaluatedBlock(x, mode, {
            shown: features,
            block: (input) => block(input, mode, { shown }),
          });
          if (normalised) preActivations.push(normalised);
          x = output;
        });
        features.push(x);
      });
      const last = normAndRelu(lastNorm, x, mode, { shown: wanted });
      if (last.normalised) preActivations.push(last.normalised);
      const embedding = globalAveragePool(last.activated);
      return { logits: classifier(embedding, mode), embedding, features, preActivations };
    },
  };
}

function preActivationBlock(
  context: LayerContext,
  name: string,
  shape: Readonly<Record<'inputs' | 'outputs' | 'stride' | 'calls', number>>,
): Block {
  const { inputs, outputs, stride, calls } = shape;
  const norm1 = batchNormLayer(context, `${name}.bn1`, inputs, { calls });
  const convolution1 = convolutionNormLayer(
    context,
    { convolution: `${name}.conv1`, norm: `${name}.bn2` },
    { inputs, outputs, kernel: 3, stride, padding: 1 },
  );
  const second = { inputs: outputs, outputs, kernel: 3, padding: 1 };
  const convolution2 = convolutionSumLayer(context, `${name}.conv2`, second);
  const shortcut =
    inputs === outputs
      ? undefined
      : convolutionLayer(context, `${name}.convShortcut`, { inputs, outputs, kernel: 1, stride });
  return (x, mode, shows) => {
    const { activated, normalised } = normAndRelu(norm1, x, mode, shows);
    const hidden = convolution1(activated, mode, { relu: true });
    const output = convolution2(hidden, shortcut ? shortcut(activated, mode) : x);
    return { output, normalised };
  };
}

/** Whether what lies between a norm and its ReLU is shown; it is computed by itself only then. */
interface Shows {
  readonly shown: boolean;
}

function normAndRelu(
  norm: NormLayer4D,
  x: tf.Tensor4D,
  mode: ForwardMode,
  { shown }: Shows,
): { activated: tf.Tensor4D; normalised?: tf.Tensor4D } {
  if (!shown) return { activated: norm(x, mode, { relu: true }) };
  const normalised = norm(x, mode);
  return { activated: relu(normalised), normalised };
}
