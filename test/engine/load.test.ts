import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildEngine } from '../../lib/engine/build';
import type { StartOptions } from '../../lib/engine/load';
import type { ProgramResult } from '../../lib/engine/program';
import { runTypeScript, typeScriptArguments } from '../support/child';
import { withFolder } from '../support/folder';
import type { Started } from './programs/start';

const program = join(__dirname, 'programs', 'start.ts');

describe('startEngine', () => {
  const folder = withFolder();

  before(async function () {
    // The first test on a machine fetches and builds it.
    this.timeout(600_000);
    await buildEngine();
  });

  function start(options: StartOptions, env: NodeJS.ProcessEnv = {}): Promise<ProgramResult> {
    return runTypeScript(program, [JSON.stringify(options), 'drop'], {
      NORM_DIRECTION_LAB_ENGINE: '',
      NORM_DIRECTION_LAB_DEVICE: '',
      TF_CPP_MIN_LOG_LEVEL: undefined,
      ...env,
    });
  }

  /** A machine without Python and a compiler, and a user who never built the engine. */
  function bareMachine(): NodeJS.ProcessEnv {
    return { PATH: folder(), CXX: '', NORM_DIRECTION_LAB_CACHE: join(folder(), 'cache') };
  }

  function parse({ status, stdout, stderr }: ProgramResult): Started {
    expect(status, stderr).to.equal(0);
    return JSON.parse(stdout) as Started;
  }

  /** [[1, 2], [3, 4]] · [[5, 6], [7, 8]] and the two largest of 3, 9, 4. */
  function expectRightResults(started: Started): void {
    expect(started.product).to.deep.equal([
      ...[1 * 5 + 2 * 7, 1 * 6 + 2 * 8],
      ...[3 * 5 + 4 * 7, 3 * 6 + 4 * 8],
    ]);
    expect(started.largest).to.deep.equal([9, 4]);
  }

  it('bears signals in the middle of matrix products, and leaves those of its children alone', async function () {
    if (process.platform !== 'linux') this.skip();
    // A second or so of products, most of the time with a signal on its way.
    const file = join(__dirname, 'programs', 'products.ts');
    const child = spawn(process.execPath, typeScriptArguments(file), { stdio: 'pipe' });
    let output = '';
    child.stdout.on('data', (text) => (output += String(text)));
    await once(child.stdout, 'data');
    const pestering = setInterval(() => child.kill('SIGUSR2'), 1);
    const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
    await Promise.race([once(child.stdout, 'data'), ended]);
    clearInterval(pestering);
    child.stdin.end();
    const [status, signal] = await ended;
    expect({ status, signal }, output).to.deep.equal({ status: 0, signal: null });
    expect(JSON.parse(output.split('\n')[1] ?? '')).to.deep.equal({
      signalled: true,
      childBlocks: `SigBlk:\t${'0'.repeat(16)}`,
    });
  });

  it("computes on TensorFlow without a word, also where Node has dropped 'util' functions", async () => {
    const result = await start({ device: 'cpu' });
    const started = parse(result);
    expectRightResults(started);
    expect(started.backend).to.equal('tensorflow');
    expect(started.engine).to.include({
      engine: 'native',
      backend: 'tensorflow',
      tensorflow: '2.21.0',
      device: 'cpu',
      gpu: false,
    });
    expect(started.engine.threads).to.be.at.least(1);
    expect(result.stderr).to.equal('');
    expect(started.again).to.match(/engine plain on cpu cannot be started any more/);
  });

  it('computes on the plain backend by choice, without a word', async () => {
    const result = await start({}, { NORM_DIRECTION_LAB_ENGINE: 'plain' });
    const started = parse(result);
    expectRightResults(started);
    expect(started.engine).to.deep.equal({
      engine: 'plain',
      backend: 'cpu',
      tensorflow: null,
      device: 'cpu',
      gpu: false,
      bfloat16: 'none',
      threads: 1,
    });
    expect(result.stderr).to.equal('');
    expect(started.again).to.match(/engine native on cpu cannot be started any more/);
  });

  it('falls back to the plain backend with one message where the tools are missing', async () => {
    const result = await start({}, bareMachine());
    const started = parse(result);
    expectRightResults(started);
    expect(started.engine.engine).to.equal('plain');
    const lines = result.stderr.trim().split('\n');
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/^warning: .*without Python 3 and a C\+\+ compiler/);
    expect(lines[0]).to.include('apt-get install g++');
    expect(lines[0]).to.include('many times slower');
    expect(readdirSync(join(folder(), 'cache', 'engine'))).to.deep.equal([]);
  });

  it('fails in the same place when the native engine was asked for', async () => {
    const { status, stdout, stderr } = await start({ engine: 'native' }, bareMachine());
    expect([status, stdout]).to.deep.equal([1, '']);
    expect(stderr).to.match(/^error: the TensorFlow engine cannot be built without Python 3/);
  });

  it('never falls back when a GPU was asked for', async () => {
    const hidden = { CUDA_VISIBLE_DEVICES: '' };
    const env = { ...bareMachine(), ...hidden, NORM_DIRECTION_LAB_DEVICE: 'gpu' };
    const { status, stdout, stderr } = await start({}, env);
    expect([status, stdout]).to.deep.equal([1, '']);
    // Before Python is looked for, or anything fetched.
    expect(stderr).to.match(/^error: a GPU was asked for and there is none/);
  });

  it('refuses a value that it does not know in the environment', async () => {
    const { status, stderr } = await start({}, { NORM_DIRECTION_LAB_ENGINE: 'fast' });
    expect(status).to.equal(1);
    expect(stderr).to.match(/^error: unknown engine 'fast' \(NORM_DIRECTION_LAB_ENGINE\)/);
  });
});
