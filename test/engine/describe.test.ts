import { expect } from 'chai';
import {
  canRunTensorflow,
  engineThreads,
  parseGraphicsCards,
  processorBFloat16,
} from '../../lib/engine/describe';

describe('the description of the engine', () => {
  it('knows from the flags of the processor whether bfloat16 is accelerated', () => {
    expect(processorBFloat16('flags\t\t: fpu avx2 avx512f avx512_bf16\n')).to.equal('accelerated');
    expect(processorBFloat16('flags\t\t: fpu amx_bf16 amx_tile\n')).to.equal('accelerated');
    expect(processorBFloat16('Features\t: fp asimd bf16\n')).to.equal('accelerated');
    expect(processorBFloat16('flags\t\t: fpu avx2 avx512f\n')).to.equal('emulated');
    expect(processorBFloat16('model name: made for avx512_bf16\n')).to.equal('emulated');
  });

  it('knows a processor on which TensorFlow would end the process', () => {
    expect(canRunTensorflow('flags\t\t: fpu sse4_2 avx avx2\n')).to.equal(true);
    expect(canRunTensorflow('flags\t\t: fpu sse4_2 avx2x\n')).to.equal(false);
    expect(canRunTensorflow('Features\t: fp asimd\n')).to.equal(true);
  });

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
