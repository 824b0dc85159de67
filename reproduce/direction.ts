import { runWhenMain } from './grid/command';
import { studyView } from './grid/study-view';

/** Direction: cosine against InfoNCE, class means against classifier weights. */
const directionStudy = studyView({
  name: 'direction',
  description:
    'Features along the class means: cosine against InfoNCE over temperatures beside KD, and class means ' +
    'against the rows of the teacher’s classifier; shows accuracy and the cosine to the own class mean, by ' +
    'epoch and by class.',
  defaults: {
    quick: {
      pairs: 'resnet20:resnet8',
      methods: 'kd,kd+cosine,kd+infonce-t0.05,kd+infonce,kd+infonce-t1',
      seeds: '1',
    },
    short: { pairs: 'resnet20:resnet8', seeds: '1' },
    reduced: {
      pairs: 'resnet20:resnet8',
      methods: 'kd,kd+cosine,kd+infonce,kd+classifier',
      seeds: '1,2,3,4,5,6',
    },
    paper: { pairs: 'resnet56:resnet20', seeds: '1,2,3' },
  },
  pairsByScale: 'resnet20:resnet8; for paper: resnet56:resnet20',
  methodsByScale: 'for quick and reduced the main ones; for short and paper: all',
  asks: `The questions: is cosine better than InfoNCE, and are class means a better direction than the rows of the
teacher’s classifier?`,
  examples: ['--list', '--scale short --data-dir ~/data --seeds 1,2,3 --results mine'],
});

runWhenMain(module, directionStudy);
