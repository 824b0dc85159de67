import { join } from 'node:path';
import { expect } from 'chai';
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
});
