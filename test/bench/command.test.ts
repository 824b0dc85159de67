import { PassThrough } from 'node:stream';
import { join } from 'node:path';
import { expect } from 'chai';
import { benchProgress } from '../../lib/bench/progress';
import { parsePrecision } from '../../lib/engine/precision';
import { runTypeScript } from '../support/child';
import { runHere } from '../support/command';
import { withEngine } from '../support/engine';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'bench.ts');
const bench = (...args: string[]): ReturnType<typeof runHere> => runHere(command, args);

describe('npm run bench', () => {
  withEngine('native');

  it('times a step and its parts and gives them as one object on the last line', async () => {
    const small = ['--pair', 'resnet8:resnet8', '--batch', '4', '--iters', '2'];
    const { status, stdout, stderr } = await runTypeScript(command, [
      ...small,
      '--profile',
      '--json',
    ]);
    expect(status, stderr).to.equal(0);
    const [line = '', ...others] = stdout.trimEnd().split('\n').reverse();
    expect(others).to.deep.equal([]);
    const found = JSON.parse(line) as Record<string, unknown>;
    expect(found).to.include({
      pair: 'resnet8:resnet8',
      batch: 4,
      iterations: 2,
      precision: 'f32',
      engine: 'native',
    });
    for (const name of ['ms', 'minMs', 'maxMs', 'imagesPerSecond', 'teacherMs', 'optimizerMs']) {
      expect(found[name], name).to.be.a('number').above(0);
    }
    const { ms, teacherMs, studentMs, optimizerMs, imagesPerSecond } = found as Record<
      string,
      number
    >;
    expect(Number(teacherMs) + Number(studentMs) + Number(optimizerMs)).to.be.closeTo(
      Number(ms),
      1e-6,
    );
    expect(imagesPerSecond).to.be.closeTo(4000 / Number(ms), 1e-6);
    expect(found.peakMemoryMiB).to.be.a('number').above(50);
    const operations = found.operations as { name: string; calls: number }[];
    // resnet8: three stages of one block, the stem, two projections; a first layer needs no gradient of its input.
    const filters = operations.filter(({ name }) =>
      /^(Conv2DBackpropFilter|NormDirection(Filter|Winograd)Gradient)$/.test(name),
    );
    expect(filters.reduce((sum, { calls }) => sum + calls, 0)).to.equal(9);
    expect(found.eagerMs).to.be.a('number').above(0);
  });

  it('runs operations one by one where it is asked to, and says what does not go together', async () => {
    const small = ['--pair', 'resnet8:resnet8', '--batch', '4', '--iters', '1'];
    const eager = await bench(...small, '--eager');
    expect(eager.status, eager.stderr).to.equal(0);
    expect(eager.stdout).to.match(/^Training step of resnet8:resnet8, batch 4: \d+ ms/);
    const both = await bench('--eager', '--loss', 'nd');
    expect(both.status).to.not.equal(0);
    expect(both.stderr).to.include('--eager').and.include('--loss');
  });

  it('computes both networks in bfloat16 where it is asked to', async () => {
    const small = ['--pair', 'resnet8:resnet8', '--batch', '4', '--iters', '2', '--json'];
    const { status, stdout, stderr } = await bench(...small, '--precision', 'bf16', '--profile');
    expect(status, stderr).to.equal(0);
    const found = JSON.parse(stdout) as { precision: string; operations: { name: string }[] };
    expect(found.precision).to.equal('bf16');
    expect(found.operations.map(({ name }) => name)).to.include('Cast');
  });

  it('tells a file or pipe how far it is in whole lines', () => {
    const stream = new PassThrough();
    const { report, stop } = benchProgress(stream);
    report('PyTorch eager', 0, 2);
    report('PyTorch compiled', 0, 2);
    report('step', 1, 3);
    report('step', 3, 3);
    stop();
    const text = String(stream.read());
    expect(text).to.match(/^(bench: [^\r\n]+\n){2}$/);
    expect(text).to.include('PyTorch compiled, 0 of 2 done');
  });

  it('knows its precisions by name', () => {
    expect(parsePrecision('bf16', '--torch-precision')).to.equal('bf16');
    expect(() => parsePrecision('f23', '--precision')).to.throw(/'f23' \(--precision\).*'f32'/);
  });

  it('describes its options', async () => {
    const { status, stdout } = await bench('--help');
    expect(status).to.equal(0);
    for (const option of [
      'pair',
      'batch',
      'precision',
      'iters',
      'torch',
      'loss',
      'profile',
      'json',
    ]) {
      expect(stdout).to.include(`--${option}`);
    }
  });

  const mistakes: [string, string[], RegExp][] = [
    [
      'an unknown network',
      ['--pair', 'resnet8:resnet9'],
      /unknown model 'resnet9' \(--pair\).*'resnet8'/,
    ],
    ['an unknown precision', ['--precision', 'f16'], /'f16' \(--precision\).*'bf16'/],
    ['a profile of a loss', ['--loss', 'nd', '--profile'], /--loss.*--profile/],
    [
      'a Python that is not there',
      ['--torch', 'no-such-python'],
      /this is no Python with torch \(--torch no-such-python\)/,
    ],
  ];
  for (const [title, args, words] of mistakes) {
    it(`refuses ${title}`, async () => {
      const { status, stdout, stderr } = await bench(...args);
      expect(stderr).to.match(words);
      expect(stderr).to.not.include('    at ');
      expect(status).to.equal(1);
      expect(stdout).to.equal('');
    });
  }
});
