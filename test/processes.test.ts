import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { inTemporaryFolder } from '../lib/processes';
import { typeScriptArguments } from './support/child';
import { withFolder } from './support/folder';

describe('a temporary folder', () => {
  const folder = withFolder();
  let before: string | undefined;
  let running: ChildProcess | undefined;

  beforeEach(() => {
    before = process.env['TMPDIR'];
    process.env['TMPDIR'] = folder();
  });
  afterEach(() => {
    running?.kill('SIGKILL');
    if (before === undefined) Reflect.deleteProperty(process.env, 'TMPDIR');
    else process.env['TMPDIR'] = before;
  });

  it('is gone after its work, also where that throws', async () => {
    const fail = inTemporaryFolder('cell', (own) => {
      expect(existsSync(own)).to.equal(true);
      return Promise.reject(new Error('on purpose'));
    });
    const message = await fail.catch((error: unknown) => String(error));
    expect(message).to.equal('Error: on purpose');
    expect(readdirSync(folder())).to.deep.equal([]);
  });

  it('of a process that was killed is removed by the next, and no other folder', async () => {
    const program = `require(${JSON.stringify(join(__dirname, '../lib/processes'))})
      .inTemporaryFolder('cell', (own) => new Promise(() => {
        require('node:fs').writeFileSync(own + '/weights', '');
        console.log(own);
        setInterval(() => {}, 1000);
      }));`;
    const [, loader = ''] = typeScriptArguments('');
    const child = spawn(process.execPath, ['--require', loader, '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running = child;
    const ended = once(child, 'exit');
    const [printed] = (await once(child.stdout, 'data')) as [Buffer];
    const left = basename(printed.toString().trim());
    const here = (): string[] => readdirSync(folder()).filter((name) => !name.startsWith('tsx'));
    const others = ['norm-direction-lab', left.replace(/-[0-9a-f]{6}-/, '-000000-'), 'other-1-x'];
    for (const name of others) mkdirSync(join(folder(), name));
    // While it runs, its folder is left alone.
    await inTemporaryFolder('kernel', () => Promise.resolve());
    expect(here()).to.have.members([left, ...others]);
    child.kill('SIGKILL');
    await ended;
    await inTemporaryFolder('kernel', () => Promise.resolve());
    expect(here()).to.have.members(others);
  });
});
