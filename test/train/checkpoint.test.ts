import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { crossEntropy } from '../../lib/distill/terms';
import { LabError } from '../../lib/errors';
import { createModel } from '../../lib/models/registry';
import { hashStateDict } from '../../lib/nn/hash';
import { type Progress, restoreCheckpoint, saveCheckpoint } from '../../lib/train/checkpoint';
import { createLearner } from '../../lib/train/learner';
import type { ClassifierTraining } from '../../lib/train/classifier';
import { damagedCopies, riddledCopy } from '../support/damage';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';
import { knownNetwork } from '../support/known-network';
import { filesIn, run, stopAfter } from '../support/known-run';

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
