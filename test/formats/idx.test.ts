import { expect } from 'chai';
import { readIdx, writeIdx } from '../../lib/formats/idx';
import { faultOf } from '../support/faults';

describe('idx', () => {
  // Two zero bytes, type 8, two dimensions, 2 and 3 as big-endian integers, six elements.
  const file = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 9, 8, 7, 6, 5, 255);
  const array = { shape: [2, 3], data: Uint8Array.of(9, 8, 7, 6, 5, 255) };

  it('reads header and elements', () => {
    const { shape, data } = readIdx(file, 'f');
    expect(shape).to.deep.equal([2, 3]);
    expect([...data]).to.deep.equal([...array.data]);
  });

  it('writes the same bytes', () => {
    expect([...writeIdx(array)]).to.deep.equal([...file]);
  });

  it('refuses to write elements that do not fill the shape', () => {
    expect(() => writeIdx({ shape: [2, 2], data: array.data })).to.throw(RangeError, '[2, 2]');
  });

  it('refuses a file that is cut off, too long, of another type or no idx file', async () => {
    const cut = await faultOf(() => readIdx(file.subarray(0, 17), 'f'));
    expect(cut.found).to.equal('17 bytes, expected 18 for [2, 3]');
    expect(cut.where).to.equal('f');
    const long = await faultOf(() => readIdx(Uint8Array.of(...file, 0), 'f'));
    expect(long.found).to.contain('19 bytes, expected 18');
    const floats = await faultOf(() => readIdx(Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 0), 'f'));
    expect(floats.found).to.contain('0x00000d01');
    expect((await faultOf(() => readIdx(file.subarray(0, 6), 'f'))).found).to.contain('12');
    expect((await faultOf(() => readIdx(new Uint8Array(), 'f'))).what).to.contain('idx');
  });
});
