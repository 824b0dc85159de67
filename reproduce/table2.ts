import { runWhenMain } from './grid/command';
import { imageNetScope } from './grid/imagenet';
import { renderDocument } from './grid/report';
import type { GridStudy } from './grid/settings';
import { fallbackNotes, paperPairs, table2Methods } from './recipes/table2';

const basicPair = 'resnet34:resnet18';

/** The paper's ImageNet tables. */
export const table2Study: GridStudy = {
  script: 'reproduce:table2',
  description:
    'Trains students on ImageNet, or on a folder like it, with and without ND, and prints the paper’s ImageNet ' +
    'numbers beside the measured ones: the main table, larger teachers, vision transformers as teachers, DeiT++. ' +
    'Without any data of yours it runs on the embedded images. A run that was cut off goes on at the very batch.',
  scope: imageNetScope,
  defaults: {
    quick: { pairs: basicPair, methods: 'student,kd,kd++', seeds: '1' },
    short: { pairs: basicPair, methods: 'student,kd,kd++', seeds: '1' },
    paper: { pairs: paperPairs.join(','), seeds: '1' },
  },
  help: {
    scales:
      'quick takes minutes on 800 of the embedded images at 32 × 32 (or --data folder:PATH), short hours on a ' +
      'folder of yours at 64 × 64, paper is the paper’s recipe on ImageNet at 224 × 224',
    pairs: `teacher:student, … (default: ${basicPair}; for paper: ${paperPairs.join(', ')})`,
    get methods() {
      return (
        `rows: teacher, ${table2Methods().join(', ')}. kd-published is the recipe behind the paper’s number of KD, ` +
        'kd that of kd++ with the ND weight 0; a pair runs the rows that it has (default: student,kd,kd++; for paper: all)'
      );
    },
    after: `Examples:
  npm run reproduce:table2
  npm run reproduce:table2 -- --list
  npm run reproduce:table2 -- --data folder:~/tiny-imagenet-20 --size 64
  npm run reproduce:table2 -- --scale short --data folder:~/tiny-imagenet-20 --pairs resnet34:resnet18 --methods student,kd,kd++ --results mine
  npm run reproduce:table2 -- --scale paper --data-dir ~/data --pairs resnet34:resnet18 --methods kd++ --micro-batch 64
  npm run reproduce:table2 -- --scale paper --gpus 0,1,2,3

The paper's teachers are published weights, which npm run data -- table2 fetches into
DATA-DIR/imagenet-teachers (resnet34-….pth, vit_small_patch16_224-….safetensors, …). A batch of 512 that does not fit into
memory is computed in parts with --micro-batch: the same step up to rounding, but that batch norms take the
statistics of each part, as they do on several GPUs.`,
  },
  methods: table2Methods,
  notes: fallbackNotes,
  render: (request) => renderDocument('table2', request),
};

runWhenMain(module, table2Study);
