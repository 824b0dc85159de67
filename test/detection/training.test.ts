import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { proposalTargets } from '../../lib/detection/box-head';
import { intersectionOverUnion } from '../../lib/detection/boxes';
import type { Detector } from '../../lib/detection/detector';
import { detectObjects } from '../../lib/detection/inference';
import { createDetectionLearner } from '../../lib/detection/learner';
import { anchorTargets } from '../../lib/detection/proposals';
import { type DetectorTraining, trainDetector } from '../../lib/detection/train-detector';
import { readDetectionMetrics } from '../../lib/detection/training-metrics';
import { kd, normDirection } from '../../lib/distill/terms';
import type { Precision } from '../../lib/engine/precision';
import { random } from '../../lib/engine/random';
import { LabError } from '../../lib/errors';
import { hashStateDict } from '../../lib/nn/state';
import type { BatchState } from '../../lib/train/task';
import {
  type Answer,
  scriptedDetector,
  shapesBatch,
  shapesBatches,
  tinyDetector,
  tinyLearner,
} from '../support/detector';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { filesIn } from '../support/known-run';
import { expectClose } from '../support/tensors';

for (const engine of engines) {
  describe(`a step of a detector’s training (${engine})`, () => {
    withEngine(engine);

    const item = {
      ...(shapesBatch(0).items[0] ?? expect.fail('no image')),
      boxes: Float32Array.of(0, 0, 16, 9, 40, 20, 56, 30),
      labels: Int32Array.of(1, 0),
    };
    const empty = { ...item, boxes: new Float32Array(0), labels: new Int32Array(0) };

    it('has the losses of its samples: anchors over 256 an image, regions over their number', () => {
      // Eight anchors of 16 × 16. Two overlap an object, by 9 / 16 and 10 / 16: as its best one it is no
      // background to the proposal network, and as a proposal it is an object.
      const corners = [...Array(8).keys()].map((at) => [20 * (at % 3), 20 * Math.floor(at / 3)]);
      const script: Record<string, Answer> = {
        // The objects themselves, which are added to the proposals; right but for half of the probability.
        '0 0 16 9': { scores: [0, 0.5], deltas: [9, 9, 9, 9, 0, 0, 0, 0] },
        '40 20 56 30': { scores: [0.5, 0], deltas: [0, 0, 0, 0, 9, 9, 9, 9] },
        '0 0 16 16': { scores: [0.5, 0.25], deltas: [9, 9, 9, 9, 1, 0, 0, 0] },
        '40 20 56 36': { scores: [0.125, 0.5], deltas: [0, 0, 0, 2, 9, 9, 9, 9] },
      };
      const student = scriptedDetector({
        classes: 2,
        levels: [corners.map(([x = 0, y = 0]) => [x, y, x + 16, y + 16])],
        say: (box) => script[box.join(' ')] ?? { scores: [0.1, 0.1] },
      });
      const learner = createDetectionLearner({ student, seed: 1 });
      const { losses, total, objects } = learner.step(
        { ...shapesBatch(0), items: [item, empty] },
        { iteration: 0, learningRate: 0.01 },
      );
      // How much higher the centres are, in heights of the anchor, and how much lower the boxes.
      const up = [3.5 / 16, 3 / 16] as const;
      const shrunk = [Math.log(16 / 9), Math.log(16 / 10)] as const;
      const background = Math.log(1 / 0.8);
      const expected = [
        (16 * Math.log(2)) / (2 * 256),
        (up[0] + up[1] + shrunk[0] + shrunk[1]) / (2 * 256),
        // 10 regions of the first image; of the second the same anchors as background, ¼ and ⅜ of which it is.
        (2 * Math.log(2) + Math.log(4) + Math.log(8) + 6 * background) / 18 +
          (Math.log(4) + Math.log(8 / 3) + 6 * background) / 18,
        (1 + 10 * up[0] + 5 * shrunk[0] + 10 * up[1] + 5 * shrunk[1] + 2) / 18,
      ];
      expectClose([...losses], expected, 1e-5);
      expect(total).to.be.closeTo(
        expected.reduce((sum, loss) => sum + loss, 0),
        1e-5,
      );
      expect(objects).to.equal(4);
      learner.dispose();
      student.dispose();
    });

    it('proposes of 2000 a level 1000, thinned out at 0.7; 1000 of 1000 when the detector is used', () => {
      // Four times each: only the first of four stays. 500 places among the first 2000, 250 among 1000.
      const places = (count: number): number[][] =>
        Array.from({ length: count }, (_, at) => {
          const [x, y] = [4 * (at % 64), 4 * Math.floor(at / 64)];
          return [x, y, x + 3, y + 3];
        });
      const four = places(700).flatMap((box) => Array<number[]>(4).fill(box));
      const image = { ...empty, height: 256, width: 256 };
      for (const [levels, training, used] of [
        [[four], 500, 250],
        [[four, four], 1000, 500],
        // 3 × 3 on 3 × 2.2, which is 0.73 of it, or on 3 × 2, which is 0.67.
        [[[...[3, 2.2, 2].map((height) => [0, 0, 3, height])]], 2, 2],
        [[places(900), places(800)], 1000, 1000],
      ] as const) {
        const student = scriptedDetector({ classes: 1, levels });
        const proposalSampling = { count: 5000, objectShare: 0.25 };
        const learner = createDetectionLearner({ student, seed: 1, proposalSampling });
        const whole = { ...shapesBatch(0, 1), items: [image] };
        learner.step(whole, { iteration: 0, learningRate: 0.01 });
        const tensor = tf.zeros<tf.Rank.R4>([1, 64, 64, 3]);
        detectObjects(student, tensor, [image]);
        const counts = student.asked.map(([boxes]) => (boxes?.length ?? 0) / 4);
        expect(counts).to.deep.equal([training, used]);
        tensor.dispose();
        learner.dispose();
        student.dispose();
      }
    });

    it('looks at 512 regions of an image', () => {
      const places = Array.from({ length: 600 }, (_, at) => [at, 0, at + 1, 9]);
      const student = scriptedDetector({ classes: 1, levels: [places] });
      const learner = createDetectionLearner({ student, seed: 1 });
      const whole = { ...shapesBatch(0, 1), items: [{ ...empty, width: 600 }] };
      learner.step(whole, { iteration: 0, learningRate: 0.01 });
      expect(student.asked[0]?.[0]?.length).to.equal(4 * 512);
      learner.dispose();
      student.dispose();
    });
  });
}

