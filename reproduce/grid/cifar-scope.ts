import { loadDataset } from '../../lib/data';
import { findSource } from '../../lib/data/registry';
import { table1Recipe, table1TeacherRecipe } from '../recipes/table1';
import type { GridScope } from './scope';
import { chooseTeachers } from './teachers';

/** Table 1 and the studies that share its runs. */
export const cifarScope: GridScope = {
  prefix: 'table1-',
  paper: { words: 'CIFAR-100, 240 epochs', data: 'cifar100' },
  estimatesMemory: false,
  scales: {
    quick: {
      data: 'fashion-mnist',
      epochs: 3,
      teacherEpochs: 4,
      batch: 128,
      // A tenth of a warm-up is no warm-up: at the paper's 0.1 DKD's weights throw so short a run off.
      learningRate: 0.02,
    },
    short: { data: 'cifar100', epochs: 20, teacherEpochs: 20 },
    paper: { data: 'cifar100', epochs: 240, teacherEpochs: 240 },
  },
  recipe: table1Recipe,
  teacherRecipe: table1TeacherRecipe,
  has: () => true,
  inBatches: (recipe, batchSize) => ({ ...recipe, batchSize }),
  adapted: (recipe) => recipe,
  dataLabel: ({ data }) => data,
  checkData: ({ data }) => void findSource(data),
  openData: ({ data }, { dataDir }, onProgress) => loadDataset(data, { dataDir, onProgress }),
  chooseTeachers,
};
