import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readJson } from '../../lib/files';
import { runHere } from '../support/command';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';

const root = join(__dirname, '..', '..');
const command = join(root, 'reproduce', 'commands', 'verify.ts');
const fixtures = join(root, 'test', 'fixtures', 'released');

interface Fixture {
  nd: number;
  epoch: number;
  weights: Record<string, number>;
  adaptedEmbedding: { norm: number };
  gradientNorms: Record<string, number>;
  what: string;
}

describe('training steps of the released code, executed', () => {
  const folder = withFolder();
  withEngine('native');

  /** What verify says of one step, some of its numbers changed. */
  async function verified(name: string, change: (fixture: Fixture) => void): Promise<string> {
    const fixture = readJson(join(fixtures, `${name}.json`), 'none') as Fixture;
    change(fixture);
    writeFileSync(join(folder(), `${name}.json`), JSON.stringify(fixture));
    const { status, stdout } = await runHere(command, [folder()]);
    expect(status).to.equal(stdout.includes(' 0 failed') ? 0 : 1);
    return stdout;
  }

  const unchanged = (): void => undefined;

  for (const name of [
    'released-cifar-kd-resnet56-resnet20',
    'released-cifar-dkd-resnet56-resnet20',
    'released-cifar-dist-resnet56-resnet20',
    'released-cifar-reviewkd-resnet56-resnet20',
    'released-cifar-kd-wrn_40_2-wrn_40_1',
  ]) {
    it(`agree with the same step here: ${name}`, async () => {
      expect(await verified(name, unchanged)).to.equal('1 passed, 0 failed\n');
    });
  }

  it('are told apart from a step with another weight, warm-up, embedding or gradient', async () => {
    const stdout = await verified('released-cifar-kd-resnet56-resnet20', (fixture) => {
      fixture.weights['nd'] = 2.01;
      // KD's warm-up is over twenty epochs.
      fixture.epoch++;
      fixture.adaptedEmbedding.norm *= 1.0003;
      fixture.gradientNorms['student.fc.weight'] =
        1.03 * (fixture.gradientNorms['student.fc.weight'] ?? NaN);
    });
    expect(stdout).to.match(/FAILED .*: norm of adaptedEmbedding: expected/);
    expect(stdout).to.match(/FAILED .*: kd: expected [\d.]+ ± [\d.e-]+, found/);
    expect(stdout).to.match(/FAILED .*: nd: expected/);
    expect(stdout).to.match(/FAILED .*: gradient of /);
  });

  it('say which code ran, or are refused', async () => {
    const stdout = await verified('released-cifar-kd-resnet56-resnet20', (fixture) => {
      fixture.what = 'Some other code';
    });
    expect(stdout).to.match(/FAILED .*'what' does not say which released code ran/);
  });
});
