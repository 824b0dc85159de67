import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { shapesDataset } from '../../lib/detection/coco/shapes';
import { reviewPyramid } from '../../lib/detection/distillation';
import { createDetector } from '../../lib/detection/detector';
import { costModel } from '../../lib/runs/cost';
import { detection } from '../../lib/runs/detection';
import { type DetectionRecipe, smallRecipe } from '../../lib/runs/detection-recipe';
import { type PlannedRun, planRuns } from '../../lib/runs/plan';
import type { DetectionProvenance } from '../../lib/runs/schema';
import { detectorRuns } from '../../lib/runs/store';
import { withFolder } from '../support/folder';

const pair = { teacher: 'r34-small', student: 'r18-small' };

/** What the record of a run must hold besides. */
const record: DetectionProvenance = {
  revision: null,
  dirty: null,
  command: 'test',
  startedAt: '2024-01-01T00:00:00.000Z',
  endedAt: '2024-01-01T00:00:01.000Z',
  ended: 'finished',
  versions: {},
  engine: 'native',
  device: 'CPU',
  processor: 'one',
  dataHash: '',
  evaluationDataHash: '',
  teacherHash: null,
  teacherSource: null,
  classMeansHash: null,
  firstWeights: 'random',
  checkpointHash: null,
  parameters: 1,
  secondsPerIteration: null,
  evaluationSeconds: null,
  peakMemoryMiB: 1,
  AP: null,
  AP50: null,
  error: null,
};

