import { expect } from 'chai';
import { requireLabelRange } from '../../lib/losses';
import { faultOf } from '../support/faults';

describe('the range of labels', () => {
  it('is every whole number below the number of classes', () => {
    expect(() => {
      requireLabelRange([0, 2, 1], 3, 'train labels');
    }).not.to.throw();
  });

  for (const label of [3, -1, 0.5, NaN]) {
    it(`does not hold ${label}: says where`, async () => {
      const fault = await faultOf(() => {
        requireLabelRange([0, label], 3, 'train labels');
      });
      expect(fault.where).to.equal('train labels');
      expect(fault.found).to.equal(`${label} at index 1`);
    });
  }
});
