import fs, {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { augmentedViews } from '../../lib/data/batches';
import {
  crossEntropy,
  dkd,
  kd,
  type LossTerm,
  normDirection,
  reviewKd,
} from '../../lib/distill/terms';
import { createModel } from '../../lib/models/registry';
import { hashStateDict } from '../../lib/nn/state';
import { classification } from '../../lib/runs/classification';
import type { PlannedRun } from '../../lib/runs/plan';
import { trainClassifier } from '../../lib/train/classifier';
import { remembers } from '../../lib/train/learner';
import {
  openTeacherMemory,
  type TeacherMemory,
  teacherMemoryBytes,
  teacherMemoryFile,
  type TeacherMemoryKey,
} from '../../lib/train/teacher-memory';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';
import { stopAfter } from '../support/known-run';

describe('a teacher’s memory', () => {
  withEngine('plain');
  const folder = withFolder();
  const key: TeacherMemoryKey = {
    ...{ teacher: 'aa', data: 'bb', precision: 'f32', engine: 'one' },
    ...{ images: 10, size: 2 },
  };
  const notices: string[] = [];
  let memories: TeacherMemory[] = [];
  beforeEach(() => void notices.splice(0));
  afterEach(() => {
    memories.forEach((memory) => memory.dispose());
    memories = [];
  });

  function open(changes: Partial<TeacherMemoryKey> = {}, place = folder()): TeacherMemory {
    const memory = openTeacherMemory({
      folder: place,
      key: { ...key, ...changes },
      onNotice: (message) => void notices.push(message),
    });
    memories.push(memory);
    return memory;
  }

  /** A teacher whose embedding of an image of one value x is (x, 10 x), and how many images it is asked for. */
  function asking(
    memory: TeacherMemory,
    rows: readonly (readonly [index: number, view: number])[],
    factor: (row: number) => number = () => 10,
  ): { embeddings: number[] | undefined; asked: number } {
    const before = memory.counts.asked;
    const values = rows.map(([index, view]) => 1000 * index + view);
    const embeddings = tf.tidy(() =>
      memory
        .embeddings(
          {
            images: tf.tensor4d(values, [rows.length, 1, 1, 1]),
            indices: Int32Array.from(rows, ([index]) => index),
            views: Int32Array.from(rows, ([, view]) => view),
          },
          (images) => {
            const x = images.dataSync();
            return tf.tensor2d(
              [...x].flatMap((value, row) => [value, factor(row) * value]),
              [x.length, 2],
            );
          },
        )
        ?.arraySync()
        .flat(),
    );
    return { embeddings, asked: memory.counts.asked - before };
  }

  it('asks once for each view of each image, whoever asks next', () => {
    const memory = open();
    const first = asking(memory, [
      [0, 0],
      [9, 161],
      [3, 80],
    ]);
    expect(first).to.deep.equal({ embeddings: [0, 0, 9161, 91610, 3080, 30800], asked: 3 });
    const second = asking(memory, [
      [3, 80],
      [3, 81],
      [9, 161],
    ]);
    expect(second).to.deep.equal({ embeddings: [3080, 30800, 3081, 30810, 9161, 91610], asked: 1 });
    const another = asking(open(), [
      [3, 81],
      [0, 0],
    ]);
    expect(another).to.deep.equal({ embeddings: [3081, 30810, 0, 0], asked: 0 });
  });

  it('takes the bytes that it says: a view of an image is its numbers and a check', () => {
    expect(augmentedViews).to.equal(9 * 9 * 2);
    expect(teacherMemoryBytes({ images: 50_000, size: 64 })).to.equal(4096 + 50_000 * 162 * 260);
    asking(open(), [
      [9, 161],
      [0, 0],
    ]);
    expect(statSync(teacherMemoryFile(folder(), key)).size).to.equal(teacherMemoryBytes(key));
  });

  it('is another one for other weights, data, number types and machines', () => {
    const rows = [
      [1, 1],
      [2, 2],
    ] as const;
    asking(open(), rows);
    for (const changes of [
      { teacher: 'ab' },
      { data: 'bc' },
      { precision: 'bf16' },
      { engine: 'two' },
    ]) {
      expect(asking(open(changes), rows).asked, JSON.stringify(changes)).to.equal(2);
    }
    expect(readdirSync(folder())).to.have.length(5);
  });

  it('asks again for what was cut off or changed on the disk', () => {
    const rows = [
      [1, 1],
      [2, 2],
      [9, 161],
    ] as const;
    const file = teacherMemoryFile(folder(), key);
    const slot = (index: number, view: number): number => 4096 + (index * 162 + view) * 12;
    asking(open(), rows);
    const bytes = readFileSync(file);
    bytes[slot(2, 2) + 5] = (bytes[slot(2, 2) + 5] ?? 0) ^ 1;
    // Another image's answer in the place of this one.
    bytes.copy(bytes, slot(1, 1), slot(9, 161), slot(9, 161) + 12);
    writeFileSync(file, bytes);
    truncateSync(file, bytes.length - 1);
    expect(asking(open(), rows)).to.deep.equal({
      embeddings: [1001, 10010, 2002, 20020, 9161, 91610],
      asked: 3,
    });
    expect(asking(open(), rows).asked).to.equal(0);
  });

  it('makes a file with another header anew, and says so', () => {
    const file = teacherMemoryFile(folder(), key);
    writeFileSync(file, Buffer.alloc(teacherMemoryBytes(key), '{"format":2}'));
    const rows = [
      [1, 1],
      [2, 2],
    ] as const;
    expect(asking(open(), rows).asked).to.equal(2);
    expect(notices.join()).to.include(file).and.include('made anew');
    expect(asking(open(), rows).asked).to.equal(0);
  });

  it('is none where a teacher’s answers depend on the rest of their batch', () => {
    const rows = [
      [1, 1],
      [2, 2],
      [3, 3],
    ] as const;
    const { embeddings } = asking(open(), rows, (row) => row);
    expect(embeddings).to.equal(undefined);
    expect(notices.join()).to.include('depend on the rest of their batch');
    expect(readdirSync(folder())).to.deep.equal([]);
  });

  it('is none where no file can be made, says so, and ends no training', () => {
    writeFileSync(join(folder(), 'file'), '');
    for (const place of ['file', 'file/teachers']) {
      notices.splice(0);
      const memory = open({}, join(folder(), place));
      const rows = [
        [1, 1],
        [2, 2],
      ] as const;
      expect([1, 2].map(() => asking(memory, rows).embeddings)).to.deep.equal([
        undefined,
        undefined,
      ]);
      expect(notices).to.have.length(1);
      expect(notices.join()).to.match(/cannot be used \(E[A-Z]+\)/);
    }
  });

  it('remembers no more where nothing more can be written, for whatever reason', () => {
    const rows = [
      [1, 1],
      [2, 2],
    ] as const;
    const write = fs.writeSync;
    for (const [code, words] of [
      ['EDQUOT', 'quota'],
      ['EIO', 'cannot be used (EIO)'],
    ] as const) {
      const memory = open({ teacher: code });
      asking(memory, rows);
      try {
        fs.writeSync = (): never => {
          throw Object.assign(new Error('refused'), { code });
        };
        for (const asked of [1, 1]) {
          expect(asking(memory, [[3, 3], ...rows])).to.deep.equal({
            embeddings: [3003, 30030, 1001, 10010, 2002, 20020],
            asked,
          });
        }
      } finally {
        fs.writeSync = write;
      }
      expect(notices.splice(0).map((notice) => notice.includes(words))).to.deep.equal([true]);
    }
  });

  it('removes files that nobody has opened for long, and passes over what is gone', () => {
    const rows = [
      [1, 1],
      [2, 2],
    ] as const;
    const long = new Date('2020-01-01');
    const [used, unused] = ['ac', 'ad'].map((teacher) => {
      asking(open({ teacher }), rows);
      const file = teacherMemoryFile(folder(), { ...key, teacher });
      utimesSync(file, long, long);
      return file;
    });
    asking(open({ teacher: 'ac' }), rows);
    expect(statSync(String(used)).mtimeMs).to.be.above(Number(long));
    // As of a file that another process removes at this moment, and of something else in the folder.
    for (const name of ['gone.embeddings', 'other']) symlinkSync('nowhere', join(folder(), name));
    expect(asking(open(), rows).embeddings).to.have.length(4);
    expect([existsSync(String(used)), existsSync(String(unused))]).to.deep.equal([true, false]);
    expect(notices).to.deep.equal([]);
  });

  it('serves the methods that take nothing of a teacher but its embedding and what follows from it', () => {
    const classify = (): tf.Tensor2D => tf.zeros([1, 1]);
    const method = (...terms: Parameters<typeof remembers>[0]['terms'][number][]) => ({
      name: 'm',
      terms,
    });
    expect(remembers(method(crossEntropy(), kd(), normDirection()), { classify })).to.equal(true);
    expect(remembers(method(crossEntropy(), dkd()), { classify })).to.equal(true);
    expect(remembers(method(crossEntropy(), kd(), reviewKd()), { classify })).to.equal(false);
    expect(remembers(method(crossEntropy()), { classify })).to.equal(false);
    expect(remembers(method(kd()), {})).to.equal(false);
  });
});

describe('training with a teacher’s memory', () => {
  withEngine('native');
  const folder = withFolder();
  const dataset = smallDataset();
  const kdPlusPlus = [crossEntropy(), kd(), normDirection({ weight: 2 })];

  async function trained(
    name: string,
    memory: TeacherMemory | undefined,
    options: { terms?: readonly LossTerm[]; microBatch?: number; stop?: number } = {},
  ): Promise<{ hash: string; metrics: string }> {
    const { terms = kdPlusPlus, microBatch, stop } = options;
    const student = createModel('resnet8', { classes: 4, seed: 1 });
    const teacher = createModel('resnet14', { classes: 4, seed: 9 });
    const directory = join(folder(), name);
    try {
      await trainClassifier({
        ...{ directory, recipeHash: 'recipe', seed: 3, student, dataset },
        teacher: { model: teacher, classMeans: new Float32Array(4 * 64).fill(0.1), memory },
        recipe: {
          ...{ student: 'resnet8', method: { name: 'kd++', terms }, epochs: 3, batchSize: 16 },
          ...{ learningRate: 0.05, augmentation: 'pad-crop-flip', microBatch },
          schedule: { kind: 'step', milestones: [2], factor: 0.1 },
          optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
        },
        ...(stop === undefined ? {} : stopAfter(stop)),
      }).catch((error: unknown) => {
        if (stop === undefined) throw error;
      });
      const metrics = stop === undefined ? readFileSync(join(directory, 'metrics.jsonl')) : '';
      return { hash: hashStateDict(student.stateDict()), metrics: String(metrics) };
    } finally {
      student.dispose();
      teacher.dispose();
    }
  }

  const open = (): TeacherMemory =>
    openTeacherMemory({
      folder: join(folder(), 'teachers'),
      key: {
        ...{ teacher: 'resnet14', data: dataset.hash, precision: 'f32', engine: 'here' },
        ...{ images: dataset.train.count, size: 64 },
      },
      onNotice: (message) => expect.fail(message),
    });

  it('gives the bytes of a training without, while it fills and when it is full', async () => {
    const without = await trained('without', undefined);
    const first = open();
    expect(await trained('filling', first)).to.deep.equal(without);
    expect(first.counts.asked).to.be.greaterThan(2 * dataset.train.count);
    first.dispose();
    const second = open();
    expect(await trained('full', second)).to.deep.equal(without);
    expect(second.counts.asked).to.equal(0);
    expect(second.counts.remembered).to.equal(3 * dataset.train.count);
    second.dispose();
  });

  it('gives them in parts of a batch too, and over a stop', async () => {
    const parts = { microBatch: 6 };
    const without = await trained('without', undefined, parts);
    const memory = open();
    await trained('stopped', memory, { ...parts, stop: 4 });
    expect(await trained('stopped', memory, parts)).to.deep.equal(without);
    memory.dispose();
  });

  it('shares what one method asked with the next', async () => {
    const memory = open();
    await trained('kd++', memory);
    const { asked } = memory.counts;
    const terms = [crossEntropy(), dkd()];
    const without = await trained('without', undefined, { terms });
    expect(await trained('dkd', memory, { terms })).to.deep.equal(without);
    expect(memory.counts.asked).to.equal(asked);
    memory.dispose();
  });

  it('is counted in what a plan should take: each view is asked once', () => {
    const { costs } = classification(dataset, { teacherMemory: folder() });
    const run = (terms: readonly LossTerm[], length: number): PlannedRun => ({
      ...{ kind: 'cell', pair: 'resnet14:resnet8', teacher: 'resnet14', student: 'resnet8' },
      ...{ method: 'm', seed: 1, directory: 'none', length, done: 0, finished: false },
      recipe: {
        ...{ student: 'resnet8', method: { name: 'm', terms }, epochs: length, batchSize: 16 },
        ...{ learningRate: 0.1, augmentation: 'pad-crop-flip', schedule: { kind: 'cosine' } },
        optimiser: { momentum: 0.9, weightDecay: 0, nesterov: true },
      },
    });
    const kdRun = run([crossEntropy(), kd()], 162);
    const dkdRun = run([crossEntropy(), dkd()], 162);
    const reviewed = run([crossEntropy(), reviewKd()], 162);
    const secondsOf = (one: PlannedRun, ...plan: PlannedRun[]): number =>
      costs.estimate(one, () => undefined, plan);
    // Of 162 draws of 162 views 1 − (161/162)^162 are new ones, of 324 draws half of what that gives twice.
    const [alone, two] = [162, 324].map((draws) => (162 * (1 - (161 / 162) ** draws)) / draws);
    const whole = secondsOf(reviewed, kdRun, reviewed);
    const spared = [secondsOf(kdRun, kdRun, reviewed), secondsOf(kdRun, kdRun, dkdRun)].map(
      (seconds) => whole - seconds,
    );
    expect(spared[0]).to.be.above(0);
    expect(Number(spared[1]) / Number(spared[0])).to.be.closeTo(
      (1 - Number(two)) / (1 - Number(alone)),
      1e-9,
    );
    // What was measured of a run that remembers says nothing of one that does not.
    expect(costs.key(kdRun)).to.equal(costs.key(dkdRun));
    expect(costs.key(kdRun)).to.not.equal(costs.key(reviewed));
  });
});
