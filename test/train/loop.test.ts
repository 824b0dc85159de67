import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { random } from '../../lib/engine/random';
import { decodeSafetensors } from '../../lib/formats/safetensors';
import { inMemorySource } from '../../lib/train/batch-source';
import { createLearner } from '../../lib/train/learner';
import type { Schedule } from '../../lib/train/schedule';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import {
  type Call,
  firstTerm,
  knownDataset,
  knownNetwork,
  secondTerm,
  spaceTerm,
} from '../support/known-network';
import { constant, numbered, run, stopAfter, trainingCalls } from '../support/known-run';
import { expectClose } from '../support/tensors';

describe('the learning rate that a step receives', () => {
  withEngine('plain');
  const folder = withFolder();

  // Four epochs of two steps, the rate of the recipe being 8; half a cosine passes (1 + √½) / 2 at a quarter.
  const cosine: Schedule = {
    kind: 'cosine',
    warmUpEpochs: 2,
    over: 'epochs after the warm-up',
  };
  const quarter = (8 * (1 + Math.SQRT1_2)) / 2;
  const cases: [string, Schedule, steps: number[], epochs: number[]][] = [
    ['is constant', constant, [8, 8, 8, 8, 8, 8, 8, 8], [8, 8, 8, 8]],
    [
      'falls in the epoch of each milestone',
      { kind: 'step', milestones: [1, 3], factor: 0.5 },
      [8, 8, 4, 4, 4, 4, 2, 2],
      [8, 4, 4, 2],
    ],
    ['rises over the warm-up by the epoch', cosine, [0, 0, 4, 4, 8, 8, 4, 4], [0, 4, 8, 4]],
    [
      'rises over the warm-up by the step',
      { ...cosine, by: 'step' },
      [0, 2, 4, 6, 8, quarter, 4, 8 - quarter],
      [0, 4, 8, 4],
    ],
  ];
  for (const [title, schedule, steps, epochs] of cases) {
    it(`${title}, and the metrics report an epoch’s first`, async () => {
      const { moves, metrics } = await run(folder(), { schedule, epochs: 4, learningRate: 8 });
      expectClose(moves, steps, 1e-5);
      expectClose(
        metrics.map(({ learningRate }) => learningRate),
        epochs,
        1e-12,
      );
    });

    it(`${title}, also where the run was stopped inside an epoch and goes on`, async () => {
      const changes = { schedule, epochs: 4, learningRate: 8 };
      const stopped = await run(folder(), changes, stopAfter(5));
      const { moves, metrics } = await run(folder(), changes);
      expectClose(
        [...stopped.moves, ...moves.slice(1)],
        [...steps.slice(0, 5), ...steps.slice(6)],
        1e-5,
      );
      expectClose(
        metrics.map(({ learningRate }) => learningRate),
        epochs,
        1e-12,
      );
    });
  }
});

describe('a run whose data give no batch', () => {
  withEngine('plain');
  const folder = withFolder();

  it('is refused rather than finished with nothing learnt', async () => {
    const source = inMemorySource(knownDataset(numbered(4), numbered(1)));
    const dataset = { ...source, trainingBatches: () => Readable.from([]) };
    const message = await run(folder(), {}, { dataset }).then(
      () => expect.fail('the run was finished'),
      (error: unknown) => String(error),
    );
    expect(message).to.match(/the data give no batch .*after epoch 0, batch 0/);
  });
});

