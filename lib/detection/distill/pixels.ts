import * as tf from '@tensorflow/tfjs';
import type { PixelForm } from '../../coco/data';
import type { ImageSize } from '../boxes';

/** Whether images need no conversion. */
export function samePixels(a: PixelForm, b: PixelForm): boolean {
  return a.order === b.order && a.mean.join() === b.mean.join() && a.std.join() === b.std.join();
}

/**
 * Images normalised one way as another detector wants them. What lies outside an image stays 0.
 *
 * @param images [batch, height, width, 3]
 * @param sizes of the images without their padding
 */
export function convertPixels(
  images: tf.Tensor4D,
  sizes: readonly ImageSize[],
  from: PixelForm,
  to: PixelForm,
): tf.Tensor4D {
  if (samePixels(from, to)) return images;
  return tf.tidy(() => {
    const pixels = tf.add(tf.mul(images, tf.tensor1d([...from.std])), tf.tensor1d([...from.mean]));
    const ordered = from.order === to.order ? pixels : tf.reverse(pixels, 3);
    const normalised = tf.div(tf.sub(ordered, tf.tensor1d([...to.mean])), tf.tensor1d([...to.std]));
    return tf.mul(normalised, insideOf(images.shape, sizes));
  });
}

/** 1 where a batch shows an image, 0 where it is padded: [batch, height, width, 1]. */
function insideOf([, height, width]: number[], sizes: readonly ImageSize[]): tf.Tensor4D {
  const reaches = (length: number, ends: readonly number[]): tf.Tensor =>
    tf.cast(
      tf.less(
        tf.range(0, length, 1, 'int32'),
        tf.tensor2d(
          ends.map((end) => [end]),
          undefined,
          'int32',
        ),
      ),
      'float32',
    );
  const rows = reaches(
    height ?? 0,
    sizes.map((size) => size.height),
  );
  const columns = reaches(
    width ?? 0,
    sizes.map((size) => size.width),
  );
  return tf.mul(
    tf.reshape(rows, [sizes.length, -1, 1, 1]),
    tf.reshape(columns, [sizes.length, 1, -1, 1]),
  );
}
