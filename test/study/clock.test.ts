import { expect } from 'chai';
import { clock } from '../../lib/study/clock';

describe('clock', () => {
  it('writes minutes, hours, and days from two on', () => {
    expect(clock(7.4)).to.equal('0:07');
    expect(clock(2 * 60 + 7)).to.equal('2:07');
    expect(clock(3600 + 5 * 60 + 9)).to.equal('1:05:09');
    expect(clock(47 * 3600)).to.equal('47:00:00');
    expect(clock(48 * 3600)).to.equal('2 d 0 h');
    expect(clock((3 * 24 + 4) * 3600 + 1800)).to.equal('3 d 4 h');
  });

  it('has a mark for what is not known, and no negative times', () => {
    expect(clock(NaN)).to.equal('?');
    expect(clock(Infinity)).to.equal('?');
    expect(clock(-3)).to.equal('0:00');
  });
});
