import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { enginePlace } from '../../lib/engine/build';
import { bestDevice, chooseEngine, missingGpu } from '../../lib/engine/load';
import { LabError } from '../../lib/errors';
import { withFolder } from '../support/folder';

describe('chooseEngine', () => {
  it('leaves open what nobody asked for', () => {
    expect(chooseEngine({}, {})).to.deep.equal({ engine: undefined, device: undefined });
  });

  it('takes options before the environment', () => {
    const environment = { NORM_DIRECTION_LAB_ENGINE: 'plain', NORM_DIRECTION_LAB_DEVICE: 'cpu' };
    expect(chooseEngine({}, environment)).to.deep.equal({ engine: 'plain', device: 'cpu' });
    expect(chooseEngine({ engine: 'native', device: 'gpu' }, environment)).to.deep.equal({
      engine: 'native',
      device: 'gpu',
    });
  });

  it('refuses other values, naming the variable and the nearest known one', () => {
    expect(() => chooseEngine({}, { NORM_DIRECTION_LAB_ENGINE: 'nativ' })).to.throw(
      LabError,
      /'nativ' \(NORM_DIRECTION_LAB_ENGINE\).*Did you mean 'native'\?/,
    );
    expect(() => chooseEngine({}, { NORM_DIRECTION_LAB_DEVICE: 'tpu' })).to.throw(
      LabError,
      /'tpu' \(NORM_DIRECTION_LAB_DEVICE\)/,
    );
  });

  it('leaves the path to the device, or takes the GPU’s, and refuses another', () => {
    for (const path of [undefined, '', 'gpu']) {
      expect(chooseEngine({}, { NORM_DIRECTION_LAB_PATH: path }).device).to.equal(undefined);
    }
    expect(() => chooseEngine({}, { NORM_DIRECTION_LAB_PATH: 'cuda' })).to.throw(
      LabError,
      /'cuda' \(NORM_DIRECTION_LAB_PATH\).*gpu/,
    );
  });

  it('refuses a GPU on the plain engine', () => {
    expect(() => chooseEngine({ engine: 'plain' }, { NORM_DIRECTION_LAB_DEVICE: 'gpu' })).to.throw(
      LabError,
      /plain engine cannot use a GPU/,
    );
  });
});

describe('the device where none is asked for', () => {
  const folder = withFolder();
  const names = ['NORM_DIRECTION_LAB_CACHE', 'CUDA_VISIBLE_DEVICES'];
  const before = names.map((name) => process.env[name]);

  beforeEach(() => {
    process.env['NORM_DIRECTION_LAB_CACHE'] = folder();
    delete process.env['CUDA_VISIBLE_DEVICES'];
  });

  afterEach(() => {
    names.forEach((name, index) => {
      const value = before[index];
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    });
  });

  function put(file: string): void {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
  }

  it('is a GPU whose engine is built, by any of the files that its drivers have', function () {
    if (process.platform !== 'linux' || process.arch !== 'x64') this.skip();
    const root = join(folder(), 'root');
    const { root: cache, binding } = enginePlace('gpu');
    for (const driver of ['proc/driver/nvidia/version', 'dev/nvidiactl', 'dev/dxg']) {
      put(join(root, driver));
      expect(missingGpu(root)).to.equal(undefined);
      expect(bestDevice(root)).to.equal('cpu');
      put(join(cache, binding, 'manifest.json'));
      expect(bestDevice(root), driver).to.equal('gpu');
      process.env['CUDA_VISIBLE_DEVICES'] = '-1';
      expect(bestDevice(root)).to.equal('cpu');
      delete process.env['CUDA_VISIBLE_DEVICES'];
      rmSync(root, { recursive: true });
      expect(bestDevice(root)).to.equal('cpu');
      rmSync(cache, { recursive: true });
    }
  });
});
