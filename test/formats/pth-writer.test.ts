import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { zipSync } from 'fflate';
import { LabError } from '../../lib/errors';
import { decodePth } from '../../lib/formats/pth';
import { encodePth, PickleWriter } from '../../lib/formats/pth-writer';
import type { StateEntry } from '../../lib/nn/state';
import { faultOf } from '../support/faults';
import { zipEntries } from '../support/zip-entries';

const tensors = new Map<string, StateEntry>([
  ['conv.weight', { shape: [2, 1, 1, 3], data: Float32Array.of(1, -2.5, 3e-38, -0, 5, 6) }],
  ['norm.bias', { shape: [2], data: Float32Array.of(0.1, Infinity) }],
  ['norm.num_batches_tracked', { shape: [], data: Float32Array.of(70000) }],
  ['größe', { shape: [0], data: new Float32Array(0) }],
]);

/** A .pth with one float as data and one tensor of the given form over it. */
function oneFloatAs(shape: number[], strides: number[]): Uint8Array {
  const pickle = new PickleWriter();
  pickle.call('collections', 'OrderedDict', () => undefined);
  pickle.items(() => {
    pickle.text('x');
    pickle.call('torch._utils', '_rebuild_tensor_v2', () => {
      pickle.persistent(() => {
        pickle.text('storage');
        pickle.global('torch', 'FloatStorage');
        pickle.text('0');
        pickle.text('cpu');
        pickle.integer(1);
      });
      pickle.integer(0);
      pickle.integers(shape);
      pickle.integers(strides);
    });
  });
  return zipSync({ 'archive/data.pkl': pickle.end(), 'archive/data/0': new Uint8Array(4) });
}

describe('.pth as read here', () => {
  it('has no tensor beyond its data, and none that unfolds a few numbers to many', async () => {
    expect((await decodePth(oneFloatAs([1], [1]), 'here')).get('x')?.data).to.have.length(1);
    // As `expand` makes it: PyTorch saves the one number.
    expect((await decodePth(oneFloatAs([2], [0]), 'here')).get('x')?.data).to.have.length(2);
    for (const [shape, strides] of [
      [[2], [1]],
      [
        [2 ** 30, 2 ** 30],
        [0, 0],
      ],
      [[8_000_001], [0]],
    ] as const) {
      const { found } = await faultOf(() =>
        decodePth(oneFloatAs([...shape], [...strides]), 'here'),
      );
      expect(found).to.match(
        /^a tensor 'x' that reaches beyond its data$|times the stored numbers/,
      );
    }
  });
});

describe('.pth as written here', () => {
  it('comes back to the last bit, in order', async () => {
    const back = await decodePth(encodePth(tensors), 'here');
    expect([...back.keys()]).to.deep.equal([...tensors.keys()]);
    for (const [name, { shape, data }] of tensors) {
      expect(back.get(name)?.shape).to.deep.equal(shape);
      const found = back.get(name)?.data ?? new Float32Array(0);
      expect(new Uint32Array(found.buffer), name).to.deep.equal(new Uint32Array(data.buffer));
    }
  });

  it('is the same bytes for the same weights, whenever it is written', () => {
    expect(encodePth(tensors)).to.deep.equal(encodePth(new Map(tensors)));
  });

  it('keeps counters as 64-bit integers and numbers as float32, one file a tensor', async () => {
    const files = await zipEntries(encodePth(tensors));
    expect([...files.keys()]).to.deep.equal([
      'archive/data.pkl',
      'archive/byteorder',
      'archive/data/0',
      'archive/data/1',
      'archive/data/2',
      'archive/data/3',
      'archive/version',
    ]);
    expect(files.get('archive/version')?.toString()).to.equal('3\n');
    expect(files.get('archive/data/0')?.readFloatLE(4)).to.equal(-2.5);
    expect(files.get('archive/data/2')?.readBigInt64LE()).to.equal(70000n);
    expect(files.get('archive/data/2')?.length).to.equal(8);
  });

  it('holds a pickle that Python’s own reader finds to be an OrderedDict of tensors', async () => {
    const pickle = (await zipEntries(encodePth(tensors))).get('archive/data.pkl');
    const program = 'import pickletools, sys; pickletools.dis(sys.stdin.buffer.read())';
    const listing = execFileSync('python3', ['-c', program], {
      input: pickle ?? '',
      encoding: 'utf8',
    });
    expect(listing).to.match(/highest protocol among opcodes = 2\n$/);
    expect(
      [...listing.matchAll(/GLOBAL +'(.+)'/g)].map(([, name]) => name).slice(0, 3),
    ).to.deep.equal([
      'collections OrderedDict',
      'torch._utils _rebuild_tensor_v2',
      'torch FloatStorage',
    ]);
    expect(listing).to.include("GLOBAL     'torch LongStorage'");
  });

  it('refuses a file cut anywhere in its last part', async () => {
    const bytes = encodePth(tensors);
    for (let length = bytes.length - 200; length < bytes.length; length += 7) {
      let error: unknown;
      await decodePth(bytes.slice(0, length), 'here').catch((fault: unknown) => {
        error = fault;
      });
      expect(error, `${length} bytes`).to.be.instanceOf(LabError);
    }
  });
});
