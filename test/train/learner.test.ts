import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import type { BatchSignals, FeaturePlace } from '../../lib/distill/term';
import type { PartContext } from '../../lib/distill/terms';
import { random } from '../../lib/engine/random';
import type { Model } from '../../lib/nn/model';
import { inMemorySource } from '../../lib/train/batch-source';
import { type Batch, createLearner, type LearnerOptions } from '../../lib/train/learner';
import type { OptimiserOptions } from '../../lib/train/optimiser';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import {
  firstTerm,
  knownDataset,
  type KnownNetwork,
  knownNetwork,
  type KnownNetworkOptions,
  memoryTerm,
  secondTerm,
  spaceTerm,
} from '../support/known-network';
import { numbered, run, stopAfter, trainingCalls } from '../support/known-run';
import { expectClose, numbers } from '../support/tensors';

const plain = { momentum: 0, weightDecay: 0, nesterov: false };

/** Images of these numbers and labels, of which the network takes all for class 0. */
function batchOf(values: readonly number[], labels = values.map(() => 0)): Batch {
  const pixels = values.flatMap((value) => [value, 0, 0]);
  return {
    images: tf.tensor4d(pixels, [values.length, 1, 1, 3]),
    labels: tf.tensor1d(labels, 'int32'),
  };
}

function learnerOf(
  { method, ...options }: Partial<LearnerOptions>,
  network: KnownNetworkOptions = {},
): { learner: ReturnType<typeof createLearner>; student: KnownNetwork } {
  const student = knownNetwork(network);
  const learner = createLearner({
    student: student.model,
    method: method ?? { name: 'known', terms: [firstTerm()] },
    ...options,
  });
  return { learner, student };
}

describe('bfloat16', () => {
  withEngine('plain');

  const made = (student: boolean, teacher?: boolean, asked = true): string[] => {
    const network = (bfloat16: boolean, name: string): Model => ({
      ...knownNetwork().model,
      ...{ bfloat16, name },
    });
    const notices: string[] = [];
    const needed = teacher !== undefined && asked;
    createLearner({
      student: network(student, 'one'),
      ...(teacher === undefined ? {} : { teacher: { model: network(teacher, 'other') } }),
      method: { name: 'known', terms: [firstTerm(needed ? { needs: ['teacher'] } : {})] },
      precision: 'bf16',
      onNotice: (message) => notices.push(message),
    }).dispose();
    return notices;
  };

  it('is refused by name where no network that computes has it, and said of one that has not', () => {
    expect(() => made(false)).to.throw(/^one computes in float32 only/);
    expect(() => made(false, false)).to.throw(/^one and other compute in float32 only/);
    expect(() => made(false, true, false)).to.throw(/^one computes in float32 only/);
    const stays = 'has parts without bfloat16 and computes in float32';
    expect(made(false, true)).to.deep.equal([`one ${stays}`]);
    expect(made(true, false)).to.deep.equal([`other ${stays}`]);
    for (const teacher of [undefined, true]) expect(made(true, teacher)).to.deep.equal([]);
    expect(made(true, false, false)).to.deep.equal([]);
  });
});

describe('a learner', () => {
  withEngine('plain');

  it('is not made without the class means that its method needs', async () => {
    const method = { name: 'directed', terms: [firstTerm({ needs: ['class means'] })] };
    const teacher = { model: knownNetwork().model };
    const { kind, what } = await faultOf(() => learnerOf({ method, teacher }));
    expect([kind, what]).to.deep.equal([
      'option',
      "the method 'directed' needs the teacher's class means",
    ]);
  });
});

