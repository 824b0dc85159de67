import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { type Zippable, zipSync } from 'fflate';
import { unzip } from '../../lib/formats/unzip';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

/** Bytes without repetition, so that a wrong place shows. */
function bytesOf(seed: number, length: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return state & 0xff;
  });
}

const files = {
  'set/1.jpg': bytesOf(1, 5000),
  'set/2.jpg': bytesOf(2, 7000),
  'other/3.jpg': bytesOf(3, 3000),
  'set/4.jpg': bytesOf(4, 9000),
} as const;

describe('a zip archive that is read in parts', () => {
  const folder = withFolder();
  const read: [number, number][] = [];
  beforeEach(() => {
    read.length = 0;
  });

  const archive = (bytes: Uint8Array): Parameters<typeof unzip>[0] => ({
    size: bytes.length,
    async *read(start, end) {
      read.push([start, end]);
      // In small pieces, as a network gives them.
      const piece = Math.max(1000, Math.ceil((end - start) / 20));
      for (let at = start; at < end; at += piece) {
        yield bytes.subarray(at, Math.min(at + piece, end));
      }
    },
  });
  const wanted = (name: string): string | undefined =>
    name.startsWith('set/') ? join(folder(), name.slice(4)) : undefined;
  const take = (
    bytes: Uint8Array,
    more: Partial<Parameters<typeof unzip>[1]> = {},
  ): ReturnType<typeof unzip> =>
    unzip(archive(bytes), { where: 'a.zip', destinationOf: wanted, connections: 2, ...more });
  const expectFile = (name: keyof typeof files): void => {
    const found = readFileSync(join(folder(), name.slice(4)));
    expect(found.equals(files[name]), name).to.equal(true);
  };

  for (const [how, level] of [
    ['stored', 0],
    ['compressed', 6],
  ] as const) {
    it(`gives the chosen files of those that are ${how}, and reads nothing of the others`, async () => {
      const seen: number[] = [];
      // Some programs put times and owners between a file's name and its content.
      const extra = { 0x7875: Uint8Array.of(1, 2, 3, 4, 5) };
      const zipped = Object.entries(files).map(([name, bytes]) => [name, [bytes, { extra }]]);
      const archived = zipSync(Object.fromEntries(zipped) as Zippable, { level });
      const found = await take(archived, { onProgress: ({ files: count }) => seen.push(count) });
      expect(found).to.equal(3);
      expect(seen).to.deep.equal([1, 2, 3]);
      for (const name of ['set/1.jpg', 'set/2.jpg', 'set/4.jpg'] as const) expectFile(name);
      expect(existsSync(join(folder(), '3.jpg'))).to.equal(false);
      // The last two reads: the first two files together, and the one behind the other folder's.
      const other = Buffer.from(archived).indexOf('other/3.jpg') - 30;
      const last = Buffer.from(archived).indexOf('set/4.jpg') - 30;
      expect(read.slice(-2).map(([start, end]) => [start, end < last])).to.deep.equal([
        [0, true],
        [last, false],
      ]);
      expect(read.at(-2)?.[1]).to.equal(other);
    });
  }

  it('takes files in the order of their places, whatever the order of the list', async () => {
    const zipped = Buffer.from(zipSync(files, { level: 0 }));
    const end = zipped.length - 22;
    const start = zipped.readUInt32LE(end + 16);
    const list: Buffer[] = [];
    for (let at = start; at < end;) {
      const length = 46 + zipped.readUInt16LE(at + 28) + zipped.readUInt16LE(at + 30);
      list.push(zipped.subarray(at, at + length));
      at += length;
    }
    const backwards = [zipped.subarray(0, start), ...list.reverse(), zipped.subarray(end)];
    expect(await take(Buffer.concat(backwards))).to.equal(3);
    for (const name of ['set/1.jpg', 'set/2.jpg', 'set/4.jpg'] as const) expectFile(name);
  });

  it('reads as many parts at once as it may', async () => {
    for (const connections of [1, 2]) {
      let open = 0;
      let most = 0;
      const bytes = zipSync(files, { level: 0 });
      const counted = archive(bytes);
      const where = join(folder(), String(connections));
      await unzip(
        {
          ...counted,
          async *read(start, end) {
            most = Math.max(most, ++open);
            for await (const piece of counted.read(start, end)) {
              await setImmediate();
              yield piece;
            }
            open -= 1;
          },
        },
        {
          where: 'a.zip',
          connections,
          destinationOf: (name) => (name.startsWith('set/') ? join(where, name) : undefined),
        },
      );
      expect(most).to.equal(connections);
    }
  });

  it('gives a file too large for memory as it comes, with its checksum', async () => {
    const large = Buffer.alloc(9 * 2 ** 20, bytesOf(5, 70_001));
    const zipped = zipSync({ 'set/large': large }, { level: 0 });
    const to = join(folder(), 'large');
    await take(zipped);
    expect(readFileSync(to).equals(large)).to.equal(true);
    rmSync(to);
    zipped[5000] = (zipped[5000] ?? 0) ^ 1;
    expect((await faultOf(() => take(zipped))).found).to.contain('its CRC-32 is another');
    expect(existsSync(to)).to.equal(false);
  });

  it('takes what an earlier attempt left, and asks for nothing of it', async () => {
    const zipped = zipSync(files, { level: 0 });
    const damaged = Uint8Array.from(zipped);
    const at = Buffer.from(zipped).indexOf(Buffer.from(files['set/4.jpg'].subarray(0, 50)));
    damaged[at + 100] = (damaged[at + 100] ?? 0) ^ 1;
    const { what, found } = await faultOf(() => take(damaged, { connections: 1 }));
    expect(what).to.equal('an archive cannot be read');
    expect(found).to.equal("'set/4.jpg' damaged: its CRC-32 is another");
    expectFile('set/1.jpg');
    expect(existsSync(join(folder(), '4.jpg'))).to.equal(false);

    read.length = 0;
    expect(await take(zipped)).to.equal(3);
    expectFile('set/4.jpg');
    // The list of entries, and then the part of the missing file alone.
    const last = read.at(-1) ?? [0, 0];
    expect(last[0]).to.be.within(at - 60, at);
  });

  it('gives an empty file that is compressed, as Python and others write it', async () => {
    const zipped = zipSync({ 'set/empty': new Uint8Array(0) }, { level: 6 });
    expect(Buffer.from(zipped).readUInt16LE(8)).to.equal(8);
    expect(await take(zipped)).to.equal(1);
    expect(readFileSync(join(folder(), 'empty'))).to.have.length(0);
  });

  it('takes a file of another size as missing', async () => {
    writeFileSync(join(folder(), '1.jpg'), 'half of it');
    await take(zipSync(files));
    expectFile('set/1.jpg');
  });

  it('refuses what is no archive, is cut off, or has a name that leaves its folder', async () => {
    const zipped = zipSync(files);
    for (const [bytes, found] of [
      [Buffer.from('<html>not here</html>'.repeat(10)), /end of central directory/i],
      [zipped.subarray(0, 8000), /end of central directory/i],
      [zipSync({ '../x': new Uint8Array(1) }), /invalid relative path/],
    ] as const) {
      const fault = await faultOf(() => take(bytes));
      expect(fault.what).to.equal('an archive cannot be read');
      expect(fault.found).to.match(found);
    }
  });
});
