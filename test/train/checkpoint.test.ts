import fs, {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { crossEntropy } from '../../lib/distill/terms';
import { LabError } from '../../lib/errors';
import { createModel } from '../../lib/models/registry';
import { hashStateDict } from '../../lib/nn/state';
import { type Progress, restoreCheckpoint, saveCheckpoint } from '../../lib/train/checkpoint';
import type { ClassifierTraining } from '../../lib/train/classifier';
import { createLearner } from '../../lib/train/learner';
import { damagedCopies, riddledCopy } from '../support/damage';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { firstTerm, knownDataset, knownNetwork } from '../support/known-network';
import { filesIn, numbered, run, stopAfter, trainKnown } from '../support/known-run';

const rounds = 250;
const progress: Progress = {
  period: 3,
  batch: 7,
  step: 31,
  sums: { images: 112, total: 12.5, terms: [12.5], counts: [40], rates: { first: 0.1, last: 0.1 } },
};

describe('a training checkpoint', function () {
  this.timeout(300_000);
  withEngine('native');
  const folder = withFolder();

  it('with 500 random bytes changed goes on as it was, or not at all', () => {
    const student = createModel('resnet8', { classes: 4, seed: 1 });
    const method = { name: 'alone', terms: [crossEntropy()] };
    const learner = createLearner({ student, method });
    const right = hashStateDict(student.stateDict());
    saveCheckpoint(folder(), learner, { recipeHash: 'recipe', progress, metrics: [] });
    let refused = 0;
    for (const name of readdirSync(folder())) {
      const file = join(folder(), name);
      const whole = readFileSync(file);
      const copies = [...damagedCopies(name, whole, rounds), riddledCopy(name, whole, rounds)];
      for (const { bytes, where } of copies) {
        writeFileSync(file, bytes);
        try {
          const restored = restoreCheckpoint(folder(), learner, 'recipe', () => undefined);
          expect(restored?.progress, `${name}, ${where}`).to.deep.equal(progress);
          expect(restored?.metrics, `${name}, ${where}`).to.deep.equal([]);
          expect(hashStateDict(student.stateDict()), `${name}, ${where}`).to.equal(right);
        } catch (error) {
          expect(error, `${name}, ${where}: ${String(error)}`).to.be.instanceOf(LabError);
          refused++;
        }
      }
      writeFileSync(file, whole);
    }
    // All of the tensors'; of the manifest's all but blanks that became other blanks.
    expect(refused).to.be.within(2 * rounds - 10, 2 * rounds + 2);
    expect(restoreCheckpoint(folder(), learner, 'recipe', () => undefined)?.progress).to.deep.equal(
      progress,
    );
    learner.dispose();
    student.dispose();
  });
});

describe('a run that belongs to another process', () => {
  withEngine('plain');
  const folder = withFolder();

  /** Where it is lost: after a batch, in an epoch's evaluation, after an epoch. */
  const moments: [string, (at: string) => boolean, Partial<ClassifierTraining>][] = [
    ['before it begins', () => true, {}],
    ['after a batch', (at) => at === 'batch 1', {}],
    ['after a batch, when a checkpoint is due', (at) => at === 'batch 1', { checkpointSeconds: 0 }],
    ['after a batch, when it is interrupted too', (at) => at === 'batch 1', stopAfter(1)],
    ['in the first evaluation', (at) => at === 'evaluation 1', {}],
    ['after the first epoch', (at) => at === 'epoch 1', {}],
    ['in the second evaluation', (at) => at === 'evaluation 2', {}],
  ];
  for (const [title, isMoment, options] of moments) {
    it(`neither steps nor writes once it is lost ${title}`, async () => {
      const place = folder();
      // A cut line, which a run that goes on drops.
      writeFileSync(join(place, 'metrics.jsonl'), '{"epo');
      let left: unknown;
      let evaluations = 0;
      const network = knownNetwork({
        onCall: ({ training }) => void (training || pass(`evaluation ${++evaluations}`)),
      });
      const state = (): unknown => ({ files: filesIn(place), weights: network.weights() });
      const pass = (at: string): void => void (isMoment(at) && (left ??= state()));
      pass('the beginning');
      let batches = 0;
      const work = run(
        place,
        {},
        {
          ...options,
          network,
          onBatch(at) {
            options.onBatch?.(at);
            pass(`batch ${++batches}`);
          },
          onEpoch: ({ epoch }) => pass(`epoch ${epoch}`),
          assertHeld() {
            if (left !== undefined) throw new Error('lost');
          },
        },
      );
      expect(await work.catch(String)).to.equal('Error: lost');
      expect(left).to.not.equal(undefined);
      expect(state()).to.deep.equal(left);
    });
  }
});

describe('when a run saves', () => {
  withEngine('plain');
  const folder = withFolder();
  const { performance } = globalThis;
  let now = 0;
  beforeEach(() => {
    now = 1e6;
    Object.defineProperty(globalThis, 'performance', {
      configurable: true,
      value: { now: () => now },
    });
  });
  afterEach(() => {
    Object.defineProperty(globalThis, 'performance', { configurable: true, value: performance });
  });
  const images = numbered(20);
  const dataset = knownDataset(images, images.slice(0, 1));
  const kept = (): string[] => {
    const place = join(folder(), 'checkpoints');
    return existsSync(place) ? readdirSync(place).sort() : [];
  };
  const both = (name: string): string[] => [`${name}.json`, `${name}.safetensors`];

  /** The batches of an epoch of ten, each taking some seconds, before which a checkpoint was written. */
  async function savedBefore(seconds: number, checkpointSeconds?: number): Promise<number[]> {
    const saved: number[] = [];
    let seen = kept().length;
    let last = '';
    await run(
      folder(),
      { epochs: 1 },
      {
        dataset,
        checkpointSeconds,
        onBatch({ batch }) {
          now += 1000 * seconds;
          const newest = kept().at(-1) ?? '';
          if (newest !== last) saved.push(batch);
          [seen, last] = [kept().length, newest];
        },
      },
    );
    expect(seen).to.be.at.most(4);
    return saved;
  }

  // A checkpoint is due when more time has passed than that since the last one.
  for (const [title, seconds, every, expected] of [
    ['every 250 seconds, where it is told so', 100, 250, [4, 7, 10]],
    ['every 900 seconds, where it is told nothing', 500, undefined, [3, 5, 7, 9]],
    ['not inside an epoch that is shorter', 80, undefined, []],
  ] as const) {
    it(`is ${title}`, async () => {
      expect(await savedBefore(seconds, every)).to.deep.equal(expected);
    });
  }

  it('is after each epoch, of which it keeps the last two, and their time is told but of a half epoch', async () => {
    const told: [number, number][] = [];
    const found: string[][] = [];
    const options = {
      onBatch: () => void (now += 3000),
      onEpoch({ epoch }: { epoch: number }, seconds: number) {
        told.push([epoch, seconds]);
        found.push(kept());
      },
    };
    await run(folder(), { epochs: 3 }, options);
    const names = [2, 4, 6].map((step) => both(`step-0000000${step}`));
    expect(found).to.deep.equal([names[0], names.slice(0, 2).flat(), names.slice(1).flat()]);
    expect(told).to.deep.equal([
      [1, 6],
      [2, 6],
      [3, 6],
    ]);
  });

  it('is at the batch where it is interrupted; the rest of the epoch has no time of its own', async () => {
    const stopped = await faultOf(() => runOrFail({ ...stopAfter(3) }));
    expect(stopped.what).to.include('stopped after epoch 1, batch 1');
    expect(kept()).to.deep.equal([...both('step-00000002'), ...both('step-00000003')]);
    const told: [number, number][] = [];
    const notices: string[] = [];
    await runOrFail({
      onEpoch: ({ epoch }, seconds) => void told.push([epoch, seconds]),
      onNotice: (message) => void notices.push(message),
    });
    expect(told).to.deep.equal([
      [2, NaN],
      [3, 0],
    ]);
    expect(notices).to.deep.equal(['resumed after epoch 1, batch 1']);
  });

  it('clears away what a killed process was writing', async () => {
    await runOrFail({}, 1);
    const before = kept();
    const halves = ['.json.123', '.safetensors.123', '.safetensors'].map(
      (ending) => `step-00000003${ending}`,
    );
    for (const half of halves) writeFileSync(join(folder(), 'checkpoints', half), '{');
    await runOrFail({}, 1);
    expect(kept()).to.deep.equal(before);
  });

  it('leaves no tensors where their manifest cannot be written, but those of an earlier one', async () => {
    await runOrFail({}, 1);
    const before = kept();
    const rename = fs.renameSync;
    try {
      fs.renameSync = (from, to) => {
        if (String(to).includes('/step-') && String(to).endsWith('.json')) {
          throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
        }
        rename(from, to);
      };
      const { where } = await faultOf(() => run(folder(), {}));
      expect(where).to.match(/step-.*\.json$/);
    } finally {
      fs.renameSync = rename;
    }
    expect(kept()).to.deep.equal(before);
  });

  // As a power cut may leave them: an epoch ahead of the checkpoint, cut, or gone.
  for (const [title, damaged] of [
    ['are an epoch ahead', (text: string) => text],
    ['are cut', (text: string) => text.slice(0, -20)],
    ['are gone', () => undefined],
  ] as const) {
    it(`makes the metrics whole from the checkpoint where they ${title}`, async () => {
      await runOrFail({});
      const file = join(folder(), 'metrics.jsonl');
      const whole = readFileSync(file, 'utf8');
      const left = damaged(whole);
      if (left === undefined) rmSync(file);
      else writeFileSync(file, left);
      for (const name of both('step-00000006')) {
        rmSync(join(folder(), 'checkpoints', name));
      }
      await runOrFail({});
      expect(readFileSync(file, 'utf8')).to.equal(whole);
      expect(whole.split('\n')).to.have.length(4);
    });
  }

  it('falls back from a checkpoint whose tensors are another’s, whole as they are', async () => {
    const place = join(folder(), 'checkpoints');
    await run(folder());
    copyFileSync(
      join(place, 'step-00000002.safetensors'),
      join(place, 'step-00000004.safetensors'),
    );
    const notices: string[] = [];
    const { student } = await run(folder(), {}, { onNotice: (text) => void notices.push(text) });
    expect(notices.join()).to.match(/step-00000004 cannot be used.*resumed after epoch 1/);
    // Two epochs of two steps of 1.
    expect(student.weights()).to.deep.equal([-4, 0]);
  });

  it('is not gone on with by another recipe', async () => {
    await runOrFail({}, 1);
    const { what } = await faultOf(() => runOrFail({ recipeHash: 'another' }));
    expect(what).to.include('no checkpoint of this run can be used');
  });

  it('goes on from the newest, of however many steps', () => {
    const student = knownNetwork();
    const method = { name: 'known', terms: [firstTerm()] };
    const learner = createLearner({ student: student.model, method });
    for (const step of [99, 100, 1000, 12_345_678]) {
      const at = { ...progress, step };
      saveCheckpoint(folder(), learner, { recipeHash: 'recipe', progress: at, metrics: [] });
      const restored = restoreCheckpoint(folder(), learner, 'recipe', () => undefined);
      expect(restored?.progress).to.deep.equal(at);
    }
    learner.dispose();
  });

  it('keeps two that can be used, after one that cannot is fallen back from', () => {
    const method = { name: 'known', terms: [firstTerm()] };
    const learner = createLearner({ student: knownNetwork().model, method });
    const save = (step: number): void => {
      const record = { recipeHash: 'recipe', progress: { ...progress, step }, metrics: [] };
      saveCheckpoint(folder(), learner, record);
    };
    [100, 200].forEach(save);
    writeFileSync(join(folder(), 'step-00000200.safetensors'), 'damaged');
    const restored = restoreCheckpoint(folder(), learner, 'recipe', () => undefined);
    expect(restored?.progress.step).to.equal(100);
    [150, 180].forEach(save);
    expect(readdirSync(folder()).filter((name) => name.endsWith('.json'))).to.deep.equal([
      'step-00000150.json',
      'step-00000180.json',
    ]);
    learner.dispose();
  });

  /** Three epochs of two batches, failing where the run does. */
  async function runOrFail(options: Partial<ClassifierTraining>, epochs = 3): Promise<void> {
    const network = knownNetwork();
    await trainKnown(folder(), { epochs }, { ...options, network });
  }
});
