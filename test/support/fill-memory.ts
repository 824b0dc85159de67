import * as tf from '@tensorflow/tfjs';
import { augmentedViews } from '../../lib/data/batches';
import { random } from '../../lib/engine/random';
import { openTeacherMemory } from '../../lib/train/teacher-memory';
import { answerOf, filledKey } from './filled-memory';

/**
 * A program that fills a teacher's memory with the answers to every view, in an order of its own, and says a word after
 * each batch. What it is given: the folder, the seed of the order.
 */
const [folder = '', seed = ''] = process.argv.slice(2);
const memory = openTeacherMemory({ folder, key: filledKey });
const { uniform } = random(0, 'order', seed);
const places = Array.from({ length: filledKey.images * augmentedViews }, (_, place) => ({
  place,
  at: uniform(),
}))
  .sort((one, other) => one.at - other.at)
  .map(({ place }) => place);
const batch = 20;
void tf.setBackend('cpu').then(() => {
  for (let start = 0; start < places.length; start += batch) {
    const some = places.slice(start, start + batch);
    const images = tf.tensor4d(some, [some.length, 1, 1, 1]);
    const indices = Int32Array.from(some, (place) => Math.floor(place / augmentedViews));
    const views = Int32Array.from(some, (place) => place % augmentedViews);
    tf.dispose([
      images,
      memory.embeddings({ images, indices, views }, (asked) =>
        tf.tensor2d([...asked.dataSync()].flatMap(answerOf), [asked.shape[0], filledKey.size]),
      ),
    ]);
    process.stdout.write('.');
  }
  memory.dispose();
});