describe('the runs of a table of detectors', () => {
  const folder = withFolder();

  function plan(
    methods: readonly [string, number][],
    given: readonly string[] = [],
  ): PlannedRun<DetectionRecipe>[] {
    return planRuns({
      store: detectorRuns,
      baselinesHaveTeachers: false,
      study: 'study',
      resultsRoot: folder(),
      cells: methods.map(([method, seed]) => ({ ...pair, method, seed })),
      teacherSeed: 7,
      recipeOf: ({ method }) => ({
        ...smallRecipe({ iterations: 100 }),
        method: { name: method, terms: method === 'reviewkd' ? [reviewPyramid()] : [] },
      }),
      teacherRecipeOf: () => smallRecipe({ iterations: 400 }),
      givenTeachers: new Set(given),
    });
  }
  const names = (runs: readonly PlannedRun<DetectionRecipe>[]): string[] =>
    runs.map(
      (run) => `${run.kind} ${run.pair} ${run.method} ${run.seed} from ${run.teacher ?? 'none'}`,
    );

  it('train a teacher once, before the first student that needs it, and none for a student alone', () => {
    const methods: [string, number][] = [
      ['student', 1],
      ['kd', 1],
      ['kd', 2],
      ['teacher', 3],
    ];
    const runs = plan(methods);
    expect(names(runs)).to.deep.equal([
      'cell r34-small:r18-small student 1 from none',
      'teacher r34-small teacher 7 from none',
      'cell r34-small:r18-small kd 1 from r34-small',
      'cell r34-small:r18-small kd 2 from r34-small',
    ]);
    const runsFolder = join(folder(), 'runs', 'study');
    expect(runs.map(({ directory }) => directory)).to.deep.equal([
      join(runsFolder, 'r34-small-r18-small', 'student', 'seed-1'),
      join(runsFolder, 'r34-small', 'teacher', 'seed-7'),
      join(runsFolder, 'r34-small-r18-small', 'kd', 'seed-1'),
      join(runsFolder, 'r34-small-r18-small', 'kd', 'seed-2'),
    ]);
    expect(runs.map(({ recipe }) => recipe.iterations)).to.deep.equal([100, 400, 100, 100]);
    expect(names(plan(methods, ['r34-small'])).some((name) => name.startsWith('teacher'))).to.equal(
      false,
    );
  });

  it('are known by their data, their teacher with its class means, and their first weights', () => {
    const [training, evaluation] = [1, 2].map((seed) => shapesDataset({ images: 1, seed }));
    if (!training || !evaluation) return expect.fail('no data');
    const task = detection({
      data: { name: 'shapes', training, evaluation },
      teacherSeed: 7,
      teacherRecipeOf: () => smallRecipe(),
      classMeansIterations: 1,
      firstWeights: new Map([['r18-small', { file: 'a.pth', hash: 'cc', source: 'a.pth' }]]),
      estimateStep: () => NaN,
    });
    const [run] = plan([['student', 1]]);
    if (!run) return expect.fail('no run');
    const hashes = { datasetHash: training.hash, evaluationDatasetHash: evaluation.hash };
    expect(task.hashes({ run })).to.deep.equal({
      ...hashes,
      ...{ teacherHash: null, classMeansHash: null, firstWeightsHash: 'cc' },
    });
    const detector = createDetector({ ...smallRecipe().detector, width: 8, classes: 3 });
    const teacher = {
      ...{ name: 'r34-small', hash: 'aa', classMeansHash: 'bb', source: 'a file', detector },
      dispose: () => undefined,
    };
    const taught = task.hashes({ run: { ...run, student: 'r50-fpn' }, teacher });
    detector.dispose();
    expect(taught).to.deep.equal({
      ...hashes,
      ...{ teacherHash: 'aa', classMeansHash: 'bb', firstWeightsHash: null },
    });
  });

  it('cost what is left of their iterations at the pace of such runs on record', () => {
    const methods: [string, number][] = [
      ['student', 1],
      ['kd', 1],
      ['kd', 2],
      ['reviewkd', 1],
    ];
    const [, , kd] = plan(methods, ['r34-small']);
    if (!kd) return expect.fail('no run');
    // The second run with KD has made 30 of its 100 iterations, in 2 s each.
    mkdirSync(kd.directory, { recursive: true });
    detectorRuns.writeProvenance(kd.directory, {
      ...record,
      secondsPerIteration: 2,
      ended: 'running',
    });
    const line = { learningRate: 0.1, total: 1, losses: {} };
    writeFileSync(
      join(kd.directory, 'metrics.jsonl'),
      [20, 30].map((iteration) => `${JSON.stringify({ iteration, ...line })}\n`).join(''),
    );
    const runs = plan(methods, ['r34-small']);
    expect(runs.map(({ done }) => done)).to.deep.equal([0, 0, 30, 0]);
    const asked: string[] = [];
    const shapes = shapesDataset({ images: 1, seed: 1 });
    const task = detection({
      data: { name: 'shapes', training: shapes, evaluation: shapes },
      teacherSeed: 7,
      teacherRecipeOf: () => smallRecipe(),
      classMeansIterations: 1,
      firstWeights: new Map(),
      estimateStep({ method }) {
        asked.push(method.name);
        return 5;
      },
    });
    const cost = costModel(task, runs);
    expect(runs.map((run) => cost.secondsLeft(run))).to.deep.equal([500, 200, 140, 500]);
    // A student alone and ReviewKD are other kinds of runs, each estimated once.
    runs.forEach((run) => cost.secondsLeft(run));
    expect(asked).to.deep.equal(['student', 'reviewkd']);
    const [student, first] = runs;
    if (!student || !first) return expect.fail('no run');
    cost.measured(first, 3);
    expect(runs.map((run) => cost.secondsLeft(run))).to.deep.equal([500, 300, 210, 500]);
    expect(cost.secondsLeft({ ...student, finished: true })).to.equal(0);
  });

  it('are finished by their record where the weights alone are not there, and not without figures', function () {
    const committed = join(__dirname, '../../results/runs/table3-quick-shapes/r34-small-r18-small');
    // A package without its results has none.
    if (!existsSync(committed)) this.skip();
    const planned = (): ReturnType<typeof plan>[number] | undefined => plan([['student', 1]])[0];
    const directory = planned()?.directory ?? '';
    cpSync(join(committed, 'student', 'seed-1'), directory, { recursive: true });
    expect(planned()).to.include({ finished: true, recordOnly: true });
    rmSync(join(directory, 'evaluation.json'));
    expect(planned()).to.include({ finished: false });
  });

  it('are finished with weights, figures and a record that says so', () => {
    const [run] = plan([['student', 1]]);
    if (!run) return expect.fail('no run');
    mkdirSync(run.directory, { recursive: true });
    const isFinished = (): boolean => plan([['student', 1]])[0]?.finished ?? false;
    writeFileSync(join(run.directory, 'weights.safetensors'), '');
    detectorRuns.writeProvenance(run.directory, record);
    expect(isFinished()).to.equal(false);
    writeFileSync(join(run.directory, 'evaluation.json'), '{}');
    expect(isFinished()).to.equal(true);
    for (const ended of ['running', 'interrupted', 'failed'] as const) {
      detectorRuns.writeProvenance(run.directory, { ...record, ended });
      expect(isFinished(), ended).to.equal(false);
    }
  });
});
