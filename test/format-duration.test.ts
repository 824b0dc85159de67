import { expect } from 'chai';
import { formatDuration } from '../lib/format-duration';

describe('formatDuration', () => {
  it('writes seconds, minutes, hours, and days from two on', () => {
    expect(formatDuration(7.4)).to.equal('7 s');
    expect(formatDuration(59.6)).to.equal('1 min 0 s');
    expect(formatDuration(2 * 60 + 7)).to.equal('2 min 7 s');
    expect(formatDuration(3600 + 5 * 60 + 9)).to.equal('1 h 5 min');
    expect(formatDuration(47 * 3600)).to.equal('47 h 0 min');
    expect(formatDuration(48 * 3600)).to.equal('2 d 0 h');
    expect(formatDuration((2 * 24 + 15) * 3600)).to.equal('2 d 15 h');
    expect(formatDuration((3 * 24 + 4) * 3600 + 1800)).to.equal('3 d 4 h');
  });

  it('has a mark for what is not known, and no negative times', () => {
    expect(formatDuration(NaN)).to.equal('?');
    expect(formatDuration(Infinity)).to.equal('?');
    expect(formatDuration(-3)).to.equal('0 s');
  });
});
