import { customSource, findSource, loadDataset } from '../../lib/data/registry';
import { type DataSource, type ImageSplit, selectRecords } from '../../lib/data/source';

const name = 'cifar100-first20';
const classCount = 20;
/** Images of each class. */
const subset = { train: 200, test: 100 };

const whole = findSource('cifar100');

/**
 * Twenty of CIFAR-100's classes with a part of their training images and all their test images: so small
 * that many rows and seeds of a study can be trained on two cores, and as real as the rest.
 */
export const dataset: DataSource = {
  ...customSource({
    name,
    title: `the first ${classCount} classes of CIFAR-100, the first ${subset.train} training images of each`,
    async load({ dataDir, onProgress }) {
      const { classes, train, test, height, width } = await loadDataset('cifar100', {
        dataDir,
        subset,
        onProgress,
      });
      return {
        classes: classes.slice(0, classCount),
        height,
        width,
        train: ofFirstClasses(train),
        test: ofFirstClasses(test),
      };
    },
  }),
  status: async (dataDir) => ({ ...(await whole.status(dataDir)), name }),
};

function ofFirstClasses(split: ImageSplit): ImageSplit {
  const indices = Array.from(split.labels, (label, index) => ({ label, index }));
  return selectRecords(
    split,
    indices.filter(({ label }) => label < classCount).map(({ index }) => index),
  );
}
