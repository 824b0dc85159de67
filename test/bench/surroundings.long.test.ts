import { join } from 'node:path';
import { expect } from 'chai';
import { benchmarkGrowth } from '../../lib/bench/growth-benchmark';
import { runTypeScript } from '../support/child';
import { withEngine } from '../support/engine';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'bench.ts');
const bench = (...args: string[]): ReturnType<typeof runTypeScript> => runTypeScript(command, args);

describe('npm run bench', () => {
  withEngine('native');

  it('times what surrounds a step: reading, evaluation and the start of a process', async () => {
    const small = ['--pair', 'resnet8:resnet8', '--batch', '8', '--iters', '1'];
    const { status, stdout, stderr } = await bench(...small, '--surroundings', '--json');
    expect(status, stderr).to.equal(0);
    const found = JSON.parse(stdout) as Record<string, number>;
    expect(found).to.include({ pair: 'resnet8:resnet8', batch: 8 });
    const { stepMs = NaN, readingMs = NaN, readingShare, startUpMs } = found;
    expect(readingShare).to.be.closeTo(readingMs / stepMs, 1e-12);
    // The step is part of the process.
    expect(startUpMs).to.be.above(stepMs);
    for (const name of ['readingMs', 'evaluationMs', 'forwardMs', 'evaluationRatio']) {
      expect(found[name], name).to.be.above(0);
    }
  });

  it('times a step with a teacher’s memory that is filled, one that fills, and without', async () => {
    const small = ['--pair', 'resnet8:resnet8', '--batch', '4', '--iters', '1', '--rounds', '2'];
    const { status, stdout, stderr } = await bench(...small, '--teacher-memory', 'step', '--json');
    expect(status, stderr).to.equal(0);
    const { memory } = JSON.parse(stdout) as { memory: { rounds: Record<string, number>[] } };
    expect(memory.rounds).to.have.length(2);
    for (const round of memory.rounds) {
      const kinds = ['withoutMs', 'filledMs', 'fillingMs', 'recallMs'];
      expect(Object.keys(round)).to.have.members(kinds);
      for (const kind of kinds) expect(round[kind], kind).to.be.above(0);
      expect(round['recallMs']).to.be.below(Number(round['filledMs']));
    }
  });

  it('trains a grid with a teacher’s memory and without, to the same weights', async () => {
    const small = ['--pair', 'resnet8:resnet8', '--batch', '4', '--epochs', '2'];
    const { status, stdout, stderr } = await bench(...small, '--teacher-memory', 'grid', '--json');
    expect(status, stderr).to.equal(0);
    const { grid } = JSON.parse(stdout) as { grid: Record<string, unknown> };
    expect(grid).to.include({ runs: 12, images: 16, same: true });
    // Four methods of one seed draw the same views, 2 epochs of 16 images: the first asks, three remember.
    expect(grid['remembered']).to.be.closeTo(3 / 4, 0.02);
    expect(grid['ratios']).to.have.length(3);
  });

  it('sees how time and tensors grow at the sizes that are tried', async () => {
    const growth = await benchmarkGrowth({
      ...{ teacher: 'resnet8', student: 'resnet8', batch: 128, iterations: 1 },
      sizes: { images: [16, 32], pixels: [256, 1024], classes: [400, 800] },
    });
    const powerOf = (what: string, over: string): number =>
      growth.find((each) => each.what.startsWith(what) && each.over === over)?.power.memory ?? NaN;
    // A step's tensors and logits grow in proportion; ND looks at one class mean a sample.
    expect(powerOf('step', 'images')).to.be.closeTo(1, 0.1);
    expect(powerOf('step', 'pixels')).to.be.closeTo(1, 0.1);
    expect(powerOf('KD', 'classes')).to.be.closeTo(1, 0.05);
    expect(powerOf('DKD', 'classes')).to.be.closeTo(1, 0.05);
    expect(powerOf('InfoNCE', 'classes')).to.be.within(0.5, 1.05);
    expect(powerOf('ND', 'classes')).to.be.closeTo(0, 0.01);
  });
});
