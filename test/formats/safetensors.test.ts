import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { decodeSafetensors, encodeSafetensors } from '../../lib/formats/safetensors';
import type { StateEntry } from '../../lib/nn/state';

const tensors = new Map([
  ['a', { shape: [2, 2], data: Float32Array.of(1, -2, 0.5, NaN) }],
  ['empty', { shape: [0], data: new Float32Array(0) }],
  ['scalar', { shape: [], data: Float32Array.of(7) }],
]);

/** A file written by hand: one tensor of a type and its bytes. */
function fileWith(
  dtype: string,
  shape: number[],
  numbers: Uint8Array,
  end = numbers.length,
): Buffer {
  const header = Buffer.from(JSON.stringify({ x: { dtype, shape, data_offsets: [0, end] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, numbers]);
}

describe('safetensors', () => {
  it('come back as they were written, text included', () => {
    const bytes = encodeSafetensors(tensors, { model: 'resnet8' });
    const file = decodeSafetensors(bytes, 'here');
    expect([...file.tensors]).to.deep.equal([...tensors]);
    expect(file.metadata).to.deep.equal({ model: 'resnet8' });
  });

  it('are the same bytes for the same content', () => {
    expect(encodeSafetensors(tensors)).to.deep.equal(encodeSafetensors(tensors));
  });

  it('keep batch norm’s counters as 64-bit integers, before the numbers that need less room', () => {
    const counted = new Map<string, StateEntry>([
      ['weight', { shape: [1], data: Float32Array.of(2) }],
      ['bn1.num_batches_tracked', { shape: [], data: Float32Array.of(70000) }],
    ]);
    const bytes = Buffer.from(encodeSafetensors(counted));
    expect(bytes.readBigInt64LE(bytes.length - 12)).to.equal(70000n);
    expect(bytes.readFloatLE(bytes.length - 4)).to.equal(2);
    expect([...decodeSafetensors(bytes, 'here').tensors]).to.deep.equal([...counted]);
  });

  it('are refused when two tensors share bytes', () => {
    const place = { dtype: 'F32', shape: [1] };
    const header = Buffer.from(
      JSON.stringify({
        a: { ...place, data_offsets: [0, 4] },
        b: { ...place, data_offsets: [0, 4] },
      }),
    );
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const bytes = Buffer.concat([length, header, Buffer.alloc(8)]);
    expect(() => decodeSafetensors(bytes, 'here')).to.throw(LabError, "tensor 'b' not where");
  });

  it('give float32 whatever type they are stored in', () => {
    const read = (dtype: string, bytes: number[], shape = [1]): number[] =>
      Array.from(
        decodeSafetensors(fileWith(dtype, shape, Uint8Array.from(bytes)), 'here').tensors.get('x')
          ?.data ?? [],
      );
    // 1.5 = 0x3E00 in half precision, 0x3FC0 in bfloat16; 0x0001 is the smallest half, 2⁻²⁴.
    expect(read('F16', [0x00, 0x3e, 0x01, 0x00], [2])).to.deep.equal([1.5, 2 ** -24]);
    expect(read('BF16', [0xc0, 0x3f])).to.deep.equal([1.5]);
    expect(read('I64', [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])).to.deep.equal([-2]);
    expect(read('F64', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f])).to.deep.equal([1.5]);
    expect(read('U64', [1, 0, 0, 0, 1, 0, 0, 0])).to.deep.equal([2 ** 32 + 1].map(Math.fround));
    expect(read('U32', [0, 0, 0, 0x80])).to.deep.equal([2 ** 31]);
    expect(read('I16', [0xfe, 0xff])).to.deep.equal([-2]);
    expect(read('U16', [0xfe, 0xff])).to.deep.equal([2 ** 16 - 2]);
    expect(read('I8', [0xfe])).to.deep.equal([-2]);
    expect(read('BOOL', [0, 1, 2], [3])).to.deep.equal([0, 1, 1]);
    // One, the least and the largest number, what is no number: by the exponent's bits and its bias.
    const eights: readonly (readonly [string, number[], number[]])[] = [
      ['F8_E4M3', [0x38, 0x01, 0x7e, 0x7f, 0xb8], [1, 2 ** -9, 1.75 * 2 ** 8, NaN, -1]],
      ['F8_E5M2', [0x3c, 0x01, 0x7b, 0x7c, 0x7d], [1, 2 ** -16, 1.75 * 2 ** 15, Infinity, NaN]],
      ['F8_E4M3FNUZ', [0x40, 0x01, 0x7f, 0x80], [1, 2 ** -10, 1.875 * 2 ** 7, NaN]],
      ['F8_E5M2FNUZ', [0x40, 0x01, 0x7f, 0x80], [1, 2 ** -17, 1.75 * 2 ** 15, NaN]],
      ['F8_E8M0', [127, 128, 255], [1, 2, NaN]],
    ];
    for (const [type, bytes, numbers] of eights) {
      expect(read(type, bytes, [bytes.length]), type).to.deep.equal(numbers);
    }
  });

  it('leave out complex numbers and those of less than a byte', () => {
    for (const [type, shape, bytes] of [
      ['C64', [1], 8],
      ['F4', [4], 2],
    ] as const) {
      const file = fileWith(type, [...shape], new Uint8Array(bytes));
      expect([...decodeSafetensors(file, 'here').tensors.keys()], type).to.deep.equal([]);
    }
  });

  it('are refused when cut anywhere', () => {
    const bytes = encodeSafetensors(tensors);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.slice(0, length), 'here'), `${length} bytes`).to.throw(
        LabError,
      );
    }
  });

  it('are refused with more bytes than named, an unknown type or a place outside', () => {
    const four = new Uint8Array(4);
    expect(() => decodeSafetensors(fileWith('F32', [1], new Uint8Array(8), 4), 'f')).to.throw(
      LabError,
      '8 bytes of numbers, 4 named',
    );
    expect(() => decodeSafetensors(fileWith('Q4', [1], four), 'f')).to.throw(
      LabError,
      'unknown type Q4',
    );
    expect(() => decodeSafetensors(fileWith('F32', [2], four, 8), 'f')).to.throw(
      LabError,
      'bytes 0 to 8',
    );
    expect(() => decodeSafetensors(fileWith('constructor', [1], four), 'f')).to.throw(LabError);
  });
});