describe('how far a weight moves in each step', () => {
  withEngine('plain');
  const folder = withFolder();

  // Four steps of rate 1 along a gradient of 1, from a weight of 10.
  const cases: [string, OptimiserOptions, number[]][] = [
    ['SGD', plain, [1, 1, 1, 1]],
    // v = 1, 1 + 0.5, …
    ['momentum', { ...plain, momentum: 0.5 }, [1, 1.5, 1.75, 1.875]],
    ['Nesterov', { ...plain, momentum: 0.5, nesterov: true }, [1.5, 1.75, 1.875, 1.9375]],
    // 1 + 0.1 · 10, 1 + 0.1 · 8, 1 + 0.1 · 6.2, 1 + 0.1 · 4.58
    ['weight decay', { ...plain, weightDecay: 0.1 }, [2, 1.8, 1.62, 1.458]],
    // m / √v is 1 for a gradient that stays, and vectors do not decay.
    ['AdamW', { kind: 'adamw', betas: [0.9, 0.95], weightDecay: 0.3 }, [1, 1, 1, 1]],
  ];
  for (const [title, optimiser, expected] of cases) {
    it(`follows the recipe’s optimiser: ${title}, also after a stop`, async () => {
      const network = (): KnownNetwork => knownNetwork({ weights: [10, 0] });
      const whole = await run(join(folder(), 'whole'), { optimiser }, { network: network() });
      expectClose(whole.moves, expected, 1e-4);
      const place = join(folder(), 'stopped');
      await run(place, { optimiser }, { network: network(), ...stopAfter(3) });
      const { moves } = await run(place, { optimiser }, { network: network() });
      // The network begins anew at 10 and is put where it stood; then it makes the fourth step.
      expect(10 - (moves[0] ?? NaN)).to.be.closeTo(whole.student.weights()[0] ?? NaN, 1e-5);
      expect(moves).to.have.length(1);
    });
  }

  it('is Nesterov’s with momentum 0.9 and decay 5e-4 where nothing is said, as in the paper', () => {
    const { learner, student } = learnerOf({}, { weights: [10, 0] });
    learner.step(batchOf([1, 2]), { epoch: 0, learningRate: 1 });
    // (1 + 5e-4 · 10) · (1 + 0.9)
    expectClose(student.weights(), [10 - 1.005 * 1.9, 0], 1e-5);
  });

  it('is cut off by the norm over all weights, of whole batches and of batches in parts', async () => {
    const terms = [firstTerm({ weight: 3 }), secondTerm({ weight: 4 })];
    const changes = { method: { name: 'two', terms }, batchSize: 4, epochs: 1 };
    for (const [clipNorm, microBatch, expected] of [
      [2, undefined, [-1.2, -1.6]],
      [2, 3, [-1.2, -1.6]],
      [6, undefined, [-3, -4]],
    ] as const) {
      const parts = microBatch === undefined ? {} : { microBatch };
      const { student } = await run(join(folder(), `${clipNorm} ${microBatch}`), {
        ...changes,
        clipNorm,
        ...parts,
      });
      expectClose(student.weights(), expected, 1e-4);
    }
  });

  it('is warmed up with its term, epoch by epoch', async () => {
    const method = { name: 'warm', terms: [firstTerm({ weight: 8, warmUpEpochs: 2 })] };
    const { moves } = await run(folder(), { method, epochs: 4, batchSize: 4 });
    expectClose(moves, [0, 4, 8, 8], 1e-5);
  });
});

describe('a batch in parts, as the metrics show it', () => {
  withEngine('plain');
  const folder = withFolder();

  it('counts every sample once', async () => {
    const images = [10, 20, 30, 80].map((number) => ({
      number,
      label: 1,
      takenFor: number < 80 ? 1 : 2,
    }));
    const dataset = knownDataset(images, images);
    const done = await run(folder(), { batchSize: 4, microBatch: 3, epochs: 1 }, { dataset });
    const calls = trainingCalls(done);
    expect(calls.map(({ numbers: of }) => of.length)).to.deep.equal([3, 1]);
    expect(calls.flatMap(({ numbers: of }) => of).sort()).to.deep.equal([10, 20, 30, 80]);
    const [epoch] = done.metrics;
    expectClose(Object.values(epoch?.losses ?? {}), [35, 35], 1e-4);
    expect(epoch?.trainTop1).to.equal(75);
    expect(done.moves).to.deep.equal([1]);
    // Dropout goes on from part to part.
    const stream = random(1, 'dropout', 0, 0);
    expect(calls.map(({ drawn }) => drawn)).to.deep.equal([stream.uniform(), stream.uniform()]);
  });
});

