import { expect } from 'chai';
import { engineThreads, parseGraphicsCards } from '../../lib/engine/describe';

describe('the description of the engine', () => {
  it('counts the threads of one operation', () => {
    expect(engineThreads('native', { TF_NUM_INTRAOP_THREADS: '3' })).to.equal(3);
    expect(engineThreads('native', {})).to.be.at.least(1);
    expect(engineThreads('native', { TF_NUM_INTRAOP_THREADS: 'all' })).to.be.at.least(1);
    expect(engineThreads('plain', { TF_NUM_INTRAOP_THREADS: '3' })).to.equal(1);
  });

  it("reads the driver's list of GPUs", () => {
    const text = 'NVIDIA H100 80GB HBM3, 9.0, 550.54.15\nTesla V100, 7.0, 550.54.15\n';
    expect(parseGraphicsCards(text)).to.deep.equal([
      { name: 'NVIDIA H100 80GB HBM3', computeCapability: 9, driver: '550.54.15' },
      { name: 'Tesla V100', computeCapability: 7, driver: '550.54.15' },
    ]);
    expect(parseGraphicsCards('No devices were found\n')).to.deep.equal([]);
  });
});
