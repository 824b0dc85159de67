import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ProgramResult, runProgram } from '../../lib/engine/program';
import { runTypeScript } from '../support/child';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';
import type { PathSteps } from '../support/path-steps';

const root = join(__dirname, '..', '..');
const onPath = { NORM_DIRECTION_LAB_PATH: 'gpu' };

describe('the GPU’s path on a CPU', function () {
  this.timeout(300_000);

  // So that no process of these builds the engine.
  withEngine('native');
  const folder = withFolder();

  const lab = (...args: string[]): Promise<ProgramResult> =>
    runTypeScript(join(root, 'reproduce', 'main.ts'), args, onPath);

  const stepsOn = async (path: string): Promise<PathSteps> => {
    const program = join(root, 'test', 'support', 'path-steps.ts');
    const { stdout, stderr } = await runTypeScript(program, [], { NORM_DIRECTION_LAB_PATH: path });
    expect(stdout, stderr).to.match(/^\{/);
    return JSON.parse(stdout) as PathSteps;
  };

  it('trains on real images as the CPU’s own does, with TensorFlow’s own operations, in functions, one read a step', async () => {
    const cpu = await stepsOn('');
    const gpu = await stepsOn('gpu');
    expect(gpu.losses).to.have.length(8);
    cpu.losses.forEach((loss, step) => {
      expect(gpu.losses[step], `step ${step}`).to.be.closeTo(loss, 1e-3 * loss);
    });
    const own = ({ operations }: PathSteps): string[] =>
      operations.filter((name) => /^(_Mkl|NormDirection(?!ShareThreads))/.test(name));
    expect(own(cpu)).to.include.members(['NormDirectionBatchNorm', 'NormDirectionSgd']);
    expect(own(gpu)).to.deep.equal([]);
    expect(gpu.operations).to.include.members(['FusedBatchNormV3', 'FusedBatchNormGradV3']);
    // The teacher’s pass, the student’s two, and SGD.
    const functions = gpu.operations.filter((name) => name.startsWith('norm_direction_'));
    expect(functions).to.have.length(4);
    expect(gpu.reads).to.deep.equal([1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('passes verify’s losses and detection', async () => {
    const reference = join(root, 'test', 'fixtures', 'reference');
    const parts = 'losses,detection-ops';
    const { status, stdout } = await lab('verify', reference, '--parts', parts);
    expect(stdout).to.match(/\d+ passed, 0 failed\n$/);
    expect(status).to.equal(0);
  });

  it('passes the tests of training', async () => {
    const files = ['train', 'loop', 'learner', 'accumulation', 'sgd', 'engines'].map((name) =>
      join('test', 'train', `${name}.test.ts`),
    );
    const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
    const { status, stdout } = await runProgram(process.execPath, [mocha, ...files], {
      cwd: root,
      env: { ...process.env, ...onPath },
    });
    expect(status, stdout).to.equal(0);
  });

  it('is checked part by part, against the CPU’s numbers too', async () => {
    const output = join(folder(), 'check.json');
    const parts = ['--parts', 'engine,steps', '--pairs', 'resnet20:resnet8'];
    const { status, stdout, stderr } = await lab('gpu-check', ...parts, '--output', output);
    expect(status, stderr).to.equal(0);
    expect(stdout)
      .to.match(/engine .* passed/)
      .and.match(/steps .* passed/);
    const { device, parts: found } = JSON.parse(readFileSync(output, 'utf8')) as {
      device: string;
      parts: { name: string; state: string; data: unknown }[];
    };
    expect(device).to.equal('cpu');
    expect(found.map(({ name, state }) => [name, state])).to.deep.equal([
      ['engine', 'passed'],
      ['steps', 'passed'],
    ]);
    const rows = found[1]?.data as { precision: string; apart: number }[];
    expect(rows.map(({ precision }) => precision)).to.deep.equal(['f32', 'bf16']);
    expect(rows[0]?.apart).to.be.below(1e-3);
  });
});
