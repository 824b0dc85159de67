import { expect } from 'chai';
import { canRunTensorflow, processorBFloat16, processorName } from '../../lib/engine/processor';

describe('the processor', () => {
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

  it('has a name that tells members of a family apart', () => {
    const inBrackets = (cpuinfo: string): string | undefined =>
      /\(\d+ cores(.*)\)$/.exec(processorName(cpuinfo))?.[1];
    expect(inBrackets('flags\t\t: fpu avx avx2\n')).to.equal(', AVX2');
    expect(inBrackets('flags\t\t: fpu avx avx2 avx512f\n')).to.equal(', AVX512');
    expect(inBrackets('flags\t\t: avx2 avx512f avx512_bf16\n')).to.equal(', AVX512, bfloat16');
    expect(inBrackets('Features\t: fp asimd\n')).to.equal(', NEON');
    expect(inBrackets('')).to.equal('');
  });
});
