import { expect } from 'chai';
import { bfloat16Of, engineThreads, parseGraphicsCards } from '../../lib/engine/describe';

const listed =
  'NVIDIA H100 80GB HBM3, 9.0, 550.54.15, GPU-a1\nTesla V100, 7.0, 550.54.15, GPU-b2\n';

describe('the description of the engine', () => {
  it('counts the threads of one operation', () => {
    expect(engineThreads('native', { TF_NUM_INTRAOP_THREADS: '3' })).to.equal(3);
    expect(engineThreads('native', {})).to.be.at.least(1);
    expect(engineThreads('native', { TF_NUM_INTRAOP_THREADS: 'all' })).to.be.at.least(1);
    expect(engineThreads('plain', { TF_NUM_INTRAOP_THREADS: '3' })).to.equal(1);
  });

  it("reads the driver's list of GPUs", () => {
    expect(parseGraphicsCards(listed)).to.deep.equal([
      { name: 'NVIDIA H100 80GB HBM3', computeCapability: 9, driver: '550.54.15', uuid: 'GPU-a1' },
      { name: 'Tesla V100', computeCapability: 7, driver: '550.54.15', uuid: 'GPU-b2' },
    ]);
    expect(parseGraphicsCards('No devices were found\n')).to.deep.equal([]);
  });

  it('asks the weakest of the GPUs that are used for bfloat16, and knows nothing without a list', () => {
    const cards = parseGraphicsCards(listed);
    for (const [visible, support] of [
      [undefined, 'emulated'],
      ['0', 'accelerated'],
      ['1', 'emulated'],
      ['1,0', 'emulated'],
      ['GPU-a1', 'accelerated'],
      ['GPU-b', 'emulated'],
      // A part of one of them.
      ['MIG-c3', 'emulated'],
    ] as const) {
      expect(bfloat16Of(cards, visible), visible).to.equal(support);
    }
    expect(bfloat16Of([], '0')).to.equal('unknown');
  });
});