describe('the running average of weights, in training', () => {
  withEngine('plain');
  const folder = withFolder();
  // The weight is 0, −1, −2, −3, −4; half of the average stays at each step.
  const averages = [-0.5, -1.25, -2.125, -3.0625];
  const changes = { weightAverage: { decay: 0.5 } };
  const dataset = knownDataset(numbered(4), [{ number: 0, label: 0 }]);

  it('is evaluated and left in the student, and training goes on without it', async () => {
    const done = await run(folder(), changes, { dataset });
    expectClose(done.moves, [1, 1, 1, 1]);
    expect(trainingCalls(done).map(({ weights }) => weights[0])).to.deep.equal([0, -1, -2, -3]);
    expectClose(
      done.metrics.map(({ studentNorm }) => studentNorm),
      [-(averages[1] ?? NaN), -(averages[3] ?? NaN)],
    );
    expectClose(done.student.weights(), [averages[3] ?? NaN, 0]);
  });

  it('is the same after a stop, and of a run that was finished already', async () => {
    await run(folder(), changes, { dataset, ...stopAfter(3) });
    for (const steps of [1, 0]) {
      const { moves, student } = await run(folder(), changes, { dataset });
      expect(moves).to.have.length(steps);
      expectClose(student.weights(), [averages[3] ?? NaN, 0]);
    }
  });

  it('is not kept unless the recipe says so', async () => {
    expectClose((await run(folder(), {}, { dataset })).student.weights(), [-4, 0]);
  });
});

