import { expect } from 'chai';
import { fuzz, inWords } from './fuzz';

describe('2,000 wrong files', function () {
  this.timeout(900_000);

  it('are each refused in a printable line or read, by every reader', async () => {
    const result = await fuzz({ cases: 2000, seed: 1 });
    process.stdout.write(`${inWords(result)}\n`);
    expect(result.failures).to.deep.equal([]);
    expect(result.counts).to.have.length.above(15);
    // A sample that is refused as it is would test nothing.
    for (const { reader, refused } of result.counts) expect(refused, reader).to.be.above(0);
  });
});
