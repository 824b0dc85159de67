import { type DataSource, findSource, loadDataset } from '../../lib/data';

/** Images of each class: all classes are there, and an epoch takes a sixth of the time. */
const subset = { train: 80, test: 50 };

const name = 'cifar100-part';
const whole = findSource('cifar100');

/** The first images of each class of CIFAR-100, for studies of many rows and seeds on a small machine. */
export const dataset: DataSource = {
  name,
  title: `CIFAR-100, the first ${subset.train} training and ${subset.test} test images of each class`,
  downloads: new Map(),
  status: async (dataDir) => ({ ...(await whole.status(dataDir)), name }),
  verify: (dataDir) => whole.verify(dataDir),
  load: ({ dataDir, onProgress }) => loadDataset(whole.name, { dataDir, subset, onProgress }),
};