describe('how training runs its networks', () => {
  withEngine('plain');
  const folder = withFolder();
  const test = [200, 201, 202].map((number) => ({ number, label: 1 }));
  const dataset = knownDataset(numbered(4), test);
  const told = ({ training, batchStatistics, numbers }: Call): string =>
    `${training ? 'training' : 'evaluation'}${batchStatistics ? ' by the batch' : ''}, ${numbers.length}`;

  for (const batchStatistics of [false, true]) {
    it(`trains the student, evaluates it, and never trains the teacher${batchStatistics ? ', whose norms a term wants by the batch' : ''}`, async () => {
      const teacher = knownNetwork({ weights: [100, 0] });
      const needs = batchStatistics
        ? (['teacher', 'teacher batch statistics'] as const)
        : (['teacher'] as const);
      const method = { name: 'taught', terms: [firstTerm({ needs })] };
      const { student, metrics } = await run(
        folder(),
        { method },
        { dataset, teacher: { model: teacher.model } },
      );
      const epoch = ['training, 2', 'training, 2', 'evaluation, 3'];
      expect(student.calls.map(told)).to.deep.equal([...epoch, ...epoch]);
      const step = batchStatistics ? 'evaluation by the batch, 2' : 'evaluation, 2';
      // It is measured once, before the first epoch, and then sees what the student sees.
      expect(teacher.calls.map(told)).to.deep.equal(['evaluation, 3', step, step, step, step]);
      expect(teacher.calls.slice(1).map(({ numbers }) => numbers)).to.deep.equal(
        student.calls.filter(({ training }) => training).map(({ numbers }) => numbers),
      );
      for (const at of [2, 5]) expect(student.calls[at]?.numbers).to.deep.equal([200, 201, 202]);
      expect(teacher.calls[0]?.numbers).to.deep.equal([200, 201, 202]);
      // Only training moves running statistics: of 2 · 4 images.
      expectClose(student.model.state.tensor('seen').value, [8]);
      expectClose(teacher.model.state.tensor('seen').value, [0]);
      expect(teacher.weights()).to.deep.equal([100, 0]);
      // (300 + 301 + 302) / 3; the student's `first` fell by 1 in each of two and four steps.
      expectClose(
        metrics.flatMap(({ teacherNorm, studentNorm }) => [teacherNorm ?? NaN, studentNorm]),
        [301, 199, 301, 197],
        1e-3,
      );
    });
  }

  it('does not measure a teacher again that has been measured', async () => {
    const teacher = knownNetwork();
    const measured = { model: teacher.model, embeddingNorm: 12, cosineToClassMean: 0.75 };
    const { metrics } = await run(folder(), { epochs: 1 }, { teacher: measured });
    expect(metrics[0]).to.include({ teacherNorm: 12, teacherCosine: 0.75 });
    expect(teacher.calls).to.deep.equal([]);
  });

  it('makes the adapter’s first weights from the seed', async () => {
    const other = { ...knownNetwork().model, embeddingSize: 3 };
    const classMeans = Float32Array.from({ length: 21 }, (_, at) => at % 5);
    const teacher = { model: other, classMeans, embeddingNorm: 1 };
    // One batch of all images, and next to no rate: nothing but the first weights is left to differ.
    const changes = {
      method: { name: 'adapted', terms: [spaceTerm] },
      batchSize: 4,
      epochs: 1,
      learningRate: 1e-9,
    };
    const cosineOf = async (seed: number): Promise<number> => {
      const { metrics } = await run(join(folder(), String(seed)), changes, { teacher, seed });
      return metrics[0]?.cosineToClassMean ?? NaN;
    };
    expect(Math.abs((await cosineOf(1)) - (await cosineOf(2)))).to.be.above(1e-3);
  });

  it('refuses to train without the teacher that the method needs, or for other classes', async () => {
    const method = { name: 'taught', terms: [firstTerm({ needs: ['teacher'] })] };
    const alone = await faultOf(() => run(folder(), { method }));
    expect(alone.what).to.equal("the method 'taught' needs a teacher");
    const spaced = await faultOf(() =>
      run(folder(), { method: { name: 's', terms: [spaceTerm] } }),
    );
    expect(spaced.what).to.equal("the method 's' needs a teacher");
    const teacher = { model: knownNetwork({ classes: 8 }).model };
    const apart = await faultOf(() => run(folder(), { method }, { teacher }));
    expect(apart.found).to.equal('known with 8, known with 7');
    const network = knownNetwork({ classes: 8 });
    const other = await faultOf(() => run(folder(), {}, { network }));
    expect(other.found).to.equal('8 and 7');
    const means = { name: 'directed', terms: [firstTerm({ needs: ['class means'] })] };
    const without = { teacher: { model: knownNetwork().model } };
    for (const options of [{}, without]) {
      const missing = await faultOf(() => run(folder(), { method: means }, options));
      expect(missing.what).to.include("needs the teacher's class means");
    }
  });

  it('computes in the recipe’s precision, which not every network can', async () => {
    const { what } = await faultOf(() => run(folder(), { precision: 'bf16' }));
    expect(what).to.equal('known computes in float32 only');
    const able = { ...knownNetwork().model, bfloat16: true };
    const teacher = { model: { ...knownNetwork().model, name: 'the teacher' } };
    const method = { name: 'taught', terms: [firstTerm({ needs: ['teacher'] })] };
    const notices: string[] = [];
    const onNotice = (message: string): void => void notices.push(message);
    createLearner({ student: able, teacher, method, precision: 'bf16', onNotice }).dispose();
    expect(notices).to.deep.equal([
      'the teacher has parts without bfloat16 and computes in float32',
    ]);
  });

  it('draws dropout from a stream of its own in every batch of every epoch', async () => {
    const drawnBy = async (seed: number): Promise<(number | undefined)[]> => {
      const done = await run(join(folder(), String(seed)), {}, { seed });
      return trainingCalls(done).map(({ drawn }) => drawn);
    };
    const drawn = await drawnBy(1);
    const streams = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ].map(([epoch = NaN, batch = NaN]) => random(1, 'dropout', epoch, batch).uniform());
    expect(drawn).to.deep.equal(streams);
    expect(new Set([...drawn, ...(await drawnBy(2))]).size).to.equal(8);
  });
});

