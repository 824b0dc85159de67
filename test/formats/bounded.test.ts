import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Zippable, zipSync } from 'fflate';
import { readJson } from '../../lib/files';
import { decodeCifarPython } from '../../lib/formats/cifar';
import { decodeDetectronPickle } from '../../lib/formats/detectron-pickle';
import { decodePth } from '../../lib/formats/pth';
import { decodeSafetensors } from '../../lib/formats/safetensors';
import { limitsVariable } from '../../lib/limits';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

/** A checkpoint of the zip form with this pickle, one character a byte. */
function checkpoint(pickle: string, data: Zippable = {}, level: 0 | 9 = 0): Uint8Array {
  return zipSync({ 'a/data.pkl': Buffer.from(pickle, 'latin1'), ...data }, { level });
}

const int = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes.toString('latin1');
};
const text = (value: string): string => `X${int(value.length)}${value}`;
/** A name and its tensor: a view of `size` numbers of a storage, which has `count`. */
const view = (name: string, size: number, count: number, storage = '0'): string =>
  `${text(name)}ctorch._utils\n_rebuild_tensor_v2\n((${text('storage')}ctorch\nFloatStorage\n` +
  `${text(storage)}${text('cpu')}J${int(count)}tQK\x00J${int(size)}\x85K\x01\x85\x89}tR`;

/** An archive whose second file stands in its list `count` times, named 0, 1, … from its last three letters on. */
function listedAgain(archive: Uint8Array, count: number): Uint8Array {
  const bytes = Buffer.from(archive);
  const end = bytes.length - 22;
  const list = bytes.readUInt32LE(end + 16);
  const second = bytes.indexOf('PK\x01\x02', list + 4, 'latin1');
  const again = Array.from({ length: count }, (_, at) => {
    const entry = Buffer.from(bytes.subarray(second, end));
    entry.write(String(at).padStart(3, '0'), entry.length - 3, 'latin1');
    return entry;
  });
  const tail = Buffer.from(bytes.subarray(end));
  tail.writeUInt16LE(count + 1, 8);
  tail.writeUInt16LE(count + 1, 10);
  tail.writeUInt32LE(second - list + count * (end - second), 12);
  return Buffer.concat([bytes.subarray(0, second), ...again, tail]);
}

/** Doubled again and again by its own name: 2⁶⁰ leaves, and none of them may be visited. */
const doubled = `${text('lol')}${'2\x86'.repeat(60)}`;
const nested = `N${'\x85'.repeat(50_000)}`;
const header = (json: string): Uint8Array =>
  Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(json.length)).buffer), Buffer.from(json)]);
const cifarLabel = (label: string): Uint8Array =>
  Buffer.from(
    `\x80\x02}(U\x06labels](${label}eU\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01bt` +
      `R(K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R\x89T${int(3072)}${'\0'.repeat(3072)}tbu.`,
    'latin1',
  );

