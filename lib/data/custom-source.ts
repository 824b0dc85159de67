import { LabError } from '../errors';
import { assembleDataset, type DecodedImages } from './assemble';
import type { DataSource, LoadContext } from './source';
import type { ImageSplit } from './types';

/** What a data set of one's own must say of itself. */
export interface CustomDataset {
  /** As `--data` takes it. */
  readonly name: string;
  /** One line: what it is. */
  readonly title: string;
  /** All its images, decoded, all of one size; `dataDir` is where data sets lie. */
  readonly load: (context: LoadContext) => DecodedImages | Promise<DecodedImages>;
}

/**
 * A data set of one's own as an entry of the registry: nothing is downloaded, the channel statistics
 * are those of the training images, and the images are checked when they are loaded.
 */
export function customSource({ name, title, load }: CustomDataset): DataSource {
  const loaded = async (context: LoadContext): Promise<DecodedImages> => {
    const decoded = await load(context);
    for (const split of ['train', 'test'] as const) checkSplit(name, decoded, split);
    return decoded;
  };
  return {
    name,
    title,
    downloads: new Map(),
    status: () => Promise.resolve({ name, state: 'present', form: 'own file', detail: title }),
    async verify(dataDir) {
      const { classes, train, test } = await loaded({ dataDir });
      const counts = `${train.count} + ${test.count} images in ${classes.length} classes`;
      return { official: null, detail: counts, form: 'own file' };
    },
    load: async (context) =>
      assembleDataset(name, await loaded(context), { subset: context.subset }),
  };
}

function checkSplit(
  name: string,
  { classes, height, width, ...splits }: DecodedImages,
  split: 'train' | 'test',
): void {
  const { images, labels, count }: ImageSplit = splits[split];
  const fault = (found: string, remedy: string): LabError =>
    new LabError({
      kind: 'data',
      what: 'the images and labels of a data set do not fit together',
      where: `${name}, ${split}`,
      found,
      remedy,
    });
  const bytes = count * height * width * 3;
  if (count === 0 || images.length !== bytes) {
    throw fault(
      `${images.length} bytes for ${count} images of ${width}×${height} in 3 colours`,
      `Give count × height × width × 3 bytes: ${bytes}`,
    );
  }
  const wrong = labels.findIndex((label) => label < 0 || label >= classes.length);
  if (labels.length !== count || wrong >= 0) {
    throw fault(
      wrong < 0 ? `${labels.length} labels` : `label ${labels[wrong] ?? ''} of image ${wrong}`,
      `Give ${count} labels from 0 to ${classes.length - 1}`,
    );
  }
}
