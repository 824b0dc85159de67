import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { z } from 'zod';
import { LabError } from '../../lib/errors';
import { isNumpyArray, numpyGlobals } from '../../lib/formats/numpy-pickle';
import { unpickle } from '../../lib/formats/pickle';
import { faultOf } from '../support/faults';
import { python2Pickle } from '../support/python2-pickle';

const fixture = z
  .object({
    rows: z.array(z.array(z.number())),
    cases: z.array(
      z.object({ protocol: z.number(), order: z.enum(['C', 'F']), pickle: z.string() }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(__dirname, '../fixtures/numpy-pickles.json'), 'utf8')));

function read(bytes: Uint8Array): unknown {
  const { value } = unpickle(bytes, { globals: numpyGlobals('file', bytes.length), where: 'file' });
  return value instanceof Map ? value.get('data') : undefined;
}

describe('numpyGlobals', () => {
  for (const { protocol, order, pickle } of fixture.cases) {
    it(`reads an array that numpy wrote, protocol ${protocol}, order ${order}`, () => {
      const array = read(Buffer.from(pickle, 'hex'));
      if (!isNumpyArray(array)) return expect.fail('not an array');
      const [[a, b, c], [d, e, f]] = fixture.rows as [number[], number[]];
      expect(array.shape).to.deep.equal([2, 3]);
      expect(array.type).to.equal('u1');
      expect(array.fortran).to.equal(order === 'F');
      expect([...array.bytes]).to.deep.equal(
        order === 'C' ? [a, b, c, d, e, f] : [a, d, b, e, c, f],
      );
    });
  }

  it('reads an array that Python 2 wrote', () => {
    const bytes = Uint8Array.of(0, 127, 128, 159, 200, 255);
    const array = read(python2Pickle(new Map([['data', { rows: 2, bytes }]])));
    if (!isNumpyArray(array)) return expect.fail('not an array');
    expect(array.shape).to.deep.equal([2, 3]);
    expect([...array.bytes]).to.deep.equal([0, 127, 128, 159, 200, 255]);
  });

  it('refuses an array whose data do not fill its shape', async () => {
    const whole = python2Pickle(new Map([['data', { rows: 2, bytes: new Uint8Array(6) }]]));
    // The number of rows follows the first `(K\x01J`.
    const place = whole.indexOf(Buffer.from('(K\x01J', 'latin1')) + 4;
    whole.writeInt32LE(3, place);
    const fault = await faultOf(() => read(whole));
    expect(fault.found).to.contain('6 bytes for shape [3, 3], expected 9');
  });

  it('gives a value or a LabError for any damaged array', () => {
    let seed = 7;
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return Math.floor((seed / 0x80000000) * below);
    };
    let refused = 0;
    for (const { pickle } of fixture.cases) {
      const whole = Buffer.from(pickle, 'hex');
      for (let round = 0; round < 1500; round++) {
        const copy = Buffer.from(whole);
        for (let flips = next(3); flips >= 0; flips--) copy[next(copy.length)] = next(256);
        try {
          read(copy);
        } catch (error) {
          if (!(error instanceof LabError)) throw error;
          refused += 1;
        }
      }
    }
    expect(refused).to.be.greaterThan(1000);
  });
});
