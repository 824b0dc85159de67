import { relu } from '../engine/operations/activations';
import { globalAveragePool, maxPool } from '../engine/operations/pooling';
import { convolutionNormLayer } from '../nn/blocks';
import { type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';

interface VggOptions {
  /** Convolutions in each of the five blocks: 1 makes vgg8, 2 makes vgg13. */
  readonly convolutions: number;
  readonly classes: number;
}

/** Output channels of the five blocks. */
const blockChannels = [64, 128, 256, 512, 512] as const;
/** Images of this side and no other are halved once more, before the last block. */
const largerSide = 64;

/**
 * VGG (Simonyan and Zisserman, arXiv 1409.1556) with batch norm for images of 32 × 32, in the form of the
 * published teachers (mdistiller's `vgg.py`): convolutions have a bias in spite of the norm, and one
 * linear layer follows the average over the last block's 4 × 4.
 */
export function vgg(context: LayerContext, { convolutions, classes }: VggOptions): Network {
  let inputs = 3;
  const blocks = blockChannels.map((outputs, block) =>
    Array.from({ length: convolutions }, (_, index) => {
      // In PyTorch's sequence convolution, norm and ReLU take one number each.
      const unit = convolutionNormLayer(
        context,
        { convolution: `block${block}.${3 * index}`, norm: `block${block}.${3 * index + 1}` },
        { inputs, outputs, kernel: 3, padding: 1, initialise: 'all-outputs', bias: 'zero' },
      );
      inputs = outputs;
      return unit;
    }),
  );
  const classifier = linearLayer(context, 'classifier', {
    inputs,
    outputs: classes,
    initialise: 'small-normal',
  });

  return {
    embeddingSize: inputs,
    classify: classifier,
    bfloat16: true,
    // As in the lists of features, the first block stands for the stem.
    preActivationNorms: blocks
      .slice(1)
      .map(({ length }, block) => `block${block + 1}.${3 * length - 2}`),
    forward(images, mode) {
      const pooled = images.shape[1] === largerSide ? 4 : 3;
      let x = images;
      const features: (typeof x)[] = [];
      const preActivations: (typeof x)[] = [];
      blocks.forEach((units, block) => {
        // As published, the first block shows itself after its ReLU in both lists.
        const shown = block > 0 && mode.preActivations !== false;
        for (const unit of shown ? units.slice(0, -1) : units) x = unit(x, mode, { relu: true });
        if (shown) {
          const preActivation = units.at(-1)?.(x, mode, { relu: false }) ?? x;
          preActivations.push(preActivation);
          x = relu(preActivation);
        } else if (block === 0) {
          preActivations.push(x);
        }
        features.push(x);
        if (block < pooled) x = maxPool(x, { kernel: 2 });
      });
      const embedding = globalAveragePool(x);
      return { logits: classifier(embedding, mode), embedding, features, preActivations };
    },
  };
}