describe('the metrics of an epoch', () => {
  withEngine('plain');
  const folder = withFolder();

  // Six of ten are taken for what they are; the others for a neighbour, which a second place would forgive.
  const images = Array.from({ length: 10 }, (_, number) => ({
    number,
    label: number % 5,
    takenFor: (number % 5) + (number < 6 ? 0 : 1),
  }));
  // Ranked 0, 1, 2, … where taken for 0: three first, five within five, two behind.
  const test = [0, 0, 0, 1, 1, 2, 3, 4, 5, 6].map((label) => ({ number: 0, label, takenFor: 0 }));
  const dataset = knownDataset(images, test);
  const terms = [firstTerm({ weight: 2 }), secondTerm({ weight: 3, warmUpEpochs: 2 })];
  const changes = { method: { name: 'two', terms }, batchSize: 4, learningRate: 0.5 };

  it('are means over its samples, in training and in the test', async () => {
    const losses: number[] = [];
    const told: string[] = [];
    const { metrics } = await run(folder(), changes, {
      dataset,
      network: knownNetwork({ weights: [0, 10] }),
      onBatch({ epoch, epochs, batch, batches, images: count, loss }) {
        told.push(`${epoch}/${epochs} ${batch}/${batches} ${count}`);
        losses.push(loss * count);
      },
    });
    const [one, two] = metrics;
    // `first` falls by 0.5 · 2 a step and the numbers' mean is 4.5: 2 · (4.5 + (4 · 0 − 4 · 1 − 2 · 2) / 10),
    // then 2 · (4.5 − (4 · 3 + 4 · 4 + 2 · 5) / 10). The other term has no weight, then 3 / 2, by which
    // `second` falls by 0.75 a step: 1.5 · (4 · 10 + 4 · 9.25 + 2 · 8.5) / 10.
    const expected = [
      [one, 7.4, 0, 7.4],
      [two, 1.4, 14.1, 15.5],
    ] as const;
    for (const [epoch, first, second, total] of expected) {
      const found = epoch?.losses ?? {};
      expect(Object.keys(found)).to.deep.equal([
        'first of the test',
        'second of the test',
        'total',
      ]);
      expectClose(Object.values(found), [first, second, total], 1e-4);
      expect(epoch).to.include({ trainTop1: 60, testTop1: 30, testTop5: 80, teacherNorm: null });
    }
    expect(metrics.map(({ epoch, step }) => [epoch, step])).to.deep.equal([
      [1, 3],
      [2, 6],
    ]);
    // Of the weights after the epoch, (−3, 10) and (−6, 10 − 3 · 0.75).
    expectClose(
      metrics.map(({ studentNorm }) => studentNorm),
      [Math.hypot(3, 10), Math.hypot(6, 7.75)],
      1e-4,
    );
    expect(told).to.deep.equal([
      '1/2 1/3 4',
      '1/2 2/3 4',
      '1/2 3/3 2',
      '2/2 1/3 4',
      '2/2 2/3 4',
      '2/2 3/3 2',
    ]);
    const epochs = [losses.slice(0, 3), losses.slice(3)];
    expectClose(
      epochs.map((of) => of.reduce((sum, loss) => sum + loss, 0)),
      [74, 155],
      1e-3,
    );
  });

  it('add up the terms of one name', async () => {
    const method = { name: 'twice', terms: [firstTerm({ weight: 2 }), firstTerm({ weight: 3 })] };
    const { metrics } = await run(
      folder(),
      { ...changes, method, learningRate: 1e-9 },
      { dataset },
    );
    expectClose(Object.values(metrics[0]?.losses ?? {}), [5 * 4.5, 5 * 4.5], 1e-4);
  });
});

