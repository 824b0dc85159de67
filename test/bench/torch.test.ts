import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  comparedWork,
  compareWithTorch,
  startFastestTorch,
  startTorch,
  type TorchProcess,
  type TorchWork,
} from '../../lib/bench/torch';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

const folder = withFolder();
const networks = { teacher: 'resnet20', student: 'resnet8', batch: 4 };
const work: TorchWork = { work: 'step', ...networks, mode: 'eager' };

/** A program that stands where Python is expected. */
function program(...lines: string[]): string {
  const file = join(folder(), 'python');
  writeFileSync(file, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(file, 0o755);
  return file;
}

const onCpu = (
  python: string,
): { python: string; precision: 'f32'; device: 'cpu'; threads: number } => ({
  python,
  precision: 'f32',
  device: 'cpu',
  threads: 1,
});

/** Lines of a shell script that answers as the PyTorch script does; `time` may look at its arguments. */
const answers = (time: string): string[] => [
  `echo '{"torch":"2.0","threads":1,"parameters":[278324,83892]}'`,
  `while read count; do echo "{\\"ms\\":[${time}],\\"peakMemoryMiB\\":700}"; done`,
];

async function messageOf(work: Promise<unknown>): Promise<string> {
  return (await faultOf(() => work)).message;
}

describe('the step in PyTorch', () => {
  it('is started with its settings and makes the steps it is asked for', async () => {
    const told = join(folder(), 'arguments');
    const python = program(`echo "$@" > '${told}'`, ...answers('4,5'));
    const torch = await startTorch({ ...onCpu(python), precision: 'bf16' }, work);
    expect(torch.version).to.equal('2.0');
    expect(torch.parameters).to.deep.equal([278324, 83892]);
    expect(await torch.steps(2)).to.deep.equal({ ms: [4, 5], peakMemoryMiB: 700 });
    torch.stop();
    expect(readFileSync(told, 'utf8')).to.match(
      /torch_step\.py --work step --teacher resnet20 --student resnet8 --batch 4 --mode eager --precision bf16 --device cpu --threads 1/,
    );
  });

  it('needs a Python that has PyTorch', async () => {
    // -S hides all installed packages.
    const bare = await messageOf(startTorch(onCpu(program('exec python3 -I -S "$@"')), work));
    expect(bare).to.include('this Python has no PyTorch').and.include('pip install torch');
    const missing = await messageOf(startTorch(onCpu(join(folder(), 'no-python')), work));
    expect(missing).to.include('Python cannot be started').and.include('no-python');
  });

  it('says what PyTorch said when it fails, and what else was there instead of an answer', async () => {
    const failing = program(`echo 'RuntimeError: out of luck' >&2`, 'exit 1');
    expect(await messageOf(startTorch(onCpu(failing), work))).to.include('out of luck');
    const silent = program('exit 0');
    expect(await messageOf(startTorch(onCpu(silent), work))).to.include('without a word');
    const other = program('echo hello');
    expect(await messageOf(startTorch(onCpu(other), work))).to.include('hello');
    const unknown = program(`echo '{"error":"no model","detail":"vgg8"}'`);
    expect(await messageOf(startTorch(onCpu(unknown), work)))
      .to.include('vgg8')
      .and.include('ShuffleNets');
  });

  const options = (python: string): Parameters<typeof compareWithTorch>[2] => ({
    work: comparedWork(networks),
    iterations: 2,
    torch: { ...onCpu(python), rounds: 3 },
  });

  it('takes images and classes of another table where the step does', async () => {
    const told = join(folder(), 'arguments');
    const python = program(`echo "$@" > '${told}'`, ...answers('9'));
    const optimiser = { momentum: 0.9, weightDecay: 0, nesterov: true };
    const recipe = { method: { name: 'alone', terms: [] }, optimiser };
    const setting = { size: 224, classes: 1000, recipe };
    const { process } = await startFastestTorch({
      ...options(python),
      work: comparedWork({ ...networks, setting }),
    });
    process.stop();
    expect(readFileSync(told, 'utf8')).to.match(/--batch 4 --size 224 --classes 1000 --mode /);
  });

  it('takes two detectors and the size of their images', async () => {
    const told = join(folder(), 'arguments');
    const python = program(`echo "$@" >> '${told}'`, ...answers('9'));
    const detectors = { teacher: 'r101-fpn', student: 'r18-fpn' };
    const work = { work: 'detector', ...detectors, batch: 1, height: 96, width: 128 } as const;
    const { process } = await startFastestTorch({ ...options(python), work });
    process.stop();
    const settings = '--teacher r101-fpn --student r18-fpn --batch 1 --height 96 --width 128';
    expect(
      readFileSync(told, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.replace(/^\S+ /, '')),
    ).to.deep.equal(
      ['eager', 'compiled'].map(
        (mode) =>
          `--work detector ${settings} --mode ${mode} --precision f32 --device cpu --threads 1`,
      ),
    );
  });

  it('counts in its faster mode', async () => {
    const compiledIsFaster = program(
      'time=9',
      'case "$*" in *compiled*) time=6;; esac',
      ...answers('$time'),
    );
    const fastest = await startFastestTorch(options(compiledIsFaster));
    fastest.process.stop();
    expect(fastest.mode).to.equal('compiled');
    expect(fastest.modes).to.deep.equal([
      { mode: 'eager', ms: 9 },
      { mode: 'compiled', ms: 6 },
    ]);
  });

  it('counts in the other mode where one does not work', async () => {
    const notCompiled = program(
      'case "$*" in *compiled*) echo "no compiler" >&2; exit 1;; esac',
      ...answers('9'),
    );
    const fastest = await startFastestTorch(options(notCompiled));
    fastest.process.stop();
    expect(fastest.mode).to.equal('eager');
    expect(fastest.modes[1]).to.have.property('mode', 'compiled');
    expect(fastest.modes[1]).to.have.property('error').that.includes('no compiler');
  });

  it('is compared pair by pair, in turn', async () => {
    const calls: string[] = [];
    const step = {
      whole: () => void calls.push('ours'),
      parameters: [278324, 83892],
    } as const;
    const process: TorchProcess = {
      version: '2.0',
      parameters: [278324, 83892],
      steps: async (count) => {
        calls.push(`PyTorch ${count}`);
        return { ms: [10, 30, 20], peakMemoryMiB: 700 };
      },
      stop: () => undefined,
    };
    const rival = { process, mode: 'eager', modes: [{ mode: 'eager', ms: 20 }] } as const;
    const found = await compareWithTorch(step, rival, options('python'));
    expect(calls.join()).to.equal('ours,ours,PyTorch 2,PyTorch 2,ours,ours,ours,ours,PyTorch 2');
    expect(found.rounds).to.have.length(3);
    for (const { ms, torchMs, ratio } of found.rounds) {
      expect(torchMs).to.equal(20);
      expect(ratio).to.equal(ms / 20);
    }
    const [, middle] = found.rounds.map(({ ratio }) => ratio).sort((a, b) => a - b);
    expect(found.ratio).to.equal(middle);

    const others = { ...process, parameters: [278324, 1] };
    const fault = await messageOf(
      compareWithTorch(step, { ...rival, process: others }, options('python')),
    );
    expect(fault).to.include('not the same').and.include('83892').and.include(' 1 in PyTorch');
  });
});
