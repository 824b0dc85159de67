import { expect } from 'chai';
import { benchmarkDetectorStep } from '../../lib/bench/detector-step';
import { reviewPyramid } from '../../lib/detection/distillation';
import { normDirection } from '../../lib/distill/terms';
import { detectorForm } from '../../lib/runs/detection-recipe';
import { withEngine } from '../support/engine';

describe('timing a step of a detector', () => {
  withEngine('native');

  it('tells the time of RoIAlign, suppression and matching, and the losses of every term', () => {
    const form = { ...detectorForm('r18-small'), width: 8 };
    const { ms, parts, losses, operations } = benchmarkDetectorStep({
      teacher: form,
      student: form,
      method: { name: 'reviewkd++', terms: [reviewPyramid(), normDirection({ weight: 1 })] },
      classes: 3,
      batch: 1,
      size: { height: 60, width: 80 },
      iterations: 1,
      profile: true,
    });
    expect(parts.map(({ name }) => name)).to.have.members([
      'RoIAlign',
      'RoIAlign, backward',
      'non-maximum suppression',
      'matching',
    ]);
    expect(parts.reduce((sum, part) => sum + part.ms, 0)).to.be.within(0, ms);
    expect(losses).to.include.keys('classification', 'reviewPyramid', 'normDirection');
    expect(Object.values(losses).every(Number.isFinite)).to.equal(true);
    expect(operations?.map(({ name }) => name)).to.include('NonMaxSuppressionV3');
  });
});
