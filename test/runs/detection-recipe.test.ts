import { expect } from 'chai';
import { kd, normDirection, warmUp } from '../../lib/distill/terms';
import {
  detectorForm,
  isSmall,
  requirePair,
  scaledToIterations,
  smallRecipe,
} from '../../lib/runs/detection-recipe';
import { faultOf } from '../support/faults';

describe('the recipe of a small detector', () => {
  it('falls to a tenth at 73 and 90 % of its iterations, and bounds sides and gradients', () => {
    expect(smallRecipe({ iterations: 1000, shortSide: 100 })).to.deep.equal({
      student: 'r18-small',
      detector: {
        backbone: 'resnet18',
        width: 24,
        norm: 'batch',
        freezeAt: 0,
        pyramidChannels: 48,
        embeddingSize: 256,
        anchorSizes: [12, 24, 48, 96, 192],
        canonicalSide: 64,
      },
      method: { name: 'student', terms: [] },
      iterations: 1000,
      batchSize: 4,
      schedule: {
        base: 0.001,
        milestones: [730, 900],
        warmUp: { iterations: 50, factor: 0.01 },
      },
      optimiser: { kind: 'adamw', betas: [0.9, 0.999], weightDecay: 0.0001 },
      sampling: {
        largestGradient: 10,
        proposals: { before: 500, after: 200, threshold: 0.7 },
        proposalSampling: { count: 128, objectShare: 0.5 },
      },
      sizes: { training: [100], evaluation: 100, longest: 172 },
      flip: false,
    });
    const { iterations, schedule, sizes } = smallRecipe();
    expect([iterations, ...schedule.milestones]).to.deep.equal([2400, 1752, 2160]);
    expect(sizes).to.deep.equal({ training: [256], evaluation: 256, longest: 440 });
  });

  it('keeps the shares of its milestones and warm-ups at another length, at least one iteration', async () => {
    const { iterations, schedule } = scaledToIterations(smallRecipe({ iterations: 1000 }), 200);
    expect(iterations).to.equal(200);
    expect(schedule).to.deep.equal({
      base: 0.001,
      milestones: [146, 180],
      warmUp: { iterations: 10, factor: 0.01 },
    });
    const terms = [warmUp(5, kd()), normDirection()];
    const warming = { ...smallRecipe({ iterations: 1000 }), method: { name: 'kd++', terms } };
    const warmUps = scaledToIterations(warming, 200).method.terms;
    expect(warmUps.map(({ warmUpEpochs }) => warmUpEpochs)).to.deep.equal([1, undefined]);
    const shortest = scaledToIterations(smallRecipe({ iterations: 1000 }), 1).schedule;
    expect([...shortest.milestones, shortest.warmUp?.iterations]).to.deep.equal([1, 1, 1]);
    const fault = await faultOf(() => scaledToIterations(smallRecipe(), 1.5));
    expect(fault).to.include({ kind: 'option', found: '1.5' });
  });
});

describe('the detectors of table 3', () => {
  for (const [name, form] of [
    ['r101-fpn', { backbone: 'resnet101' }],
    ['r50-fpn', { backbone: 'resnet50' }],
    ['r18-fpn', { backbone: 'resnet18' }],
    ['mobilenet_v2-fpn', { backbone: 'mobilenetv2', freezeAt: 0 }],
  ] as const) {
    it(`are detectron2’s: ${name}`, () => {
      expect(detectorForm(name)).to.deep.equal(form);
      expect(isSmall(name)).to.equal(false);
    });
  }

  it('are paired with detectors of their kind', async () => {
    requirePair({ teacher: 'r34-small', student: 'r18-small' });
    requirePair({ teacher: 'r50-fpn', student: 'mobilenet_v2-fpn' });
    expect(detectorForm('r34-small')).to.include({ backbone: 'resnet34', norm: 'batch' });
    const fault = await faultOf(() => requirePair({ teacher: 'r34-small', student: 'r18-fpn' }));
    expect(fault.found).to.equal('r34-small:r18-fpn');
  });
});
