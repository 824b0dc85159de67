/**
 * The heart: the folders where numbers are made. `test/x` is to notice a change in `lib/x`, unless an
 * entry names the tests, as where others of the folder train for seconds; where a folder also reads,
 * writes and draws, its entry names the files that calculate.
 * What a module computes while it is loaded is mutated only where all tests of the folder are quick: each such
 * mutant wants a process of its own and meets every test.
 */
export const heart = [
  { folder: 'lib/losses', quick: true },
  {
    folder: 'lib/distill',
    // What trains networks comes last.
    tests: [
      ...tests('distill', 'terms', 'class-means', 'feature-place', 'fusion-blocks', 'mixing'),
      ...tests('distill', 'objective', 'older-parts', 'previous-weights', 'srrl'),
    ],
  },
  {
    folder: 'lib/train',
    // The others train networks, or start commands.
    tests: [
      ...tests('train', 'schedule', 'weights', 'sgd', 'adamw', 'evaluate', 'loop', 'learner'),
      ...tests('train', 'accumulation', 'checkpoint', 'batch-source', 'evaluate-folder'),
      ...tests('runs', 'metrics'),
    ],
  },
  { folder: 'lib/statistics', quick: true },
  {
    folder: 'lib/report',
    files: [
      '{cells,group,numbers,verdict}.ts',
      'table1/{gain,model,over-pairs}.ts',
      'study/{claims,groups,growing-teachers}.ts',
      'table3/model.ts',
    ],
    // The others draw, which takes seconds.
    tests: [
      ...tests('report', 'group', 'methods', 'over-pairs', 'table1', 'table1-forms'),
      ...tests('report', 'table3', 'verdict', 'numbers'),
      ...tests('report/study', 'claims', 'groups', 'views'),
    ],
  },
  {
    folder: 'lib/detection',
    files: [
      ...['boxes.ts', 'box-head.ts', 'inference.ts', 'sampling.ts', 'proposals.ts'],
      ...['non-maximum-suppression.ts', 'roi-align.ts'],
    ],
    tests: [
      ...tests('detection', 'boxes', 'losses', 'matching', 'inference', 'operations'),
      ...tests('detection', 'networks', 'detector'),
    ],
  },
  {
    folder: 'lib/detection/coco',
    files: ['evaluate.ts', 'judgement.ts', 'matching.ts'],
    tests: tests('detection/coco', 'evaluate', 'judge-image'),
  },
  {
    folder: 'lib/nn',
    tests: ['test/nn/**/*.test.ts', 'test/models/**/*.test.ts'],
  },
];

/** Files of tests. StrykerJS takes no braces in these names. */
function tests(folder, ...names) {
  return names.map((name) => `test/${folder}/${name}.test.ts`);
}

const testsOf = ({ folder, tests }) => tests ?? [`${folder.replace(/^lib/, 'test')}/**/*.test.ts`];

/** What is mutated, and which tests run: of the patterns asked for, or of the whole heart. */
export function choose(asked) {
  const areas = asked.length === 0 ? heart : [...new Set(asked.map(areaOf))];
  const names = new Set(areas.map(({ folder }) => folder.replace(/^lib\//, '').replace('/', '-')));
  return {
    name: asked.length === 0 ? 'heart' : [...names].join('+'),
    mutate: asked.length === 0 ? heart.flatMap(filesOf) : asked,
    tests: [...new Set(areas.flatMap(testsOf))],
    quick: areas.every((area) => area.quick === true),
  };
}

/** The files that calculate, where a folder of the heart is asked for as a whole. */
export function expand(pattern) {
  const area = heart.find(({ folder }) => [folder, `${folder}/`, `${folder}/**`].includes(pattern));
  return area === undefined ? [pattern] : filesOf(area);
}

const filesOf = ({ folder, files = ['**/*.ts'] }) => files.map((file) => `${folder}/${file}`);

/** The innermost entry that a pattern lies in; a folder outside the heart goes by the convention alone. */
function areaOf(pattern) {
  const around = heart.filter(({ folder }) => pattern.startsWith(`${folder}/`));
  const innermost = around.sort((one, other) => other.folder.length - one.folder.length)[0];
  return innermost ?? { folder: pattern.split('/').slice(0, 2).join('/') };
}