const cases: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['a key of 2⁶⁰ leaves', () => decodePth(checkpoint(`}(${doubled}Nu.`), 'f'), /^no tensors$/],
  [
    'a tensor under such a key',
    () => decodePth(checkpoint(`}(${doubled}${view('x', 1, 1).slice(6)}u.`), 'f'),
    /^a tensor whose name is not text$/,
  ],
  ['a deep key', () => decodePth(checkpoint(`}(${nested}Nu.`), 'f'), /^no tensors$/],
  [
    'a million dictionaries',
    () => decodePth(checkpoint(`(${'}'.repeat(1_000_001)}t.`), 'f'),
    /^1,000,001 values in a pickle, the limit is 1,000,000$/,
  ],
  [
    'a list copied by many dictionaries',
    () =>
      decodePth(
        checkpoint(
          `(${'N'.repeat(90_000)}lq\x010(${'ccollections\nOrderedDict\nh\x01\x85R'.repeat(20)}t.`,
        ),
        'f',
      ),
    /values in a pickle, the limit is 1,000,000$/,
  ],
  [
    'a text made into bytes again and again',
    () =>
      decodePth(
        checkpoint(
          `${text('x'.repeat(9000))}q\x010(${`c_codecs\nencode\nh\x01U\x06latin1\x86R`.repeat(9)}t.`,
        ),
        'f',
      ),
    /^the same text as bytes more than once$/,
  ],
  [
    'a pickle that unfolds to 20 MB',
    () => decodePth(checkpoint('N'.repeat(20_000_000), {}, 9), 'f'),
    /^20,000,000 bytes unpacked from a zip archive, the limit is 1[67],/,
  ],
  [
    'many views of the same numbers',
    () => {
      const views = ['a', 'b', 'c', 'd', 'e'].map((name) => view(name, 1_000_000, 1_000_000));
      const data = { 'a/data/0': new Uint8Array(4_000_000) };
      return decodePth(checkpoint(`}(${views.join('')}u.`, data), 'f');
    },
    /^5 times the stored numbers in tensors, the limit is 4$/,
  ],
  [
    'files of an archive that share their bytes',
    () => {
      const names = Array.from({ length: 900 }, (_, at) => String(at).padStart(3, '0'));
      const tensors = names.map((name) => view(name, 10_000_000, 10_000_000, name));
      const data = { 'a/data/000': new Uint8Array(40_000_000) };
      return decodePth(listedAgain(checkpoint(`}(${tensors.join('')}u.`, data), 900), 'f');
    },
    /^files that overlap$/,
  ],
  [
    'the same name with and without its prefix',
    () =>
      decodePth(
        checkpoint(`}(${view('module.a', 1, 1)}${view('a', 1, 1)}u.`, {
          'a/data/0': new Uint8Array(4),
        }),
        'f',
      ),
    /^both 'module.a' and 'a', which would be the same weights$/,
  ],
  [
    'a header of 9 MB',
    () => decodeSafetensors(header(`{"a":"${'x'.repeat(9_000_000)}"}`), 'f'),
    /^9,000,008 bytes of safetensors header, the limit is 8,000,000$/,
  ],
  [
    'a name with escapes of a terminal and a line of its own',
    () =>
      decodeSafetensors(
        header('{"\\u001b[2J\\nerror: x\\u202e":{"dtype":"Q","shape":[],"data_offsets":[0,0]}}'),
        'f',
      ),
    /^tensor '\\u001b\[2J\\nerror: x\\u202e' of unknown type Q$/,
  ],
  [
    'a name of 3 MB',
    () =>
      decodeSafetensors(
        header(`{"${'n'.repeat(3_000_000)}":{"dtype":"Q","shape":[],"data_offsets":[0,0]}}`),
        'f',
      ),
    /^tensor 'n{80}… \(3000000 characters\)' of unknown type Q$/,
  ],
  [
    'a CIFAR label of 2⁶⁰ leaves',
    () => {
      const target = { images: new Uint8Array(3072), labels: new Int32Array(1), start: 0 };
      const expected = { records: 1, classCount: 10, where: 'f' };
      decodeCifarPython(cifarLabel(doubled), 'labels', expected, target);
    },
    /^object, expected 0 to 9$/,
  ],
  [
    'a .pkl of many views of the same bytes',
    () => {
      const array =
        'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR(K\x01M\x00\x08\x85' +
        'cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R\x89h\x01tb';
      const blobs = Array.from({ length: 9 }, (_, at) => `U\x01${at}${array.replace('u1', 'f4')}`);
      const bytes = `B${int(8192)}${'\0'.repeat(8192)}q\x010}(${blobs.join('')}u.`;
      decodeDetectronPickle(Buffer.from(`\x80\x02${bytes}`, 'latin1'), 'f');
    },
    /times the stored numbers in tensors, the limit is 4$/,
  ],
];

