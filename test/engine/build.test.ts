import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildEngine, enginePlace } from '../../lib/engine/build';
import { isComplete } from '../../lib/engine/cache';
import { runTypeScript } from '../support/child';
import { withFolder } from '../support/folder';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'engine.ts');

describe('buildEngine', () => {
  const folder = withFolder();

  before(async function () {
    this.timeout(600_000);
    await buildEngine();
  });

  it('finds what was built at once, and says nothing', async () => {
    const said: string[] = [];
    const engine = await buildEngine({ onProgress: ({ message }) => said.push(message) });
    expect(engine.built).to.equal(false);
    expect(said).to.deep.equal([]);
    expect(existsSync(engine.binding)).to.equal(true);
  });

  it('gives the two devices places of their own', () => {
    const cpu = enginePlace('cpu', folder());
    expect(cpu.root).to.equal(folder());
    expect(enginePlace('cpu', join(folder(), 'other'))).to.include({ binding: cpu.binding });
    if (process.arch !== 'x64') return;
    const gpu = enginePlace('gpu', folder());
    expect(gpu.libraries).to.not.equal(cpu.libraries);
    expect(gpu.binding).to.not.equal(cpu.binding);
  });

  it('is described by npm run engine -- --json', async () => {
    const { status, stdout, stderr } = await runTypeScript(command, ['--json'], {
      NORM_DIRECTION_LAB_ENGINE: '',
      NORM_DIRECTION_LAB_DEVICE: '',
    });
    expect(status, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ engine: 'native', built: false, device: 'cpu' });
  });

  it('is removed by npm run engine -- --clean, in the cache that the environment names', async () => {
    const { root, binding } = enginePlace('cpu');
    const copy = join(folder(), 'engine', binding);
    cpSync(join(root, binding), copy, { recursive: true });
    expect(await isComplete(copy)).to.equal(true);
    const { status, stdout } = await runTypeScript(command, ['--clean', '--json'], {
      NORM_DIRECTION_LAB_CACHE: folder(),
    });
    expect(status).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ removed: join(folder(), 'engine') });
    expect(existsSync(copy)).to.equal(false);
    expect(readFileSync(join(root, binding, 'manifest.json'), 'utf8')).to.not.equal('');
  });
});
