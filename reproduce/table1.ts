import { cifarScope } from './grid/cifar';
import { runWhenMain } from './grid/command';
import { renderDocument } from './grid/report';
import type { GridStudy } from './grid/settings';
import { fallbackNotes, paperPairs, table1Methods } from './recipes/table1';

/** The rows of the quick scale: without ReviewKD's, whose fusion blocks take as long again. */
const logitMethods = 'student,kd,kd++,dkd,dkd++,dist,dist++';
const tableMethods = `${logitMethods},reviewkd,reviewkd++`;

/** The paper's CIFAR-100 table. */
export const table1Study: GridStudy = {
  script: 'reproduce:table1',
  description:
    'Trains teachers, their students and the ++ versions, and prints the paper’s CIFAR-100 table beside ' +
    'the measured one. A run that was cut off goes on where it stopped; a finished one is not run again.',
  scope: cifarScope,
  defaults: {
    quick: { pairs: 'resnet20:resnet8', methods: logitMethods, seeds: '1' },
    short: {
      pairs: 'resnet20:resnet8',
      methods: tableMethods,
      seeds: '1',
    },
    reduced: {
      pairs: 'resnet20:resnet8',
      methods: tableMethods,
      seeds: '1,2,3,4,5,6',
    },
    paper: { pairs: paperPairs.join(','), seeds: '1,2,3' },
  },
  help: {
    scales:
      'quick takes minutes on the embedded images, short hours on CIFAR-100, reduced is all of CIFAR-100 over ' +
      '40 epochs and six seeds (a day or more), paper is the paper’s 240 epochs',
    pairs: 'teacher:student, … (default: resnet20:resnet8; for paper: the table’s pairs)',
    get methods() {
      return (
        `rows of the table: teacher, ${table1Methods().join(', ')}. kd-published is the recipe behind the ` +
        'paper’s number of KD, kd that of kd++ with the ND weight 0 (default: student and the ++ rows beside ' +
        'their bases with ND 0, for quick without ReviewKD’s; for paper: all)'
      );
    },
    after: `Examples:
  npm run reproduce:table1
  npm run reproduce:table1 -- --list
  npm run reproduce:table1 -- --scale short --data-dir ~/data --methods student,kd,kd++ --seeds 1,2,3 --results mine
  npm run reproduce:table1 -- --scale paper --pairs resnet56:resnet20
  npm run reproduce:table1 -- --scale paper --gpus 0,1,2,3
  npm run reproduce:table1 -- --scale paper --shard 2/8

Several processes, on one machine or on many that share the folder of results, may run the same
command at once: none does the work of another, and the run of one that was killed is taken over.

Quick and short runs are not the paper's setting: what can be compared with it are the gains over the
student alone and of a ++ row over its base.`,
  },
  methods: table1Methods,
  notes: fallbackNotes,
  render: (request) => renderDocument('table1', request),
};

runWhenMain(module, table1Study);