describe('a file of a stranger', () => {
  const folder = withFolder();

  for (const [name, read, words] of cases) {
    it(`with ${name} is refused in little time`, async () => {
      const start = Date.now();
      expect((await faultOf(read)).found).to.match(words);
      expect(Date.now() - start).to.be.below(10_000);
    });
  }

  it('with many tensors of no numbers has what they are of unpacked once', async () => {
    // Blocks of deflate without content, 2 MB of them, then the last one.
    const block = (last: number): Buffer => Buffer.from([last, 0, 0, 0xff, 0xff]);
    const blocks = Buffer.concat([...Array.from({ length: 400_000 }, () => block(0)), block(1)]);
    const names = Array.from({ length: 5000 }, (_, at) => String(at));
    const tensors = names.map((name) => view(name, 0, 0));
    const bytes = Buffer.from(checkpoint(`}(${tensors.join('')}u.`, { 'a/data/0': blocks }));
    // In both of its headers: compressed, with the checksum 0 of what unpacks to nothing.
    const listed = bytes.indexOf('PK\x01\x02', bytes.readUInt32LE(bytes.length - 6) + 4, 'latin1');
    for (const method of [bytes.readUInt32LE(listed + 42) + 8, listed + 10]) {
      bytes.writeUInt16LE(8, method);
      bytes.writeUInt32LE(0, method + 6);
      bytes.writeUInt32LE(0, method + 14);
    }
    const start = Date.now();
    expect((await decodePth(bytes, 'f')).size).to.equal(5000);
    expect(Date.now() - start).to.be.below(5000);
  });

  it('with JSON nested deeper than anything walks is refused, a bracket in a text is none', async () => {
    const file = join(folder(), 'deep.json');
    writeFileSync(file, `${'['.repeat(201)}${']'.repeat(201)}`);
    expect((await faultOf(() => readJson(file, 'Mend it'))).found).to.match(/^201 levels of JSON/);
    writeFileSync(file, `{"a":"\\"${'['.repeat(201)}","b":[]}`);
    expect(readJson(file, 'Mend it')).to.have.property('b').deep.equal([]);
  });

  it('that is a device or a folder is refused before it is read', async () => {
    expect((await faultOf(() => readJson('/dev/zero', 'Mend it'))).found).to.equal(
      'no regular file',
    );
  });

  it('is read with a limit that was raised as the refusal says', async () => {
    const bytes = checkpoint(`(${'N'.repeat(1_000_001)}t.`);
    const { fix } = await faultOf(() => decodePth(bytes, 'f'));
    expect(fix).to.equal(`If you trust the file, raise every limit with ${limitsVariable}=2`);
    process.env[limitsVariable] = '2';
    try {
      expect((await faultOf(() => decodePth(bytes, 'f'))).found).to.match(/else than a dictionary/);
    } finally {
      process.env[limitsVariable] = '';
    }
  });

  it('keeps its numbers as they are until they are asked for', () => {
    const json =
      '{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"y":{"dtype":"BOOL","shape":[1],"data_offsets":[3,4]}}';
    const bytes = Buffer.concat([header(json), Buffer.from([7, 8, 255, 9])]);
    const { tensors } = decodeSafetensors(bytes, 'f');
    bytes[bytes.length - 4] = 6;
    expect([...(tensors.get('x')?.data ?? [])]).to.deep.equal([6, 8, 255]);
    expect([...(tensors.get('y')?.data ?? [])]).to.deep.equal([1]);
  });

  it('holds its numbers once, in PyTorch’s old form too, wherever they begin', async () => {
    const place = join(__dirname, '..', 'fixtures', 'reference', 'checkpoints');
    const file = readFileSync(join(place, 'resnet8-dataparallel-legacy.pth'));
    const expected = await decodePth(readFileSync(join(place, 'resnet8-zip.pth')), 'f');
    for (const offset of [0, 1, 2, 3]) {
      const bytes = new Uint8Array(file.length + offset).subarray(offset);
      bytes.set(file);
      const found = await decodePth(bytes, 'f');
      expect([...found.keys()]).to.deep.equal([...expected.keys()]);
      for (const [name, { data }] of found) {
        // Counters are whole numbers there, and float32 here.
        if (!name.endsWith('num_batches_tracked'))
          expect(data.buffer === bytes.buffer, name).to.equal(true);
        expect(data, name).to.deep.equal(expected.get(name)?.data);
      }
    }
  });
});