describe('what is sampled of an image', () => {
  // 300 places on the second image's object, 700 elsewhere.
  const on = Array<number[]>(300).fill([0, 0, 10, 9]).flat();
  const elsewhere = Array<number[]>(700).fill([50, 50, 60, 60]).flat();
  const places = Float32Array.from([...on, ...elsewhere]);
  const object = { boxes: Float32Array.of(0, 0, 10, 10), labels: Int32Array.of(3) };
  const none = { boxes: new Float32Array(0), labels: new Int32Array(0) };
  const randomOf = (image: number): ReturnType<typeof random> => random(1, 'test', image);

  it('is 256 anchors, half of them objects at most', () => {
    const { objects, background, divisor } = anchorTargets(
      places,
      [none.boxes, object.boxes],
      randomOf,
    );
    expect([objects.length, background.length, divisor]).to.deep.equal([128, 256 + 128, 512]);
    // Counted on through the images.
    expect(objects.every((place) => place >= 1000 && place < 1300)).to.equal(true);
    expect([...background].filter((place) => place < 1000)).to.have.length(256);
    expect([...background].filter((place) => place >= 1300)).to.have.length(128);
  });

  it('is 512 regions, a quarter of them objects at most, objects first', () => {
    const { regions, labels, objects } = proposalTargets([places, places], [none, object], {
      classes: 5,
      randomOf,
    });
    expect(regions.map(({ length }) => length / 4)).to.deep.equal([512, 512]);
    expect([...objects]).to.deep.equal(Array.from({ length: 128 }, (_, at) => 512 + at));
    expect(labels.every((label, at) => label === (at >= 512 && at < 640 ? 3 : 5))).to.equal(true);
    expect(regions[1]?.subarray(0, 4 * 128).every((edge) => edge <= 10)).to.equal(true);
    expect(regions[1]?.subarray(4 * 128).every((edge) => edge >= 50)).to.equal(true);
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

  for (const precision of ['f32', 'bf16'] as const) {
    it(`learns two images in ${precision}: the loss falls and their objects are found`, () => {
      const student = tinyDetector();
      const optimiser = { kind: 'adamw', betas: [0.9, 0.999], weightDecay: 1e-4 } as const;
      const learner = tinyLearner({ student, optimiser, precision });
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
  }

  it('computes the convolutions of both networks in bfloat16, with the same bytes each time', () => {
    for (const form of [{}, { norm: 'frozen' }, { backbone: 'mobilenetv2' }] as const) {
      const losses = (precision: Precision): { losses: number[]; hash: string } => {
        const [student, detector] = [tinyDetector(form), tinyDetector({ ...form, seed: 2 })];
        const length = 3 * detector.embeddingSize;
        const classMeans = Float32Array.from({ length }, (_, at) => Math.sin(at));
        const method = { name: 'kd++', terms: [kd(), normDirection()] };
        const teacher = { detector, classMeans };
        const learner = tinyLearner({ student, teacher, method, precision });
        const found = [
          ...learner.step(shapesBatch(0), { iteration: 0, learningRate: 0.01 }).losses,
        ];
        const tensors = tf.memory().numTensors;
        learner.step(shapesBatch(1), { iteration: 1, learningRate: 0.01 });
        expect(tf.memory().numTensors).to.equal(tensors);
        const hash = hashStateDict(student.stateDict());
        learner.dispose();
        [student, detector].forEach((one) => one.dispose());
        return { losses: found, hash };
      };
      const [exact, rounded, again] = [losses('f32'), losses('bf16'), losses('bf16')];
      expect(rounded.hash, JSON.stringify(form)).to.equal(again.hash).and.not.equal(exact.hash);
      // But for the boxes' losses, which are of what was proposed.
      for (const index of [0, 2, 4, 5]) {
        const wanted = exact.losses[index] ?? NaN;
        expect(rounded.losses[index], `loss ${index}`)
          .to.be.closeTo(wanted, 0.05 * Math.abs(wanted) + 0.01)
          .and.not.equal(wanted);
      }
    }
  });

  it('goes on after a cut with the bytes of an unbroken run, metrics included', async () => {
    const unbroken = tinyDetector();
    const told: BatchState[] = [];
    await run(unbroken, 'unbroken', { onBatch: (state) => told.push(state) });
    // Warm-up from a tenth over two iterations, a tenth again from the sixth on.
    const rates = told.map(({ learningRate }) => learningRate);
    expectClose(rates, [0.001, 0.0055, 0.01, 0.01, 0.01, 0.001], 1e-12);
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
    // A line is the mean of the iterations since the line before.
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const means = [told.slice(0, 4), told.slice(4)].map((part) => ({
      total: mean(part.map(({ loss }) => loss)),
      box: mean(part.map(({ losses }) => losses['box'] ?? NaN)),
      learningRate: part.at(-1)?.learningRate,
    }));
    lines.forEach(({ total, losses, learningRate }, index) => {
      expect(total).to.be.closeTo(means[index]?.total ?? NaN, 1e-9);
      expect(losses['box']).to.be.closeTo(means[index]?.box ?? NaN, 1e-9);
      expect(learningRate).to.equal(means[index]?.learningRate);
    });
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

  it('bounds the norm of all gradients together where it is told to', () => {
    const student = tinyDetector({ norm: 'frozen' });
    const before = student.stateDict();
    const optimiser = { momentum: 0, weightDecay: 0, nesterov: false };
    const learner = tinyLearner({ student, optimiser, largestGradient: 0.25 });
    learner.step(shapesBatch(0), { iteration: 0, learningRate: 0.1 });
    let squares = 0;
    for (const [name, { data }] of student.stateDict()) {
      data.forEach((value, at) => (squares += (value - (before.get(name)?.data[at] ?? NaN)) ** 2));
    }
    expect(Math.sqrt(squares)).to.be.closeTo(0.1 * 0.25, 1e-5);
    learner.dispose();
    student.dispose();
  });

  it('draws other samples for each iteration and image', () => {
    const student = scriptedDetector({
      classes: 2,
      levels: [Array.from({ length: 40 }, (_, at) => [at + 0.5, 40, at + 1, 60])],
    });
    const proposalSampling = { count: 12, objectShare: 0.25 };
    const learner = createDetectionLearner({ student, seed: 1, proposalSampling });
    const [item] = shapesBatch(0).items;
    if (!item) return expect.fail('no image');
    const batch = { ...shapesBatch(0), items: [item, item] };
    for (const iteration of [0, 1, 0]) learner.step(batch, { iteration, learningRate: 0 });
    const [first, second, again] = student.asked.map((images) =>
      images.map((boxes) => boxes.join()),
    );
    expect(new Set([...(first ?? []), ...(second ?? [])]).size).to.equal(4);
    expect(again).to.deep.equal(first);
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

describe('a detector’s run, stopped anywhere', () => {
  withEngine('plain');
  const folder = withFolder();

  interface Made {
    readonly files: Readonly<Record<string, string>>;
    readonly shift: number | undefined;
    readonly batches: readonly number[];
    readonly tensors: readonly number[];
    readonly lines: readonly string[];
  }

  /** Seven iterations in lines of three: the batch of iteration i has i + 1 images. */
  async function made(place: string, stopAfter = Infinity): Promise<Made> {
    const levels = [Array.from({ length: 20 }, (_, at) => [at, 20, at + 10, 40])];
    const student = scriptedDetector({ classes: 2, levels });
    const learner = createDetectionLearner({ student, seed: 1 });
    const controller = new AbortController();
    const [batches, tensors, lines]: [number[], number[], string[]] = [[], [], []];
    async function* source(first: number): AsyncGenerator<ReturnType<typeof shapesBatch>, void> {
      for (let number = first; ; number++) {
        batches.push(number);
        yield await Promise.resolve(shapesBatch(number, number + 1));
      }
    }
    const work = trainDetector({
      learner,
      iterations: 7,
      metricsEvery: 3,
      schedule: { base: 0.5, milestones: [5], warmUp: { iterations: 2, factor: 0.5 } },
      batches: source,
      directory: place,
      recipeHash: 'recipe',
      signal: controller.signal,
      onBatch({ step, steps, epoch, batch }) {
        tensors.push(tf.memory().numTensors);
        lines.push(`${step} of ${steps}: ${batch} of line ${epoch}`);
        if (step === stopAfter) controller.abort();
      },
    });
    const fault = await work.then(
      () => undefined,
      (error: unknown) => error,
    );
    const [shift] = student.state.tensors.map(({ value }) => value.dataSync()[0]);
    learner.dispose();
    student.dispose();
    const stopped = fault instanceof LabError && fault.kind === 'interrupted';
    expect(stopped, String(fault)).to.equal(stopAfter < 7);
    return { files: filesIn(place), shift, batches, tensors, lines };
  }

  it('has the bytes of an unbroken one: metrics, checkpoint and weights', async () => {
    const whole = await made(join(folder(), 'whole'));
    expect(whole.batches).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
    expect(whole.lines.slice(1, 5)).to.deep.equal([
      '2 of 7: 2 of line 1',
      '3 of 7: 3 of line 1',
      '4 of 7: 1 of line 2',
      '5 of 7: 2 of line 2',
    ]);
    expect(whole.shift).to.not.equal(0);
    expect(new Set(whole.tensors.slice(1)).size).to.equal(1);
    const metrics = readDetectionMetrics(join(folder(), 'whole'));
    // The last one's rate: 0.5 from the second iteration on, a tenth from the fifth on.
    expect(metrics.map(({ iteration, learningRate }) => [iteration, learningRate])).to.deep.equal([
      [3, 0.5],
      [6, 0.05],
      [7, 0.05],
    ]);
    for (let stop = 1; stop < 7; stop++) {
      const place = join(folder(), String(stop));
      await made(place, stop);
      const { files, shift, batches } = await made(place);
      expect(batches, `stopped after ${stop}`).to.deep.equal(whole.batches.slice(stop));
      expect(shift, `stopped after ${stop}`).to.equal(whole.shift);
      const of = (all: Made['files'], name: string): string | undefined =>
        Object.entries(all).find(([path]) => path.endsWith(name))?.[1];
      for (const name of ['metrics.jsonl', 'step-00000007.json', 'step-00000007.safetensors']) {
        expect(of(files, name), `${name}, stopped after ${stop}`).to.equal(of(whole.files, name));
        expect(of(files, name)).to.not.equal(undefined);
      }
    }
  });

  it('puts back the lines that its metrics have lost', async () => {
    const whole = await made(join(folder(), 'whole'));
    const place = join(folder(), 'damaged');
    await made(place, 5);
    writeFileSync(join(place, 'metrics.jsonl'), '{"iterat');
    expect(readDetectionMetrics(place)).to.deep.equal([]);
    await made(place);
    const text = (name: string): string =>
      readFileSync(join(folder(), name, 'metrics.jsonl'), 'utf8');
    expect(text('damaged')).to.equal(text('whole'));
    expect(whole.lines).to.have.length(7);
  });

  it('is refused where the batches end before it', async () => {
    const student = scriptedDetector({ classes: 2, levels: [[[0, 20, 10, 40]]] });
    const learner = createDetectionLearner({ student, seed: 1 });
    async function* two(): AsyncGenerator<ReturnType<typeof shapesBatch>, void> {
      for (const number of [0, 1]) yield await Promise.resolve(shapesBatch(number));
    }
    const fault = await faultOf(() =>
      trainDetector({
        learner,
        iterations: 3,
        schedule: { base: 0.5, milestones: [] },
        batches: two,
        directory: folder(),
        recipeHash: 'recipe',
      }),
    );
    expect(fault).to.include({ kind: 'data', found: '2 of 3' });
    learner.dispose();
    student.dispose();
  });
});
