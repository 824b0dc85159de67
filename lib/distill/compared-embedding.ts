import * as tf from '@tensorflow/tfjs';
import type { ModelOutput } from '../nn/model';

/**
 * What of a student is held against the teacher's class means, before an adapter: its embedding; of a
 * transformer with a distillation token the mean of both tokens, as in the paper's DeiT code.
 */
export function comparedEmbedding({
  embedding,
  distillationEmbedding,
}: Pick<ModelOutput, 'embedding' | 'distillationEmbedding'>): tf.Tensor2D {
  return distillationEmbedding === undefined
    ? embedding
    : tf.mul(tf.add(embedding, distillationEmbedding), 0.5);
}
