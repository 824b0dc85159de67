import { expect } from 'chai';
import { ConsoleReporter, gridState } from '../../lib/runs/console-reporter';
import type { CostModel } from '../../lib/runs/cost';
import type { Detection } from '../../lib/runs/detection';
import { smallRecipe } from '../../lib/runs/detection-recipe';
import type { PlannedRun } from '../../lib/runs/plan';
import { detectorRuns } from '../../lib/runs/store';

type Planned = PlannedRun<Detection['recipe']>;

const run: Planned = {
  ...{ kind: 'cell', pair: 'a:b', teacher: 'a', student: 'b', method: 'kd', seed: 3 },
  ...{ recipe: smallRecipe(), directory: '', length: 100, done: 20, finished: false },
};

describe('what the console tells of a run of 100 iterations', () => {
  const { performance } = globalThis;
  let now = 0;
  let written = '';
  let measured: [Planned, number][] = [];
  beforeEach(() => {
    [now, written, measured] = [1e6, '', []];
    Object.defineProperty(globalThis, 'performance', {
      configurable: true,
      value: { now: () => now },
    });
  });
  afterEach(() => {
    Object.defineProperty(globalThis, 'performance', { configurable: true, value: performance });
  });

  /** A reporter whose stream is no terminal; each run that is left takes 50 s. */
  function reporter(): ConsoleReporter<Detection> {
    const cost: CostModel<Detection['recipe']> = {
      secondsLeft: () => 50,
      measured: (of, seconds) => void measured.push([of, seconds]),
    };
    const stream = { isTTY: false, write: (text: string) => void (written += text) };
    return new ConsoleReporter<Detection>({
      task: { store: detectorRuns, summary: ({ total }) => `loss ${total.toFixed(3)}` },
      cost,
      stream: stream as unknown as NodeJS.WriteStream,
    });
  }
  const events = (): ReturnType<ConsoleReporter<Detection>['events']['onRun']> =>
    reporter().events.onRun(run, { index: 1, total: 3, others: [run, run] });
  const batch = (
    step: number,
  ): Parameters<NonNullable<ReturnType<typeof events>['onBatch']>>[0] => ({
    ...{ epoch: 1, epochs: 5, batch: step, batches: 20, step, steps: 100 },
    ...{ learningRate: 1, loss: 0.51249, losses: {}, images: 8, seconds: NaN },
  });
  const line = (iteration: number, total: number): Detection['line'] => ({
    ...{ iteration, total, learningRate: 1, losses: {} },
  });

  it('is a line every half minute, by the pace since the first step, which does not count', () => {
    const { onBatch } = events();
    now += 29_000;
    onBatch?.(batch(21));
    expect(written).to.equal('');
    // 4 s for each of two steps: 8 / 4 images a second, 77 · 4 s and two runs of 50 s.
    now += 4_000;
    onBatch?.(batch(22));
    now += 4_000;
    onBatch?.(batch(23));
    const where = '[2/3] a:b kd seed 3: iteration';
    expect(written).to.equal(
      `${where} 22/100, loss 0.512, 2.0 images/s, 5 min 12 s left (all: 6 min 52 s)\n`,
    );
    written = '';
    now += 25_000;
    onBatch?.(batch(24));
    expect(written).to.equal('');
    // Half a minute after the last one.
    now += 2_000;
    onBatch?.(batch(25));
    // 35 s for four steps: 8.75 s, 75 of them left.
    expect(written).to.equal(
      `${where} 25/100, loss 0.512, 0.9 images/s, 10 min 56 s left (all: 12 min 36 s)\n`,
    );
  });

  it('ends with its last line of metrics; the costs are measured from the time of each', () => {
    const { onBatch, onEpoch } = events();
    onBatch?.(batch(21));
    now += 40_000;
    onBatch?.(batch(22));
    written = '';
    onEpoch?.(line(40, 1.25), 10);
    // The first line of a resumed run has no time.
    onEpoch?.(line(60, 1.5), NaN);
    onEpoch?.(line(100, 2), 80);
    // 78 steps of 40 s, and two runs of 50 s.
    expect(written).to.equal(
      '[2/3] a:b kd seed 3: iteration 100/100, loss 2.000, 0.2 images/s, 52 min 0 s left (all: 53 min 40 s)\n',
    );
    // 10 s for 40 − 20 iterations, 80 s for 100 − 60.
    expect(measured).to.deep.equal([
      [run, 0.5],
      [run, 2],
    ]);
  });

  it('measures nothing from lines that were on disk already, ahead of the checkpoint', () => {
    const { onEpoch } = events();
    for (const iteration of [10, 20, 40]) onEpoch?.(line(iteration, 1), 10);
    expect(measured).to.deep.equal([
      [run, 1],
      [run, 0.5],
    ]);
  });

  it('names teachers, runs that are done, and what other processes train', () => {
    const { onTeacher, onRunEnd, onWait } = reporter().events;
    const teacher = { name: 'a', hash: '', classMeansHash: null, source: 'a.pth' };
    onTeacher({ ...teacher, top1: 71.234 } as unknown as Detection['teacher']);
    onTeacher(teacher as unknown as Detection['teacher']);
    onRunEnd(run, 'finished before');
    onRunEnd({ ...run, kind: 'teacher', pair: 'a' }, 'finished elsewhere');
    onRunEnd(run, 'trained');
    const owner = (pid: number): { pid: number; host: string } => ({ pid, host: 'node' });
    const waiting = [1, 2, 3, 4, 5].map((seed) => ({ run: { ...run, seed }, owner: owner(seed) }));
    type Waiting = Parameters<typeof onWait>[0];
    onWait([...waiting, { run, owner: undefined }] as unknown as Waiting);
    onWait([{ run, owner: undefined }]);
    const trained = [1, 2, 3, 4].map((seed) => `a:b kd seed ${seed} (process ${seed} on node)`);
    expect(written.split('\n')).to.deep.equal([
      'teacher a: 71.23 % top-1, measured here (a.pth)',
      'teacher a: a.pth',
      'a:b kd seed 3: done before',
      'teacher a: done by another process',
      `Waiting for what other processes train: ${trained.join(', ')} and 1 more; 1 more can only start after that`,
      'Waiting for what other processes train: a run that has just begun; 1 more can only start after that',
      '',
    ]);
  });

  it('counts of several processes the runs and the iterations that are on disk', () => {
    const done = { ...run, finished: true, done: 100 };
    expect(gridState([run, done, { ...run, done: 0, length: 7 }])).to.deep.equal({
      ...{ runs: 3, runsDone: 1, units: 207, unitsDone: 120 },
    });
  });
});
