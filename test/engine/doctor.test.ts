import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Check, checkNode } from '../../lib/doctor';
import { buildEngine, enginePlace } from '../../lib/engine/build';
import { cached } from '../../lib/engine/cache';
import { runTypeScript } from '../support/child';
import { runHere } from '../support/command';
import { withFolder } from '../support/folder';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'doctor.ts');

interface Report {
  readonly checks: readonly Check[];
}

describe('npm run doctor', () => {
  const folder = withFolder();

  before(async function () {
    this.timeout(600_000);
    await buildEngine();
  });

  async function doctor(
    env: NodeJS.ProcessEnv = {},
    run = runHere,
  ): Promise<{
    status: number | null;
    named: ReadonlyMap<string, Check>;
  }> {
    const { status, stdout } = await run(command, ['--json'], {
      NORM_DIRECTION_LAB_ENGINE: '',
      NORM_DIRECTION_LAB_DEVICE: 'cpu',
      NORM_DIRECTION_LAB_DATA: folder(),
      ...env,
    });
    const report = JSON.parse(stdout) as Report;
    return { status, named: new Map(report.checks.map((check) => [check.name, check])) };
  }

  it('finds the built engine computing, its version and device, and every part by name', async () => {
    const { status, named } = await doctor({}, runTypeScript);
    expect(status).to.equal(0);
    for (const name of ['Node', 'engine', 'engine computes', 'TensorFlow', 'device', 'bfloat16']) {
      expect(named.get(name)?.state, name).to.equal('ok');
    }
    expect(named.get('TensorFlow')?.detail).to.equal('2.21.0');
    expect(named.get('convolutions')?.detail.startsWith('3 × 3 by Winograd')).to.equal(
      / avx2\b/.test(readFileSync('/proc/cpuinfo', 'utf8')) ? true : undefined,
    );
    for (const name of [
      'GPU',
      'cache',
      'notebook kernel (tslab)',
      'JupyterLab',
      'data: fashion-mnist',
    ]) {
      expect(named.has(name), name).to.equal(true);
    }
    for (const { name, state, fix } of named.values()) {
      if (state !== 'ok') expect(fix, name).to.be.a('string');
    }
  });

  it('names each missing tool with what installs it, and ends with status 1', async () => {
    const cache = join(folder(), 'cache');
    const { status, named } = await doctor({
      PATH: folder(),
      CXX: '',
      NORM_DIRECTION_LAB_CACHE: cache,
    });
    expect(status).to.equal(1);
    expect(named.get('C++ compiler')).to.include({ state: 'fault' });
    expect(named.get('C++ compiler')?.fix).to.include('apt-get install g++');
    expect(named.get('Python 3')?.fix).to.include('apt-get install python3');
    expect(named.get('engine')).to.include({ state: 'warning', fix: 'npm run engine' });
    expect(named.has('engine computes')).to.equal(false);
    expect(existsSync(cache)).to.equal(false);
  });

  it('counts missing tools as warnings while the engine is built', async () => {
    const { status, named } = await doctor({ PATH: folder(), CXX: '' });
    expect(status).to.equal(0);
    expect(named.get('C++ compiler')?.state).to.equal('warning');
    expect(named.get('JupyterLab')).to.include({
      state: 'warning',
      fix: 'npm run lab -- --setup-only',
    });
  });

  it('survives an engine that does not load, and says how to mend it', async () => {
    const place = enginePlace('cpu', join(folder(), 'engine'));
    const make = (file: string) => (entry: string) => {
      writeFileSync(join(entry, file), 'no shared library');
      return Promise.resolve();
    };
    await cached({ root: place.root, name: place.libraries, make: make('library') });
    await cached({ root: place.root, name: place.binding, make: make('tfjs_binding.node') });
    const { status, named } = await doctor({ NORM_DIRECTION_LAB_CACHE: folder() });
    expect(status).to.equal(1);
    expect(named.get('engine')?.state).to.equal('ok');
    expect(named.get('engine computes')).to.include({
      state: 'fault',
      fix: 'npm run engine -- --force',
    });
    expect(named.get('engine computes')?.detail).to.include('does not load');
  });

  for (const [device, words, gpu] of [
    ['cpu', 'built for a GPU, serves the processor, in ', undefined],
    ['gpu', 'built, in ', 'fault'],
  ] as const) {
    it(`finds the engine for a GPU where no other is, as in a bundle, on a ${device}`, async function () {
      if (process.arch !== 'x64') this.skip();
      const place = enginePlace('gpu', join(folder(), 'engine'));
      await cached({
        root: place.root,
        name: place.libraries,
        make: (entry) => {
          const cuda = join(entry, 'nvidia', 'cuda_runtime', 'lib');
          mkdirSync(cuda, { recursive: true });
          writeFileSync(join(cuda, 'libcudart.so.12'), 'no shared library');
          return Promise.resolve();
        },
      });
      await cached({ root: place.root, name: place.binding, make: () => Promise.resolve() });
      const { named } = await doctor({
        NORM_DIRECTION_LAB_CACHE: folder(),
        NORM_DIRECTION_LAB_DEVICE: device,
        CUDA_VISIBLE_DEVICES: '',
      });
      expect(named.get('engine')?.detail).to.equal(`${words}${place.root}`);
      const cuda = join(place.root, place.libraries, 'nvidia');
      expect(named.get('CUDA')).to.include({
        state: 'ok',
        detail: `the engine's own libraries, in ${cuda}`,
      });
      // Tried on the processor either way.
      expect(named.get('engine computes')?.detail).to.include('does not load');
      if (gpu === undefined) return;
      expect(named.get('GPU')?.state).to.equal(gpu);
      expect(named.get('GPU')?.detail).to.include('found CUDA_VISIBLE_DEVICES=');
    });
  }

  it('does not try an engine for a GPU whose libraries of CUDA the host has not', async function () {
    if (process.arch !== 'x64' || readdirSync('/usr/local').some((name) => /^cuda/.test(name))) {
      return this.skip();
    }
    const place = enginePlace('gpu', join(folder(), 'engine'));
    const make = (entry: string) =>
      Promise.resolve(void mkdirSync(join(entry, 'nvidia', 'cuda_nvcc'), { recursive: true }));
    await cached({ root: place.root, name: place.libraries, make });
    await cached({ root: place.root, name: place.binding, make: () => Promise.resolve() });
    const { status, named } = await doctor({
      ...{ NORM_DIRECTION_LAB_CACHE: folder(), NORM_DIRECTION_LAB_DEVICE: 'gpu' },
      ...{ PATH: folder(), LD_LIBRARY_PATH: '', VIRTUAL_ENV: '', CONDA_PREFIX: '' },
    });
    expect(status).to.equal(1);
    expect(named.get('CUDA')).to.include({ state: 'fault' });
    expect(named.get('CUDA')?.fix).to.include('pip install nvidia-cuda-runtime-cu12');
    expect(named.has('engine computes')).to.equal(false);
  });

  it('reports a setting that stops every command', async () => {
    const { status, named } = await doctor({ NORM_DIRECTION_LAB_ENGINE: 'fast' });
    expect(status).to.equal(1);
    expect(named.get('engine')).to.include({ state: 'fault' });
    expect(named.get('engine')?.detail).to.include("'fast'");
  });

  it('wants Node 20.19 or later', () => {
    expect(checkNode('20.19.0').state).to.equal('ok');
    expect(checkNode('24.1.0').state).to.equal('ok');
    expect(checkNode('20.18.3').state).to.equal('fault');
    expect(checkNode('18.20.0').state).to.equal('fault');
  });
});
