import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { create } from 'tar';
import { readTarFiles } from '../../lib/formats/tar';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

describe('readTarFiles', () => {
  const folder = withFolder();

  async function makeArchive(gzip: boolean): Promise<string> {
    mkdirSync(join(folder(), 'inner', 'wanted.txt'), { recursive: true });
    mkdirSync(join(folder(), 'inner', 'deeper'));
    writeFileSync(join(folder(), 'inner', 'deeper', 'wanted.txt'), 'hello');
    writeFileSync(join(folder(), 'inner', 'other.txt'), 'not asked for');
    // Longer than tar's and zlib's blocks, so that it arrives in pieces.
    writeFileSync(join(folder(), 'inner', 'large.bin'), Buffer.alloc(300_000, 'abcdefg'));
    const file = join(folder(), gzip ? 'a.tar.gz' : 'a.tar');
    await create({ file, cwd: folder(), gzip }, ['inner']);
    return file;
  }

  async function packAgain(): Promise<string> {
    const file = join(folder(), 'again.tar.gz');
    await create({ file, cwd: folder(), gzip: true }, ['inner']);
    return file;
  }

  for (const gzip of [true, false]) {
    it(`reads files by name and passes folders over, ${gzip ? '' : 'not '}gzipped`, async () => {
      const names = new Map(['wanted.txt', 'large.bin', 'absent'].map((name) => [name, 300_000]));
      const files = await readTarFiles(await makeArchive(gzip), names);
      expect([...files.keys()].sort()).to.deep.equal(['large.bin', 'wanted.txt']);
      expect(Buffer.from(files.get('wanted.txt') ?? []).toString()).to.equal('hello');
      const large = Buffer.from(files.get('large.bin') ?? []);
      expect(large.equals(Buffer.alloc(300_000, 'abcdefg'))).to.equal(true);
    });
  }

  it('refuses an archive that is missing, cut off, damaged or something else', async () => {
    const names = new Map([['large.bin', 300_000]]);
    const plain = readFileSync(await makeArchive(false));
    const bytes = readFileSync(await packAgain());
    const variants = {
      'cut.tar': plain.subarray(0, 200_000),
      'cut.tar.gz': bytes.subarray(0, bytes.length - 100),
      'damaged.tar.gz': Buffer.from(bytes.map((byte, i) => (i === 400 ? byte ^ 0xff : byte))),
      'text.tar.gz': Buffer.from('<html>not found</html>'.repeat(100)),
    };
    for (const [name, content] of Object.entries(variants)) {
      const variant = join(folder(), name);
      writeFileSync(variant, content);
      const fault = await faultOf(() => readTarFiles(variant, names));
      expect(fault.where, name).to.equal(variant);
      expect(fault.what, name).to.equal('an archive cannot be read');
    }
    const whole = await packAgain();
    const small = await faultOf(() => readTarFiles(whole, new Map([['large.bin', 299_999]])));
    expect(small.found).to.equal('inner/large.bin of 300000 bytes where at most 299999 belong');
    const absent = await faultOf(() => readTarFiles(join(folder(), 'absent.tar'), names));
    expect(absent.found).to.equal('no such file');
  });
});
