import { expect } from 'chai';
import { crossEntropy, kd, normDirection } from '../../lib/distill/terms';
import { memoryInWords } from '../../lib/runs/list';
import { estimateMemory } from '../../lib/runs/memory';
import type { PlannedRun } from '../../lib/runs/plan';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';

/** A run of resnet8 under resnet14 with so many samples at once. */
function planned(microBatch: number): PlannedRun {
  return {
    kind: 'cell',
    pair: 'resnet14:resnet8',
    teacher: 'resnet14',
    student: 'resnet8',
    method: 'kd++',
    seed: 1,
    recipe: {
      student: 'resnet8',
      method: { name: 'kd++', terms: [crossEntropy(), kd(), normDirection()] },
      epochs: 1,
      batchSize: 1024,
      microBatch,
      learningRate: 0.1,
      schedule: { kind: 'cosine' },
      optimiser: { momentum: 0.9, weightDecay: 0, nesterov: true },
      augmentation: 'none',
    },
    directory: 'none',
    length: 1,
    done: 0,
    finished: false,
  };
}

describe('the estimate of memory', () => {
  withEngine('native');
  const dataset = smallDataset();
  const totalOf = async (samples: number): Promise<number> => {
    const [estimate] = await estimateMemory([planned(samples)], dataset);
    if (estimate === undefined) throw new Error('nothing was estimated');
    expect(estimate.samples).to.equal(samples);
    return estimate.totalBytes;
  };

  it('grows in a line with the samples that are computed at once', async () => {
    const totals = [await totalOf(128), await totalOf(256), await totalOf(512)];
    const [first = NaN, second = NaN, third = NaN] = totals;
    // resnet8 keeps at least its stem and eight maps of 16 to 64 channels, 8 × 8 to 2 × 2, for each.
    expect((second - first) / 128).to.be.above(4 * (16 * 64 * 3));
    expect(third - second).to.be.closeTo(2 * (second - first), 0.05 * (third - second));
  });

  it('names one run of each pair, and says when it does not fit', async () => {
    const estimates = await estimateMemory([planned(8), planned(8)], dataset);
    expect(estimates).to.have.length(1);
    expect(memoryInWords(estimates)[0]).to.match(
      /^Memory of resnet14:resnet8 \(kd\+\+\): about 0\.\d GiB with 8 /,
    );
    const huge = estimates.map((estimate) => ({ ...estimate, totalBytes: 2 ** 60 }));
    expect(memoryInWords(huge)[0]).to.include('give a smaller --micro-batch');
  });
});
