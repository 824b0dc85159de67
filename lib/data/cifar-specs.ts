import type { CifarRecordLayout } from '../formats/cifar-binary';
import type { RemoteFile } from './remote';
import type { ChannelStatistics } from './statistics';

export const cifarForms = ['binary', 'python'] as const;
/** The two forms in which CIFAR is published (the third, Matlab's, is not read). */
export type CifarForm = (typeof cifarForms)[number];

interface CifarFiles {
  /** The folder in the official archive. */
  readonly folder: string;
  readonly archive: RemoteFile;
  /** Files of equal numbers of records, in order. */
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** The file of class names. */
  readonly names: string;
}

/** The binary form: fixed records. */
export interface CifarBinaryFiles extends CifarFiles {
  readonly layout: CifarRecordLayout;
}

/** The python form: pickled dicts. */
export interface CifarPythonFiles extends CifarFiles {
  readonly labelKey: string;
  readonly namesKey: string;
  /** MD5 of the official files of images. */
  readonly md5: Readonly<Record<string, string>>;
}

/** Everything that tells CIFAR-10 from CIFAR-100. */
export interface CifarSpec {
  readonly name: string;
  readonly title: string;
  readonly classCount: number;
  readonly trainCount: number;
  readonly testCount: number;
  readonly statistics: ChannelStatistics;
  readonly binary: CifarBinaryFiles;
  readonly python: CifarPythonFiles;
}

const home = 'https://www.cs.toronto.edu/~kriz/';

function official(fileName: string, md5: string): RemoteFile {
  return { url: `${home}${fileName}`, fileName, checksum: { algorithm: 'md5', value: md5 } };
}

/** CIFAR-100, normalised by the paper's code's figures (mdistiller's). */
export const cifar100Spec: CifarSpec = {
  name: 'cifar100',
  title: 'CIFAR-100: 50,000 + 10,000 images, 32×32, 100 classes',
  classCount: 100,
  trainCount: 50_000,
  testCount: 10_000,
  statistics: { mean: [0.5071, 0.4867, 0.4408], std: [0.2675, 0.2565, 0.2761] },
  binary: {
    folder: 'cifar-100-binary',
    archive: official('cifar-100-binary.tar.gz', '03b5dce01913d631647c71ecec9e9cb8'),
    train: ['train.bin'],
    test: ['test.bin'],
    names: 'fine_label_names.txt',
    layout: { labelBytes: 2, classByte: 1 },
  },
  python: {
    folder: 'cifar-100-python',
    archive: official('cifar-100-python.tar.gz', 'eb9058c3a382ffc7106e4002c42a8d85'),
    train: ['train'],
    test: ['test'],
    names: 'meta',
    labelKey: 'fine_labels',
    namesKey: 'fine_label_names',
    md5: {
      train: '16019d7e3df5f24257cddd939b257f8d',
      test: 'f0ef6b0ae62326f3e7ffdfab6717acfc',
    },
  },
};

/** CIFAR-10, normalised by the figures in common use. */
export const cifar10Spec: CifarSpec = {
  name: 'cifar10',
  title: 'CIFAR-10: 50,000 + 10,000 images, 32×32, 10 classes',
  classCount: 10,
  trainCount: 50_000,
  testCount: 10_000,
  statistics: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  binary: {
    folder: 'cifar-10-batches-bin',
    archive: official('cifar-10-binary.tar.gz', 'c32a1d4ab5d03f1284b67883e8d87530'),
    train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
    test: ['test_batch.bin'],
    names: 'batches.meta.txt',
    layout: { labelBytes: 1, classByte: 0 },
  },
  python: {
    folder: 'cifar-10-batches-py',
    archive: official('cifar-10-python.tar.gz', 'c58f30108f718f92721af3b95e74349a'),
    train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}`),
    test: ['test_batch'],
    names: 'batches.meta',
    labelKey: 'labels',
    namesKey: 'label_names',
    md5: {
      data_batch_1: 'c99cafc152244af753f735de768cd75f',
      data_batch_2: 'd4bba439e000b95fd0a9bffe97cbabec',
      data_batch_3: '54ebc095f3ab1f0389bbae665268c751',
      data_batch_4: '634d18415352ddfa80567beed471001a',
      data_batch_5: '482c414d41f54cd18b22e5b47cb7c3cb',
      test_batch: '40351d587109b95175f43aff81a1287e',
    },
  },
};

/** How many records each file of a split holds. */
export function recordsPerFile(spec: CifarSpec, form: CifarForm, split: 'train' | 'test'): number {
  const count = split === 'train' ? spec.trainCount : spec.testCount;
  return count / spec[form][split].length;
}

/** The names of all files that a form needs. */
export function cifarFileNames(spec: CifarSpec, form: CifarForm): readonly string[] {
  const { train, test, names } = spec[form];
  return [...train, ...test, names];
}
