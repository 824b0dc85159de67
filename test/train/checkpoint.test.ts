import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { crossEntropy } from '../../lib/distill/terms';
import { LabError } from '../../lib/errors';
import { createModel } from '../../lib/models/registry';
import { hashStateDict } from '../../lib/nn/hash';
import { type Progress, restoreCheckpoint, saveCheckpoint } from '../../lib/train/checkpoint';
import { createLearner } from '../../lib/train/learner';
import { damagedCopies, riddledCopy } from '../support/damage';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';

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