describe('directions in an epoch’s metrics', () => {
  withEngine('plain');
  const folder = withFolder();
  const test = [0, 0, 1].map((label) => ({ number: 100, label }));
  const dataset = knownDataset(numbered(4), test, { classes: 3 });
  const still = { learningRate: 1e-9, epochs: 1 };

  it('are those of the embedding where teacher and student share a space', async () => {
    const classMeans = Float32Array.of(1, 0, 0, 1, 5, 5);
    // The teacher’s embeddings are (−100, 0), the student’s (100, 0).
    const teacher = { model: knownNetwork({ classes: 3, weights: [-200, 0] }).model, classMeans };
    const both = knownNetwork({ classes: 3, twoTokens: true });
    for (const [name, data] of Object.entries({ dataset, source: inMemorySource(dataset) })) {
      const network = knownNetwork({ classes: 3 });
      const done = await run(join(folder(), name), still, { dataset: data, teacher, network });
      const { cosineToClassMean, teacherCosine, studentNorm, cosineByClass } =
        done.metrics[0] ?? {};
      expectClose(
        [cosineToClassMean ?? NaN, teacherCosine ?? NaN, studentNorm ?? NaN],
        [2 / 3, -2 / 3, 100],
      );
      expect(cosineByClass).to.deep.equal([1, 0, null]);
    }
    // With two tokens (50, 50): half way between both class means; the norm is the embedding’s own.
    const two = await run(join(folder(), 'two'), still, { dataset, teacher, network: both });
    expectClose(
      [two.metrics[0]?.cosineToClassMean ?? NaN, two.metrics[0]?.studentNorm ?? NaN],
      [Math.SQRT1_2, 100],
      1e-4,
    );
  });

  it('are those of the adapter, as it was saved, where they do not', async () => {
    const classMeans = Float32Array.of(1, 0, 0, 0, 1, 0, 5, 5, 5);
    const other = { ...knownNetwork({ classes: 3 }).model, embeddingSize: 3 };
    const teacher = { model: other, classMeans, embeddingNorm: 1 };
    const network = knownNetwork({ classes: 3, weights: [0, 3] });
    const method = { name: 'adapted', terms: [spaceTerm] };
    const { metrics } = await run(
      folder(),
      { method, epochs: 1, learningRate: 3 },
      { dataset, teacher, network },
    );
    const checkpoints = join(folder(), 'checkpoints');
    const newest =
      readdirSync(checkpoints)
        .filter((name) => name.endsWith('.safetensors'))
        .sort()
        .at(-1) ?? '';
    const { tensors } = decodeSafetensors(readFileSync(join(checkpoints, newest)), newest);
    const saved = (name: string): number[] =>
      Array.from(tensors.get(`adapter/${name}`)?.data ?? []);
    const [scale, shift, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
      (name) => saved(`0.${name}`),
    );
    const normalised = [100 + (network.weights()[0] ?? NaN), network.weights()[1] ?? NaN].map(
      (value, at) =>
        ((value - (mean?.[at] ?? NaN)) / Math.sqrt((variance?.[at] ?? NaN) + 1e-5)) *
          (scale?.[at] ?? NaN) +
        (shift?.[at] ?? NaN),
    );
    const [weight, bias] = [saved('2.weight'), saved('2.bias')];
    const adapted = [0, 1, 2].map(
      (row) =>
        (weight[2 * row] ?? NaN) * (normalised[0] ?? NaN) +
        (weight[2 * row + 1] ?? NaN) * (normalised[1] ?? NaN) +
        (bias[row] ?? NaN),
    );
    const [toFirst = NaN, toSecond = NaN] = adapted.map((value) => value / Math.hypot(...adapted));
    expect(metrics[0]?.cosineToClassMean).to.be.closeTo((2 * toFirst + toSecond) / 3, 1e-5);
    // A gradient of 1/3 a bias and two steps of rate 3, from biases within ±1/√2.
    bias.forEach((value) => expect(value).to.be.within(-2 - Math.SQRT1_2, -2 + Math.SQRT1_2));
  });

  it('are none where the student does not reach the class means', async () => {
    const other = { ...knownNetwork({ classes: 3 }).model, embeddingSize: 3 };
    const teacher = { model: other, classMeans: new Float32Array(9).fill(1), embeddingNorm: 1 };
    const { metrics } = await run(folder(), still, {
      dataset,
      teacher,
      network: knownNetwork({ classes: 3 }),
    });
    expect(metrics[0]?.cosineToClassMean).to.equal(null);
  });
});
