/**
 * The heart: the folders where numbers are made. `test/x` is to notice a change in `lib/x`, unless an
 * entry names the tests, as where others of the folder train for seconds; where a folder also reads,
 * writes and draws, its entry names the files that calculate.
 * What a module computes while it is loaded is mutated only where all tests of the folder are quick: each such
 * mutant wants a process of its own and meets every test.
 */
export const heart = [
  { folder: 'lib/losses', quick: true },
  { folder: 'lib/distill' },
  { folder: 'lib/train' },
  { folder: 'lib/statistics', quick: true },
  {
    folder: 'lib/report',
    files: [
      '{cells,numbers,verdict}.ts',
      'table1/{gain,model,over-pairs}.ts',
      'study/{claims,model,relations}.ts',
      'table3/model.ts',
    ],
  },
  {
    folder: 'lib/detection',
    files: [
      '{boxes,box-head,inference,sampling,proposals}.ts',
      '{non-maximum-suppression,roi-align}.ts',
    ],
    tests: ['test/detection/{boxes,inference,losses,matching,operations}.test.ts'],
  },
  {
    folder: 'lib/detection/coco',
    files: ['{batches,evaluate,images,judgement,matching}.ts'],
    tests: ['test/detection/coco/*.test.ts'],
  },
  {
    folder: 'lib/nn',
    tests: ['test/nn/**/*.test.ts', 'test/models/**/*.test.ts'],
  },
];

const testsOf = ({ folder, tests }) => tests ?? [`${folder.replace(/^lib/, 'test')}/**/*.test.ts`];

/** What is mutated, and which tests run: of the patterns asked for, or of the whole heart. */
export function choose(asked) {
  const areas = asked.length === 0 ? heart : [...new Set(asked.map(folderOf))].map(areaOf);
  const names = new Set(areas.map(({ folder }) => folder.replace(/^lib\//, '').replace('/', '-')));
  return {
    name: asked.length === 0 ? 'heart' : [...names].join('+'),
    mutate:
      asked.length > 0
        ? asked
        : heart.flatMap(({ folder, files = ['**/*.ts'] }) => files.map((f) => `${folder}/${f}`)),
    tests: [...new Set(areas.flatMap(testsOf))],
    quick: areas.every((area) => area.quick === true),
  };
}

/** `lib/losses` of `lib/losses/dkd.ts:10-20`. */
const folderOf = (pattern) => pattern.split('/').slice(0, 2).join('/');

/** A folder outside the heart goes by the convention alone. */
const areaOf = (folder) => heart.find((area) => area.folder === folder) ?? { folder };
