import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import type { Detector } from '../../lib/detection/detector';
import { detectObjects } from '../../lib/detection/inference';
import { intersectionOverUnion } from '../../lib/detection/boxes';
import { type DetectorTraining, trainDetector } from '../../lib/detection/train-detector';
import { readDetectionMetrics } from '../../lib/detection/training-metrics';
import { hashStateDict } from '../../lib/nn/hash';
import { rateAtIteration } from '../../lib/train/schedule';
import { shapesBatch, shapesBatches, tinyDetector, tinyLearner } from '../support/detector';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

describe('the learning rate of a detector', () => {
  const schedule = { base: 0.02, milestones: [60_000, 80_000] };

  it('warms up over 1000 iterations from a thousandth', () => {
    expect(rateAtIteration(schedule, 0)).to.be.closeTo(0.00002, 1e-12);
    expect(rateAtIteration(schedule, 500)).to.be.closeTo(0.02 * (0.001 * 0.5 + 0.5), 1e-12);
    expect(rateAtIteration(schedule, 1000)).to.equal(0.02);
  });

  it('falls to a tenth at each milestone', () => {
    expect(rateAtIteration(schedule, 59_999)).to.equal(0.02);
    expect(rateAtIteration(schedule, 60_000)).to.be.closeTo(0.002, 1e-12);
    expect(rateAtIteration(schedule, 89_999)).to.be.closeTo(0.0002, 1e-12);
  });
});

describe('training a detector', () => {
  withEngine('native');
  const folder = withFolder();

  async function run(
    student: Detector,
    name: string,
    options: Partial<DetectorTraining> = {},
  ): Promise<void> {
    const learner = tinyLearner({ student });
    try {
      await trainDetector({
        learner,
        iterations: 6,
        schedule: { base: 0.01, milestones: [5], warmUp: { iterations: 2, factor: 0.1 } },
        batches: shapesBatches,
        directory: join(folder(), name),
        recipeHash: 'recipe',
        metricsEvery: 4,
        checkpointEvery: 2,
        ...options,
      });
    } finally {
      learner.dispose();
    }
  }

  it('learns two images: the loss falls and their objects are found', () => {
    const student = tinyDetector();
    const optimiser = { kind: 'adamw', betas: [0.9, 0.999], weightDecay: 1e-4 } as const;
    const learner = tinyLearner({ student, optimiser });
    const batch = shapesBatch(0);
    const step = (iteration: number): ReturnType<typeof learner.step> =>
      learner.step(batch, { iteration, learningRate: iteration < 20 ? 0.003 : 0.0002 });
    const first = step(0);
    const tensors = tf.memory().numTensors;
    for (let iteration = 1; iteration < 25; iteration++) step(iteration);
    const last = step(25);
    expect(tf.memory().numTensors).to.equal(tensors);
    // The boxes' loss grows at first, with the number of proposals that meet an object.
    const [objectness = 0, , classification = 0] = last.losses;
    expect(objectness).to.be.below((first.losses[0] ?? 0) / 5);
    expect(classification).to.be.below((first.losses[2] ?? 0) / 2);
    const images = tf.tensor4d(batch.images, [2, 64, 64, 3]);
    const found = detectObjects(student, images, batch.items);
    batch.items.forEach(({ boxes, labels }, index) => {
      const best = found[index];
      // The image was twice as large before.
      const truth = boxes.map((edge) => 2 * edge);
      expect(best?.labels[0]).to.equal(labels[0]);
      expect(intersectionOverUnion(best?.boxes ?? truth, 0, truth, 0)).to.be.above(0.3);
    });
    images.dispose();
    learner.dispose();
    student.dispose();
  });

  it('goes on after a cut with the bytes of an unbroken run, metrics included', async () => {
    const unbroken = tinyDetector();
    await run(unbroken, 'unbroken');
    const broken = tinyDetector();
    const controller = new AbortController();
    const fault = await faultOf(() =>
      run(broken, 'broken', {
        signal: controller.signal,
        onBatch: ({ step }) => step === 3 && controller.abort(),
      }),
    );
    expect(fault.kind).to.equal('interrupted');
    expect(fault.what).to.include('after iteration 3');
    const resumed = tinyDetector({ seed: 99 });
    const notices: string[] = [];
    await run(resumed, 'broken', { onNotice: (message) => notices.push(message) });
    expect(notices).to.deep.equal(['resumed after iteration 3']);
    expect(hashStateDict(resumed.stateDict())).to.equal(hashStateDict(unbroken.stateDict()));
    const metrics = (name: string): string =>
      readFileSync(join(folder(), name, 'metrics.jsonl'), 'utf8');
    expect(metrics('broken')).to.equal(metrics('unbroken'));
    const lines = readDetectionMetrics(join(folder(), 'broken'));
    expect(lines.map(({ iteration }) => iteration)).to.deep.equal([4, 6]);
    expect(Object.keys(lines[0]?.losses ?? {})).to.deep.equal([
      'objectness',
      'proposalBox',
      'classification',
      'box',
    ]);
    for (const detector of [unbroken, broken, resumed]) detector.dispose();
  });

  it('falls back on the checkpoint before a damaged one, and refuses those of another recipe', async () => {
    const first = tinyDetector();
    await run(first, 'run');
    const checkpoints = join(folder(), 'run', 'checkpoints');
    cpSync(join(folder(), 'run'), join(folder(), 'other'), { recursive: true });
    const path = join(checkpoints, 'step-00000006.safetensors');
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const second = tinyDetector({ seed: 99 });
    const notices: string[] = [];
    await run(second, 'run', { onNotice: (message) => notices.push(message) });
    expect(notices[0]).to.match(/^checkpoint step-00000006 cannot be used/);
    expect(notices[1]).to.equal('resumed after iteration 4');
    expect(hashStateDict(second.stateDict())).to.equal(hashStateDict(first.stateDict()));
    const fault = await faultOf(() => run(second, 'other', { recipeHash: 'another' }));
    expect(fault.what).to.equal('no checkpoint of this run can be used');
    first.dispose();
    second.dispose();
  });

  it('stops at a loss that is not finite, with no weight changed', async () => {
    const student = tinyDetector({ norm: 'frozen' });
    const name = 'roi_heads.box_predictor.cls_score.bias';
    const weights = student.stateDict();
    student.loadStateDict(weights.set(name, { shape: [3], data: Float32Array.of(3e38, -3e38, 0) }));
    const before = hashStateDict(student.stateDict());
    const learner = tinyLearner({ student });
    const fault = await faultOf(() =>
      learner.step(shapesBatch(0), { iteration: 7, learningRate: 0.01 }),
    );
    expect(fault.kind).to.equal('numerics');
    expect(fault.where).to.equal('iteration 8');
    expect(hashStateDict(student.stateDict())).to.equal(before);
    learner.dispose();
    student.dispose();
  });

  it('trains on an image without objects', () => {
    const student = tinyDetector();
    const learner = tinyLearner({ student });
    const batch = shapesBatch(0);
    const items = batch.items.map((item) => ({
      ...item,
      boxes: new Float32Array(0),
      labels: new Int32Array(0),
    }));
    const { total, objects, losses } = learner.step(
      { ...batch, items },
      { iteration: 0, learningRate: 0.01 },
    );
    expect(objects).to.equal(0);
    expect(total).to.be.above(0);
    expect([losses[1], losses[3]]).to.deep.equal([0, 0]);
    learner.dispose();
    student.dispose();
  });
});
