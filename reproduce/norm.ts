import { runWhenMain } from './grid/command';
import type { GridStudy } from './grid/settings';
import { studyView } from './grid/study-view';

const first = 'kd,kd+norm,kd+feature,kd+sifn,kd+sifn-r0.1,kd+sifn-r2,kd+sifn-last-visit';

const view = studyView({
  name: 'norm',
  description:
    'Longer features: pulls the student’s norm to the teacher’s (naively, two readings) or lets it grow step ' +
    'by step (SIFN) beside KD, and shows accuracy and norms by method, by epoch and by SIFN’s step r.',
  defaults: {
    quick: {
      pairs: 'resnet20:resnet8',
      methods: 'kd,kd+norm,kd+sifn,kd+sifn-r0.1,kd+sifn-r2',
      seeds: '1',
    },
    short: { pairs: 'resnet20:resnet8', methods: first, seeds: '1' },
    reduced: {
      pairs: 'resnet20:resnet8',
      methods: 'kd,kd+norm,kd+feature,kd+sifn',
      seeds: '1,2,3,4,5,6',
    },
    paper: { pairs: 'resnet56:resnet20', seeds: '1,2,3' },
  },
  pairsByScale: 'resnet20:resnet8; for paper: resnet56:resnet20',
  methodsByScale: 'for quick, short and reduced the main ones; for paper: all',
  asks: `The questions: do longer features help, is SIFN better than the naive norm loss, and have larger networks
longer features? The last is measured over the family of networks that were trained as teachers here
(npm run reproduce:teachers trains more of them), and on published class means where --class-means-dir
names a folder of them.`,
  examples: [
    '--list',
    '--scale short --data-dir ~/data --seeds 1,2,3 --results mine',
    '--scale short --render --class-means-dir ~/class-means',
  ],
});

/** Norm: naive against SIFN, over steps, weights and kinds of previous norm. */
const normStudy: GridStudy = {
  ...view,
  addOptions: (command) =>
    command.option(
      '--class-means-dir <path>',
      'a folder of published class means (resnet56.json, …): the table of norms lists them too',
    ),
};

runWhenMain(module, normStudy);
