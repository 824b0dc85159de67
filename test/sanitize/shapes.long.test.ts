import { expect } from 'chai';
import { withEngine } from '../support/engine';
import { compareShapes, inWords } from './shapes';

describe('this package’s own operations', function () {
  this.timeout(300_000);
  withEngine('native');

  it('give TensorFlow’s numbers for 550 random shapes', () => {
    const result = compareShapes({ cases: 550, seed: 1 });
    process.stdout.write(`${inWords(result)}\n`);
    expect(result.failures).to.deep.equal([]);
    expect([...result.counts.keys()]).to.include.members([
      'NormDirectionBatchNorm',
      'NormDirectionBatchNormGrad',
      'NormDirectionBatchNormEvaluation',
      'NormDirectionPixelMean',
      'NormDirectionPixelMeanGrad',
      'NormDirectionSgd',
      'NormDirectionAdamW',
      'NormDirectionGelu',
      'NormDirectionGeluGrad',
      'NormDirectionLayerNorm',
      'NormDirectionLayerNormGrad',
      'NormDirectionAttention',
      'NormDirectionAttentionGrad',
    ]);
  });
});
