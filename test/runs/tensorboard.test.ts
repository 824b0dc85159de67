import { appendFileSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { classifierRuns, detectorRuns, writeProvenance } from '../../lib/runs/store';
import { withTensorBoard, writeTensorBoard } from '../../lib/runs/tensorboard';
import { type EpochMetrics, readMetrics, restoreLines } from '../../lib/train/metrics';
import { type ReadEvent, readEventFile } from '../support/event-file';
import { withFolder } from '../support/folder';
import {
  appendMetrics,
  madeUpMetrics,
  madeUpProvenance,
  writeMadeUpRun,
} from '../support/made-up-runs';

const root = withFolder();
const start = Date.parse('2025-01-01T00:00:00Z') / 1000;

/** A run of two epochs that took 30 and 40 seconds. */
function twoEpochs(): string {
  return writeMadeUpRun(root(), { top1: [50, 60.1], provenance: { secondsPerEpoch: [30, 40] } });
}

function written(directory: string): { file: string; bytes: Buffer; events: ReadEvent[] } {
  const file = writeTensorBoard(directory) as string;
  const bytes = readFileSync(file);
  return { file, bytes, events: readEventFile(bytes) };
}

describe('TensorBoard event files', () => {
  it('hold every measurement of every epoch, with the clock times of the run', () => {
    const { file, events } = written(twoEpochs());
    expect(file).to.match(/[/\\]tensorboard[/\\]events\.out\.tfevents\.[^/\\]+$/);
    expect(events).to.deep.equal([
      { wallTime: start, step: 0, fileVersion: 'brain.Event:2', scalars: {} },
      ...[
        { wallTime: start + 30, step: 1, top1: 50, train: 50.75 },
        { wallTime: start + 70, step: 2, top1: Math.fround(60.1), train: Math.fround(60.85) },
      ].map(({ wallTime, step, top1, train }) => ({
        wallTime,
        step,
        fileVersion: undefined,
        scalars: {
          'loss/crossEntropy': 0.5,
          'loss/total': 0.5,
          learningRate: Math.fround(0.1),
          'train/top1': train,
          'test/top1': top1,
          'test/top5': 99,
          'test/loss': Math.fround(0.6),
          'embedding/studentNorm': 7,
          'embedding/teacherNorm': 9,
          'embedding/cosineToClassMean': Math.fround(0.8),
        },
      })),
    ]);
  });

  it('hold of a detector each loss and their sum, by iteration', () => {
    const losses = { objectness: 0.5, box: 0.25 };
    const line = { iteration: 20, learningRate: 0.125, total: 0.75, losses };
    expect([...detectorRuns.scalars(line)]).to.deep.equal([
      ['loss/objectness', 0.5],
      ['loss/box', 0.25],
      ['loss/total', 0.75],
      ['learningRate', 0.125],
    ]);
    expect(detectorRuns.doneAt(line)).to.equal(20);
  });

  it('leave out what a run without a teacher does not measure', () => {
    const directory = writeMadeUpRun(root(), { top1: [] });
    appendMetrics(directory, {
      ...madeUpMetrics(1, 50),
      teacherNorm: null,
      cosineToClassMean: null,
    });
    const tags = Object.keys(written(directory).events[1]?.scalars ?? {});
    expect(tags.filter((tag) => tag.startsWith('embedding/'))).to.deep.equal([
      'embedding/studentNorm',
    ]);
  });

  it('are the same bytes each time, and without epochs there is none', () => {
    const directory = twoEpochs();
    const { file, bytes } = written(directory);
    rmSync(file);
    expect(written(directory).bytes.equals(bytes)).to.equal(true);
    const empty = writeMadeUpRun(root(), { config: { seed: 2 }, top1: [] });
    expect(writeTensorBoard(empty)).to.equal(undefined);
    expect(readdirSync(empty)).to.not.include('tensorboard');
  });

  it('hold each epoch once after a run that was cut off and resumed', () => {
    const directory = twoEpochs();
    const { file, bytes } = written(directory);
    // The second epoch ended after the last checkpoint: it is trained again, and another follows.
    restoreLines(directory, readMetrics(directory).epochs.slice(0, 1));
    appendMetrics(directory, madeUpMetrics(2, 60.1));
    appendMetrics(directory, madeUpMetrics(3, 70));
    const { bytes: longer, events } = written(directory);
    expect(events.map(({ step }) => step)).to.deep.equal([0, 1, 2, 3]);
    expect(longer.subarray(0, bytes.length).equals(bytes)).to.equal(true);
    expect(readdirSync(dirname(file))).to.have.length(1);
  });

  const damages: [string, (file: string) => void][] = [
    ['a record cut in the middle', (file) => truncateSync(file, readFileSync(file).length - 30)],
    ['a record of an epoch that is gone', (file) => appendFileSync(file, readFileSync(file))],
    ['bytes of something else', (file) => appendFileSync(file, 'not a record')],
  ];
  for (const [title, damage] of damages) {
    it(`are mended where they hold ${title}`, () => {
      const directory = twoEpochs();
      const { file, bytes } = written(directory);
      damage(file);
      expect(written(directory).bytes.equals(bytes)).to.equal(true);
    });
  }

  it('grow by an epoch while a run trains, keep the times, and hand the events on', () => {
    const directory = writeMadeUpRun(root(), { top1: [] });
    writeProvenance(directory, madeUpProvenance({ ended: 'running', secondsPerEpoch: [] }));
    const heard: number[] = [];
    const events = withTensorBoard(
      { onEpoch: ({ epoch }: EpochMetrics) => heard.push(epoch) },
      directory,
      classifierRuns,
    );
    const before = Date.now() / 1000;
    for (const epoch of [1, 2]) {
      const metrics = madeUpMetrics(epoch, 50);
      appendMetrics(directory, metrics);
      events.onEpoch?.(metrics, 1);
    }
    const { events: read } = written(directory);
    expect(heard).to.deep.equal([1, 2]);
    expect(read.map(({ step }) => step)).to.deep.equal([0, 1, 2]);
    for (const { wallTime } of read.slice(1)) {
      expect(wallTime).to.be.within(before, Date.now() / 1000);
    }
  });

  it('name the place where they cannot be written', () => {
    const directory = twoEpochs();
    appendFileSync(join(directory, 'tensorboard'), 'a file where the folder should be');
    expect(() => writeTensorBoard(directory)).to.throw(/cannot be written.*tensorboard/);
  });
});
