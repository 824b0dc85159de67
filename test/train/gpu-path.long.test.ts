import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { type ProgramResult, runProgram } from '../../lib/engine/program';
import { runTypeScript } from '../support/child';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';
import type { PathSteps, PathTraining } from '../support/path-steps';

const root = join(__dirname, '..', '..');
const onPath = { NORM_DIRECTION_LAB_PATH: 'gpu' };

describe('the GPU’s path on a CPU', function () {
  this.timeout(300_000);

  // So that no process of these builds the engine.
  withEngine('native');
  const folder = withFolder();

  const lab = (...args: string[]): Promise<ProgramResult> =>
    runTypeScript(join(root, 'reproduce', 'main.ts'), args, onPath);

  const stepsOn = async (path: string): Promise<Record<PathTraining, PathSteps>> => {
    const program = join(root, 'test', 'support', 'path-steps.ts');
    const { stdout, stderr } = await runTypeScript(program, [], { NORM_DIRECTION_LAB_PATH: path });
    expect(stdout, stderr).to.match(/^\{/);
    return JSON.parse(stdout) as Record<PathTraining, PathSteps>;
  };

  it('trains on real images as the CPU’s own does, with TensorFlow’s own operations, in functions, one read a step, batches of a thread', async () => {
    const [cpus, gpus] = [await stepsOn(''), await stepsOn('gpu')];
    for (const name of ['sgd', 'adamw and memories'] as const) {
      const [cpu, gpu] = [cpus[name], gpus[name]];
      expect(gpu.losses).to.have.length(8);
      cpu.losses.forEach((loss, step) => {
        expect(gpu.losses[step], `${name}, step ${step}`).to.be.closeTo(loss, 1e-3 * loss);
      });
      const own = ({ operations }: PathSteps): string[] =>
        operations.filter((operation) => /^(_Mkl|NormDirection(?!ShareThreads))/.test(operation));
      expect(own(cpu)).to.include('NormDirectionBatchNorm');
      expect(own(gpu), name).to.deep.equal([]);
      expect(gpu.operations).to.include.members(['FusedBatchNormV3', 'FusedBatchNormGradV3']);
      // The teacher’s pass, the student’s two, and the optimiser’s step.
      const functions = gpu.operations.filter((each) => each.startsWith('norm_direction_'));
      expect(functions, name).to.have.length(4);
      // Evaluation and a checkpoint lie before the second epoch’s first step.
      const steps = gpu.reads.filter((_, step) => step !== 4);
      expect(steps, name).to.deep.equal([1, 1, 1, 1, 1, 1, 1]);
      expect([cpu.batchesOfThreads, gpu.batchesOfThreads], name).to.deep.equal([0, 8]);
    }
    // One for both.
    expect(Object.values(gpus).map(({ threads }) => threads)).to.deep.equal([1, 1]);
  });

  it('passes verify: losses, detection, steps of the released code, trainings', async () => {
    const fixtures = join(root, 'test', 'fixtures');
    const reference = join(folder(), 'reference');
    mkdirSync(reference);
    for (const file of [
      'reference/losses.json',
      'reference/detection-ops.json',
      // Of 56 layers, whose batch norms must sum exactly, and of grouped convolutions.
      'released/released-cifar-reviewkd-resnet56-resnet20.json',
      'released/released-cifar-dkd-resnet32x4-ShuffleV1.json',
    ]) {
      copyFileSync(join(fixtures, file), join(reference, basename(file)));
    }
    const name = 'trajectories.json';
    const { runs, ...rest } = JSON.parse(
      readFileSync(join(fixtures, 'reference', name), 'utf8'),
    ) as { runs: { student: string; method: string }[] };
    // KD and KD++ of the smallest pair, and of networks whose ReLUs hang on rounding.
    const wide = runs.filter(({ student, method }) => `${student} ${method}` === 'wrn_40_1 kd++');
    expect(wide).to.have.length(1);
    const some = [...runs.slice(0, 2), ...wide];
    writeFileSync(join(reference, name), JSON.stringify({ ...rest, runs: some }));
    const { status, stdout } = await lab('verify', reference);
    expect(stdout).to.match(/\d+ passed, 0 failed\n$/);
    expect(status).to.equal(0);
  });

  it('passes the tests of training', async () => {
    const files = ['train', 'loop', 'learner', 'accumulation', 'sgd', 'adamw', 'engines'].map(
      (name) => join('test', 'train', `${name}.test.ts`),
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
