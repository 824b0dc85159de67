import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect } from 'chai';
import { hostCudaInWords, linkHostCuda } from '../../lib/engine/host-cuda';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

/** What TensorFlow 2.21 opens, by the folder of its wheel; those of CUDA 13 lie in one. */
const ofCuda12: Readonly<Record<string, string[]>> = {
  cuda_runtime: ['libcudart.so.12'],
  nvjitlink: ['libnvJitLink.so.12'],
  cuda_nvrtc: ['libnvrtc.so.12'],
  cublas: ['libcublas.so.12', 'libcublasLt.so.12'],
  cufft: ['libcufft.so.11'],
  curand: ['libcurand.so.10'],
  cusparse: ['libcusparse.so.12'],
  cusolver: ['libcusolver.so.11'],
  cuda_cupti: ['libcupti.so.12'],
};
const beside: Readonly<Record<string, string[]>> = {
  cudnn: ['libcudnn.so.9', 'libcudnn_ops.so.9'],
  nccl: ['libnccl.so.2'],
};
const ofCuda13 =
  'cudart.so.13 nvJitLink.so.13 nvrtc.so.13 cublas.so.13 cublasLt.so.13 cufft.so.12 curand.so.10 cusparse.so.12 cusolver.so.12 cupti.so.13'
    .split(' ')
    .map((name) => `lib${name}`);

