import { runWhenMain } from './grid/command';
import { studyView } from './grid/study-view';

/** Ablation: norm, direction, both apart, ND. */
const ablationStudy = studyView({
  name: 'ablation',
  description:
    'What ND is made of: KD alone, with the norm, with the direction, with both as two losses, with ND; ND ' +
    'with other norms, other weights and at other places. Tests the order that the paper claims.',
  defaults: {
    quick: {
      pairs: 'resnet20:resnet8',
      methods: 'kd,kd+sifn,kd+cosine,kd+sifn+cosine,kd++',
      seeds: '1',
    },
    short: { pairs: 'resnet20:resnet8', seeds: '1' },
    reduced: {
      pairs: 'resnet20:resnet8',
      methods: 'kd,kd+sifn,kd+cosine,kd+sifn+cosine,kd++',
      seeds: '1,2,3,4,5,6',
    },
    paper: { pairs: 'resnet56:resnet20', seeds: '1,2,3' },
  },
  pairsByScale: 'resnet20:resnet8; for paper: resnet56:resnet20',
  methodsByScale: 'for quick and reduced the five of the order; for short and paper: all',
  asks: `The order that the paper claims: KD < KD with norm or direction < both as two losses < ND. Its numbers are
not known to us, and the tables say so.`,
  examples: [
    '--list',
    '--scale short --data-dir ~/data --methods kd,kd+sifn,kd+cosine,kd+sifn+cosine,kd++ --seeds 1,2,3 --results mine',
  ],
});

runWhenMain(module, ablationStudy);
