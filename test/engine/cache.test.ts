import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { cached, cacheKey, cacheRoot, folderBytes, isComplete } from '../../lib/engine/cache';
import { runTypeScript, typeScriptArguments } from '../support/child';
import { withFolder } from '../support/folder';

const program = join(__dirname, 'programs', 'make-entry.ts');

describe('the cache', () => {
  const root = withFolder();
  let makings = 0;

  beforeEach(() => {
    makings = 0;
  });

  function entry(content = 'content') {
    return {
      root: root(),
      name: 'entry',
      make: (folder: string) => {
        makings += 1;
        mkdirSync(join(folder, 'sub'));
        writeFileSync(join(folder, 'sub', 'file'), content);
        return Promise.resolve();
      },
    };
  }

  it('has a key that changes with every input and not with their order', () => {
    const inputs = { wheel: 'a', sources: 'b', flags: '-O2' };
    const key = cacheKey(inputs);
    expect(cacheKey({ flags: '-O2', sources: 'b', wheel: 'a' })).to.equal(key);
    const others = [
      { ...inputs, wheel: 'A' },
      { ...inputs, sources: 'c' },
      { ...inputs, flags: '-O3' },
      { ...inputs, patches: '' },
      { wheel: 'b', sources: 'a', flags: '-O2' },
    ];
    const keys = others.map(cacheKey);
    expect(new Set([key, ...keys]).size).to.equal(others.length + 1);
  });

  it('makes an entry once and finds it afterwards', async () => {
    const first = await cached(entry());
    const second = await cached(entry());
    expect([first.made, second.made, makings]).to.deep.equal([true, false, 1]);
    expect(readFileSync(join(second.folder, 'sub', 'file'), 'utf8')).to.equal('content');
    expect(readdirSync(root())).to.deep.equal(['entry']);
    expect(folderBytes(join(second.folder, 'sub'))).to.equal('content'.length);
  });

  it('makes it again by force, in place of the old one', async () => {
    await cached(entry('old'));
    const { folder, made } = await cached(entry('new'), { force: true });
    expect(made).to.equal(true);
    expect(readFileSync(join(folder, 'sub', 'file'), 'utf8')).to.equal('new');
    expect(readdirSync(root())).to.deep.equal(['entry']);
  });

  it('does not accept a folder without a manifest, a missing, a shortened or a changed file', async () => {
    const { folder } = await cached(entry());
    const file = join(folder, 'sub', 'file');
    const damages = [
      () => {
        rmSync(join(folder, 'manifest.json'));
      },
      () => {
        writeFileSync(join(folder, 'manifest.json'), '{"files": {');
      },
      () => {
        rmSync(file);
      },
      () => {
        writeFileSync(file, 'cont');
      },
      () => {
        writeFileSync(file, 'CONTENT');
      },
    ];
    for (const [index, damage] of damages.entries()) {
      expect(await isComplete(folder)).to.equal(true);
      damage();
      expect(await isComplete(folder), `damage ${String(index)}`).to.equal(false);
      expect((await cached(entry())).made).to.equal(true);
    }
  });

  it('leaves nothing behind when the making fails, and clears what a killed process left', async () => {
    const failing = { ...entry(), make: () => Promise.reject(new Error('no network')) };
    let message = '';
    await cached(failing).catch((error: unknown) => {
      message = error instanceof Error ? error.message : '';
    });
    expect(message).to.equal('no network');
    expect(readdirSync(root())).to.deep.equal([]);

    const leftover = join(root(), '.making-entry-of-a-dead-process');
    mkdirSync(leftover);
    await cached(entry());
    expect(existsSync(leftover)).to.equal(false);
  });

  it('says so when the cache cannot be written', async () => {
    writeFileSync(join(root(), 'file'), '');
    const error: unknown = await cached({ ...entry(), root: join(root(), 'file', 'cache') }).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(LabError);
    expect((error as LabError).kind).to.equal('file');
  });

  it('is made once by two processes that start at the same time', async () => {
    const log = join(root(), 'log');
    const args = [join(root(), 'cache'), log, '1500'];
    const both = await Promise.all([runTypeScript(program, args), runTypeScript(program, args)]);
    expect(both.map(({ stdout }) => stdout).sort()).to.deep.equal(['found', 'made']);
    expect(both.map(({ stderr }) => stderr).sort()).to.deep.equal(['', 'waiting\n']);
    expect(readFileSync(log, 'utf8').trim().split('\n')).to.have.length(1);
  });

  it('is made by the next process when the first is killed half-way', async () => {
    const log = join(root(), 'log');
    const cache = join(root(), 'cache');
    const first = spawn(process.execPath, typeScriptArguments(program, cache, log, '60000'), {
      stdio: 'ignore',
    });
    while (!existsSync(log)) await sleep(50);
    first.kill('SIGKILL');
    await once(first, 'exit');
    expect(await isComplete(join(cache, 'entry'))).to.equal(false);

    const second = await runTypeScript(program, [cache, log, '0']);
    expect(second.stdout).to.equal('made');
    expect(await isComplete(join(cache, 'entry'))).to.equal(true);
    expect(readdirSync(cache)).to.deep.equal(['entry']);
  });

  it('lies where the environment says, which must be an absolute path', () => {
    expect(cacheRoot({ NORM_DIRECTION_LAB_CACHE: '/some/where' })).to.equal('/some/where');
    expect(cacheRoot({})).to.match(/norm-direction-lab$/);
    expect(() => cacheRoot({ NORM_DIRECTION_LAB_CACHE: 'some/where' }))
      .to.throw(LabError)
      .with.property('message')
      .that.includes('NORM_DIRECTION_LAB_CACHE');
  });
});