describe('CUDA’s libraries of a host', () => {
  const folder = withFolder();
  const at = (...path: string[]): string => join(folder(), ...path);
  const put = (...files: string[]): void => {
    for (const file of files) {
      mkdirSync(dirname(at(file)), { recursive: true });
      writeFileSync(at(file), '');
    }
  };
  const packages = (site: string, libraries: Readonly<Record<string, string[]>>): void => {
    for (const [name, files] of Object.entries(libraries))
      put(...files.map((file) => `${site}/nvidia/${name}/lib/${file}`));
  };
  /** The engine's libraries, as a bundle made with --cuda host has them. */
  const engine = (): string => {
    mkdirSync(at('engine', 'nvidia', 'cuda_nvcc', 'bin'), { recursive: true });
    return at('engine');
  };
  const link = (environment: NodeJS.ProcessEnv): string | undefined =>
    linkHostCuda(engine(), { PATH: at('bin'), ...environment }, at('root'));
  /** Where the binding looks for a library: the file of the host that it gets. */
  const served = (place: string, name: string): string =>
    relative(realpathSync(folder()), realpathSync(at('engine', 'nvidia', place, 'lib', name)));

  const site = 'env/lib/python3.12/site-packages';

  it('are those of a Python environment, with what lies beside them, and are told once', () => {
    packages(site, { ...ofCuda12, ...beside });
    const words = link({ VIRTUAL_ENV: at('env') }) ?? '';
    expect(words)
      .to.match(/^CUDA's libraries of this host: /)
      .and.not.include('another version');
    expect(words).to.include(`${at(site, 'nvidia/cublas/lib')} (2)`);
    expect(served('cublas', 'libcublas.so.12')).to.equal(
      `${site}/nvidia/cublas/lib/libcublas.so.12`,
    );
    // cuDNN opens its other libraries by the path that it was found under itself.
    expect(served('cudnn', 'libcudnn_ops.so.9')).to.equal(
      `${site}/nvidia/cudnn/lib/libcudnn_ops.so.9`,
    );
    expect(link({ VIRTUAL_ENV: at('env') })).to.equal(undefined);
    expect(hostCudaInWords(engine())).to.equal(words);
  });

  it('are those of the Python on the path where no environment is named', () => {
    packages('elsewhere/packages', { ...ofCuda12, ...beside });
    put('bin/python3');
    writeFileSync(at('bin', 'python3'), `#!/bin/sh\necho; echo ${at('elsewhere', 'packages')}\n`);
    chmodSync(at('bin', 'python3'), 0o755);
    link({});
    expect(served('nccl', 'libnccl.so.2')).to.equal(
      'elsewhere/packages/nvidia/nccl/lib/libnccl.so.2',
    );
  });

  it('are those of CUDA 13 under the names of CUDA 12, and that is said', () => {
    packages(site, { cu13: ofCuda13, ...beside });
    const words = link({ VIRTUAL_ENV: at('env') });
    expect(words).to.match(
      /of another version of CUDA: libcudart\.so\.13 as libcudart\.so\.12, .*libcufft\.so\.12 as libcufft\.so\.11/,
    );
    expect(words).to.not.include('as libcusparse.so.12').and.not.include('as libcudnn');
    expect(served('cusolver', 'libcusolver.so.11')).to.equal(
      `${site}/nvidia/cu13/lib/libcusolver.so.12`,
    );
    // Each finds the others of its version by their own names.
    expect(served('cublas', 'libcublasLt.so.13')).to.equal(
      `${site}/nvidia/cu13/lib/libcublasLt.so.13`,
    );
  });

  it('are of CUDA 12 rather than 13, of the newest toolkit, and first of all of LD_LIBRARY_PATH', () => {
    packages(site, { cu13: ofCuda13, ...beside });
    for (const version of ['12.4', '12.10']) {
      const files = Object.values(ofCuda12).flat();
      put(...files.map((file) => `root/usr/local/cuda-${version}/lib64/${file}`));
    }
    put('mine/libcublas.so.12', 'mine/libother.so.1');
    link({ VIRTUAL_ENV: at('env'), LD_LIBRARY_PATH: `${at('none')}:${at('mine')}` });
    expect(served('cufft', 'libcufft.so.11')).to.equal(
      'root/usr/local/cuda-12.10/lib64/libcufft.so.11',
    );
    expect(served('cublas', 'libcublas.so.12')).to.equal('mine/libcublas.so.12');
    expect(served('cudnn', 'libcudnn.so.9')).to.equal(`${site}/nvidia/cudnn/lib/libcudnn.so.9`);
    expect(existsSync(at('engine', 'nvidia', 'cublas', 'lib', 'libother.so.1'))).to.equal(false);
  });

  it('are taken anew when the host has others', () => {
    packages(site, { ...ofCuda12, ...beside });
    link({ VIRTUAL_ENV: at('env') });
    packages('new/lib/python3.13/site-packages', { ...ofCuda12, ...beside });
    rmSync(at('env'), { recursive: true });
    expect(link({ VIRTUAL_ENV: at('new') })).to.include('python3.13');
    expect(served('curand', 'libcurand.so.10')).to.include('new/lib/python3.13');
    expect(readdirSync(at('engine', 'nvidia', 'curand'))).to.deep.equal(['lib']);
  });

  it('are named where they are missing, with what installs them, and nothing is linked', async () => {
    packages(site, { ...ofCuda12, nccl: ['libnccl.so.2'], cufft: [] });
    rmSync(at(site, 'nvidia', 'cufft'), { recursive: true, force: true });
    const { kind, found, fix } = await faultOf(() => link({ VIRTUAL_ENV: at('env') }));
    expect(kind).to.equal('engine');
    expect(found).to.include('no libcufft.so.11, libcudnn.so.9 in ');
    expect(fix)
      .to.include('pip install nvidia-cufft-cu12 nvidia-cudnn-cu12')
      .and.include('--cuda carry');
    expect(readdirSync(engine())).to.deep.equal(['nvidia']);
  });

  it('stay unused by an engine that has its own', () => {
    packages(site, { ...ofCuda12, ...beside });
    put('engine/nvidia/cuda_runtime/lib/libcudart.so.12');
    expect(link({ VIRTUAL_ENV: at('env') })).to.equal(undefined);
    expect(hostCudaInWords(engine())).to.equal(undefined);
    expect(readdirSync(at('engine', 'nvidia')).sort()).to.deep.equal(['cuda_nvcc', 'cuda_runtime']);
  });
});
