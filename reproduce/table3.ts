import type { Detection } from '../lib/runs/detection';
import { cocoScope } from './grid/coco';
import { runWhenMain } from './grid/command';
import { renderDocument } from './grid/report';
import type { GridStudy } from './grid/settings';
import { fallbackNotes, paperPairs, table3Methods, table3Rows } from './recipes/table3';

const smallPair = 'r34-small:r18-small';
const quickMethods = 'student,kd,kd++,reviewkd,reviewkd++';

/** The paper's COCO table. */
export const table3Study: GridStudy<Detection> = {
  script: 'reproduce:table3',
  description:
    'Trains Faster R-CNN students with an FPN on COCO, or on a data set in its form, alone and under a teacher, with ' +
    'and without ND on the box head, and prints the paper’s table beside the measured one. Without data of ' +
    'yours it draws some. A run that was cut off goes on where it stopped; a finished one is not run again.',
  scope: cocoScope,
  defaults: {
    quick: { pairs: smallPair, methods: quickMethods, seeds: '1' },
    short: { pairs: smallPair, methods: table3Rows().join(), seeds: '1' },
    paper: { pairs: paperPairs.join(','), methods: table3Rows().join(), seeds: '1' },
  },
  help: {
    scales:
      'quick takes minutes with small detectors on 64 drawn images of shapes, short an ' +
      'hour or so with small detectors on data of yours, paper is the paper’s recipe (180,000 iterations)',
    pairs: `teacher:student, … (default: ${smallPair}; for paper: ${paperPairs.join(', ')})`,
    get methods() {
      return `rows: teacher, ${table3Methods().join(', ')} (default: those of the table; for quick ${quickMethods})`;
    },
    after: `Examples:
  npm run reproduce:table3 -- --results mine
  npm run reproduce:table3 -- --list
  npm run reproduce:table3 -- --scale short --data coco:~/coco-mini --methods student,kd,kd++ --results mine
  npm run reproduce:table3 -- --scale paper --data-dir ~/data --pairs r101-fpn:r18-fpn --methods kd++
  npm run reproduce:table3 -- --scale paper --data-dir ~/data --gpus 0,1,2,3

The paper's teachers are detectron2's published detectors, its students begin with published backbones.
npm run data -- table3 fetches them and COCO; files of your own go into DATA-DIR/detectors, as r101-fpn.pkl (model_final_….pkl), r50-fpn.pkl,
r18-fpn-backbone.pth (torchvision's resnet18), r50-fpn-backbone.pkl (MSRA's R-50.pkl) and
mobilenet_v2-fpn-backbone.pth. Several processes that share the folder of results may run the same
command at once: none does the work of another.`,
  },
  methods: table3Methods,
  notes: fallbackNotes,
  render: (request) => renderDocument('table3', request),
};

runWhenMain(module, table3Study);
