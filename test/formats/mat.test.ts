import { deflateSync } from 'node:zlib';
import { expect } from 'chai';
import { readMatStructs } from '../../lib/formats/mat';
import { devkitMeta } from '../support/devkit-meta';
import { faultOf } from '../support/faults';

describe('a MAT file', () => {
  it('gives the texts and single numbers of an array of structs, as SciPy wrote them', () => {
    const structs = readMatStructs(devkitMeta, 'synsets', 'meta.mat');
    const fields = ['ILSVRC2012_ID', 'WNID', 'words', 'children', 'num_train_images'];
    expect(structs.map((each) => fields.map((field) => each.get(field)))).to.deep.equal([
      [1, 'n02119789', 'kit fox', undefined, 2],
      [2, 'n02100735', 'English setter', undefined, 1],
      [3, 'n01440764', 'tench', undefined, 3],
      [4, 'n00001740', 'entity', undefined, 0],
    ]);
  });

  it('gives those of MATLAB, which stores small numbers in single bytes and texts in two bytes', () => {
    const element = (type: number, ...bytes: number[]): Buffer => {
      const tag = Buffer.alloc(8);
      tag.writeUInt32LE(type, 0);
      tag.writeUInt32LE(bytes.length, 4);
      return Buffer.concat([tag, Buffer.from(bytes), Buffer.alloc(-bytes.length & 7)]);
    };
    const matrix = (kind: number, name: string, ...content: Buffer[]): Buffer =>
      element(
        14,
        ...Buffer.concat([
          element(6, kind, 0, 0, 0, 0, 0, 0, 0),
          element(5, 1, 0, 0, 0, 1, 0, 0, 0),
          element(1, ...Buffer.from(name)),
          ...content,
        ]),
      );
    const structs = (name: string, low: number): Buffer =>
      matrix(
        2,
        name,
        // Short elements: type and length in two bytes each, then the content.
        Buffer.from([5, 0, 4, 0, 2, 0, 0, 0]),
        element(1, ...Buffer.from('a\0b\0')),
        matrix(6, '', Buffer.from([4, 0, 2, 0, low, 0x27, 0, 0])),
        matrix(4, '', element(4, 0x6e, 0, 0x30, 0)),
      );
    const struct = Buffer.concat([structs('others', 0x11), structs('synsets', 0x10)]);
    const header = Buffer.alloc(128);
    header.write('IM', 126, 'latin1');
    const packed = deflateSync(struct);
    const compressed = Buffer.concat([element(15, ...packed).subarray(0, 8), packed]);
    for (const content of [struct, compressed]) {
      const [only] = readMatStructs(Buffer.concat([header, content]), 'synsets', 'meta.mat');
      expect([...(only ?? [])]).to.deep.equal([
        ['a', 10_000],
        ['b', 'n0'],
      ]);
    }
  });

  for (const [what, bytes, found] of [
    ['another file', Buffer.from('hello'), 'no mark of MATLAB'],
    ['one that is cut off', devkitMeta.subarray(0, 400), 'broken element'],
    ['one without the array', devkitMeta.subarray(0, 128), "no array of structs 'synsets'"],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const fault = await faultOf(() => readMatStructs(bytes, 'synsets', 'meta.mat'));
      expect(fault.found).to.contain(found);
      expect(fault.where).to.equal('meta.mat');
    });
  }
});
