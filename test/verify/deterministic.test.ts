import { expect } from 'chai';
import {
  deterministic,
  deterministicLabels,
  deterministicWeights,
} from '../../lib/verify/deterministic';

describe('deterministic tensors', () => {
  it('gives the published check values', () => {
    const [first, second, third] = deterministic('x', [3]);
    expect(first).to.be.closeTo(-0.039728135, 1e-8);
    expect(second).to.be.closeTo(-0.78148305, 1e-7);
    expect(third).to.be.closeTo(0.64632314, 1e-7);
  });

  it('scales before it shifts, and fills the shape', () => {
    const [plain] = deterministic('x', [1]);
    const [moved] = deterministic('x', [1], 2, 5);
    expect(moved).to.be.closeTo(2 * (plain ?? NaN) + 5, 1e-6);
    expect(deterministic('x', [2, 3, 4])).to.have.length(24);
    expect(deterministic('x', [])).to.have.length(1);
  });

  it('follows the name byte by byte, in UTF-8', () => {
    expect(deterministic('é', [2])).to.deep.equal(deterministic('é', [2]));
    expect(deterministic('é', [2])).not.to.deep.equal(deterministic('e', [2]));
  });

  it('labels are class indices: floor(u · classes), with u = (value + 1) / 2', () => {
    const values = deterministic('y', [50]);
    expect([...deterministicLabels('y', 50, 10)]).to.deep.equal(
      [...values].map((value) => Math.floor(((value + 1) / 2) * 10)),
    );
  });

  it('weights are spread by what the tensor is', () => {
    const shapes = [
      ['conv.weight', [64, 8, 3, 3]],
      ['fc.weight', [64, 12]],
      ['bn.weight', [500]],
      ['bn.bias', [500]],
      ['bn.running_mean', [500]],
      ['bn.running_var', [500]],
      ['position', [1, 20, 30]],
    ] as const;
    const weights = deterministicWeights('model', shapes);
    const bounds = Object.fromEntries(
      [...weights].map(([name, { data }]) => [name, [Math.min(...data), Math.max(...data)]]),
    );
    const expected: Record<string, [number, number]> = {
      'conv.weight': [-Math.sqrt(6 / 72), Math.sqrt(6 / 72)],
      'fc.weight': [-0.5, 0.5],
      'bn.weight': [0.5, 0.7],
      'bn.bias': [-0.1, 0.1],
      'bn.running_mean': [-0.1, 0.1],
      'bn.running_var': [0.75, 1.25],
      position: [-0.02, 0.02],
    };
    for (const [name, [low, high]] of Object.entries(expected)) {
      const width = high - low;
      expect(bounds[name]?.[0], name).to.be.within(low, low + 0.03 * width);
      expect(bounds[name]?.[1], name).to.be.within(high - 0.03 * width, high);
    }
  });

  it('counters of batches are 0', () => {
    const weights = deterministicWeights('model', [['bn.num_batches_tracked', []]]);
    expect(weights.get('bn.num_batches_tracked')?.data).to.deep.equal(Float32Array.of(0));
  });
});