describe('what a term is given and keeps', () => {
  withEngine('plain');
  const folder = withFolder();

  for (const worst of [NaN, Infinity]) {
    it(`trains and remembers its own, part by part, and nothing of a step whose loss is ${worst}`, async () => {
      const kept: number[] = [];
      const prepared: number[] = [];
      const factor = (part: number): number => (part < 4 ? 1 : worst);
      const { learner, student } = learnerOf({
        method: {
          name: 'remembering',
          terms: [firstTerm(), memoryTerm({ kept, factor, prepared })],
        },
        optimiser: plain,
        microBatch: 2,
      });
      const step = (): unknown => learner.step(batchOf([1, 3, 5]), { epoch: 0, learningRate: 0.5 });
      step();
      step();
      // The mean numbers of the parts, then lower by the step's half.
      expectClose(kept, [2, 5, 1.5, 4.5]);
      expect(prepared).to.deep.equal([2, 1, 2, 1]);
      const weights = (): number[] => [
        ...student.weights(),
        ...learner.objective.trainable.flatMap(({ value }) => numbers(value)),
      ];
      expectClose(weights(), [-1, 0, -1]);
      const { kind, found } = await faultOf(step);
      expect(kind).to.equal('numerics');
      expect(found).to.include('first of the test').and.include(`memory of the test ${-worst}`);
      expectClose(weights(), [-1, 0, -1]);
      expect(kept).to.have.length(4);
    });
  }

  it('is made from the run’s seed and the training set', async () => {
    const contexts: PartContext[] = [];
    const term = memoryTerm({ kept: [], made: (context) => void contexts.push(context) });
    const images = [3, 1, 2, 0].map((label) => ({ number: 1, label }));
    const changes = { method: { name: 'made', terms: [term] }, epochs: 1 };
    const classMeansAt = new Map<FeaturePlace, Float32Array>([['logits', Float32Array.of(7)]]);
    const teacher = { model: knownNetwork().model, embeddingNorm: 1, classMeansAt };
    const dataset = knownDataset(images, images);
    const { student } = await run(folder(), changes, { seed: 5, dataset, teacher });
    expect(contexts).to.have.length(1);
    const [context] = contexts;
    expect(context).to.include({
      student: student.model,
      teacher: teacher.model,
      seed: 5,
      samples: 4,
      classMeansAt,
    });
    expect(Array.from(context?.labels ?? [])).to.deep.equal([3, 1, 2, 0]);
  });

  it('drops half of what the adapter reads, or as much as it is told', () => {
    const model = { ...knownNetwork().model, embeddingSize: 3 };
    const lossesWith = (changes: Partial<LearnerOptions>): Set<number> => {
      const { learner } = learnerOf({
        method: { name: 'adapted', terms: [spaceTerm] },
        teacher: { model },
        ...changes,
      });
      const batch = batchOf([1, 2, 3, 5]);
      const steps = [1, 2, 3, 4].map((seed) =>
        learner.step(batch, { epoch: 0, learningRate: 1e-12, random: random(seed) }),
      );
      return new Set(steps.map(({ total }) => Number(total.toFixed(5))));
    };
    expect(lossesWith({}).size).to.be.above(1);
    expect(lossesWith({ adapterDropout: 0 }).size).to.equal(1);
  });

  it('draws dropout from the seed and the step where a step is given no stream', () => {
    const drawnWith = (seed: number): unknown[] => {
      const { learner, student } = learnerOf({ seed });
      for (const epoch of [0, 1, 2]) learner.step(batchOf([1, 2]), { epoch, learningRate: 1 });
      return student.calls.map(({ drawn }) => drawn);
    };
    expect(new Set([...drawnWith(1), ...drawnWith(2)]).size).to.equal(6);
    expect(drawnWith(1)).to.deep.equal(drawnWith(1));
    // What a stop between two steps must not change.
    const begun = learnerOf({ seed: 1 });
    begun.learner.step(batchOf([1, 2]), { epoch: 0, learningRate: 1 });
    const resumed = learnerOf({ seed: 1 });
    resumed.learner.restore(begun.learner.save(), 'a save');
    for (const epoch of [1, 2]) {
      resumed.learner.step(batchOf([1, 2]), { epoch, learningRate: 1 });
    }
    const drawn = [...begun.student.calls, ...resumed.student.calls].map((call) => call.drawn);
    expect(drawn).to.deep.equal(drawnWith(1));
  });

  it('sees labels, partners and shares of mixed images, and counts the larger part’s', async () => {
    const labels = [1, 2, 3, 4];
    const images = labels.map((label) => ({ number: label, label, takenFor: 1 }));
    const dataset = knownDataset(images, images);
    const source = {
      ...inMemorySource(dataset),
      async *trainingBatches() {
        const pixels = labels.flatMap((label) =>
          Array.from({ length: 4 }, () => [label, 1, 0]).flat(),
        );
        yield await Promise.resolve({
          images: Float32Array.from(pixels),
          labels: Int32Array.from(labels),
          indices: Int32Array.of(0, 1, 2, 3),
          count: 4,
          mix: {
            partner: Int32Array.of(3, 0, 1, 0),
            lambda: Float32Array.of(0.75, 0.25, 0.125, 0.5),
          },
        });
      },
    };
    const seen: number[][] = [];
    const see = ({ mix }: BatchSignals): void => {
      if (mix) seen.push([mix.labels, mix.partners, mix.lambda].flatMap((of) => numbers(of)));
    };
    for (const microBatch of [undefined, 3]) {
      const method = { name: 'mixed', terms: [firstTerm({ see })] };
      const parts = microBatch === undefined ? {} : { microBatch };
      const changes = { method, batchSize: 4, epochs: 1, ...parts };
      const { metrics } = await run(join(folder(), String(microBatch)), changes, {
        dataset: source,
      });
      // All are taken for class 1: of the larger parts, 1, 1, 2 and, for a half, the own one, 4.
      expect(metrics[0]?.trainTop1).to.equal(50);
    }
    expect(seen).to.deep.equal([
      [1, 2, 3, 4, 4, 1, 2, 1, 0.75, 0.25, 0.125, 0.5],
      [1, 2, 3, 4, 1, 2, 0.75, 0.25, 0.125],
      [4, 1, 0.5],
    ]);
  });

  it('sees the class means row by row, and both tokens’ mean as the embedding', () => {
    const seen: BatchSignals[] = [];
    const see = (signals: BatchSignals): void =>
      void seen.push({
        ...signals,
        classMeans: tf.keep(tf.clone(signals.classMeans ?? tf.zeros([1, 1]))) as tf.Tensor2D,
        studentEmbedding: tf.keep(tf.clone(signals.studentEmbedding)),
      });
    const { learner } = learnerOf(
      {
        method: { name: 'seeing', terms: [firstTerm({ see })] },
        teacher: {
          model: knownNetwork({ classes: 3 }).model,
          classMeans: Float32Array.of(1, 2, 3, 4, 5, 6),
        },
      },
      { classes: 3, weights: [0, 8], twoTokens: true },
    );
    learner.step(batchOf([2, 4]), { epoch: 0, learningRate: 1 });
    const [signals] = seen;
    expect(signals?.classMeans?.arraySync()).to.deep.equal([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    // (2, 8) and (0, 2); (4, 8) and (0, 4).
    expect(signals?.studentEmbedding.arraySync()).to.deep.equal([
      [1, 5],
      [2, 6],
    ]);
    expect(learner.adapter).to.equal(undefined);
  });
});
