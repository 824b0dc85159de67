import { expect } from 'chai';
import { tensorflowVariables, withoutChatter } from '../../lib/engine/load-binding';
import { LabError } from '../../lib/errors';

describe("the filter of TensorFlow's log", () => {
  it('drops information and warnings, and keeps errors and what others write', () => {
    const log = [
      'WARNING: All log messages before absl::InitializeLog() is called are written to STDERR',
      'I0000 00:00:1795474355.425075   20182 port.cc:153] oneDNN custom operations are on.',
      'W0000 00:00:1795474355.425075   20182 some.cc:1] a warning',
      'E0000 00:00:1795474128.377628   15026 cuda_platform.cc:52] failed call to cuInit',
      'a line of somebody else',
      '',
    ];
    expect(withoutChatter(log.join('\n'))).to.equal(
      'E0000 00:00:1795474128.377628   15026 cuda_platform.cc:52] failed call to cuInit\na line of somebody else\n',
    );
    expect(withoutChatter('')).to.equal('');
  });
});

describe('what TensorFlow and CUDA’s libraries are told before they are loaded', () => {
  const onGpu = { device: 'gpu', libraries: '/engine' } as const;

  for (const [numerics, expected] of [
    [{}, ['0', undefined, undefined]],
    [{ tf32: true }, [undefined, undefined, undefined]],
    [{ deterministic: true }, ['0', '1', '1']],
  ] as const) {
    it(`is float32 proper and free order unless asked otherwise: ${JSON.stringify(numerics)}`, () => {
      const told = tensorflowVariables(onGpu, numerics, {});
      expect([
        told['NVIDIA_TF32_OVERRIDE'],
        told['TF_DETERMINISTIC_OPS'],
        told['TF_CUDNN_DETERMINISTIC'],
      ]).to.deep.equal(expected);
      expect(told['TF_FORCE_GPU_ALLOW_GROWTH']).to.equal('true');
      expect(told['CUDA_DEVICE_ORDER']).to.equal('PCI_BUS_ID');
    });
  }

  it('is where XLA finds ptxas, in quotes: it would take a path up to its first space', () => {
    const libraries = '/un packed/engine';
    expect(tensorflowVariables({ device: 'gpu', libraries }, {}, {})['XLA_FLAGS']).to.equal(
      '--xla_gpu_cuda_data_dir="/un packed/engine/nvidia/cuda_nvcc"',
    );
  });

  it('is nothing of a GPU on a CPU, and nothing that the user has set', () => {
    const onCpu = { device: 'cpu', libraries: '/engine' } as const;
    const told = tensorflowVariables(onCpu, { deterministic: true }, { TF_CPP_MIN_LOG_LEVEL: '0' });
    expect(Object.keys(told).sort()).to.deep.equal([
      'TF_ENABLE_ONEDNN_OPTS',
      'TF_ONEDNN_THREADPOOL_USE_CALLER_THREAD',
    ]);
    expect(tensorflowVariables(onGpu, {}, { NVIDIA_TF32_OVERRIDE: '1' })).not.to.have.property(
      'NVIDIA_TF32_OVERRIDE',
    );
  });

  it('is refused where the user has set the contrary of what is asked for', () => {
    const numbers = { tf32: false, deterministic: true };
    for (const [asked, name, value, option] of [
      [numbers, 'NVIDIA_TF32_OVERRIDE', '1', '--precision'],
      [{ tf32: true }, 'NVIDIA_TF32_OVERRIDE', '0', '--precision'],
      [numbers, 'TF_DETERMINISTIC_OPS', '0', '--deterministic'],
      [numbers, 'TF_CUDNN_DETERMINISTIC', 'False', '--deterministic'],
    ] as const) {
      const set = { [name]: value };
      expect(() => tensorflowVariables(onGpu, asked, set)).to.throw(
        LabError,
        `contradicts an option (${option}): found ${name}=${value}`,
      );
      const onCpu = { device: 'cpu', libraries: '/engine' } as const;
      expect(tensorflowVariables(onCpu, asked, set)).not.to.have.property(name);
    }
    const same = { NVIDIA_TF32_OVERRIDE: '0', TF_DETERMINISTIC_OPS: 'true' };
    expect(tensorflowVariables(onGpu, numbers, same)).to.include({ TF_CUDNN_DETERMINISTIC: '1' });
    tensorflowVariables(onGpu, { tf32: true }, { NVIDIA_TF32_OVERRIDE: '1' });
  });
});
