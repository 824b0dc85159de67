import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { readWeights } from '../../lib/formats/weights';
import { createModel } from '../../lib/models/registry';
import { checkpointsChecker } from '../../lib/verify/checkpoints';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';

const checkpoints = join(__dirname, '..', 'fixtures', 'reference', 'checkpoints');

async function messageOf(file: string): Promise<string> {
  const model = createModel('resnet8', { classes: 100 });
  try {
    model.loadStateDict(await readWeights(file), file);
  } catch (error) {
    expect(error).to.be.instanceOf(LabError);
    return (error as LabError).message;
  } finally {
    model.dispose();
  }
  throw new Error(`${file} loads`);
}

describe('weights from files of others', () => {
  withEngine('native');
  const folder = withFolder();

  for (const { name, run } of checkpointsChecker.cases(checkpoints)) {
    it(`${name} is ${name.startsWith('bad-') ? 'refused' : 'read to the last bit'}`, async () => {
      expect((await run()).mismatches).to.deep.equal([]);
    });
  }

  it('are refused with what is wrong', async () => {
    const words: Record<string, string> = {
      'bad-html.pth': 'a web page',
      'bad-missing-key.pth': "no 'layer2.0.conv1.weight'",
      'bad-runs-code.pth': "'posix.system' (nothing of it was run)",
      'bad-ten-classes.pth': 'for 10 classes where resnet8 is to tell 100 apart',
      'bad-truncated.pth': 'truncated',
    };
    const bad = readdirSync(checkpoints).filter((name) => name.startsWith('bad-'));
    expect(bad.sort()).to.deep.equal(Object.keys(words));
    for (const name of bad) {
      expect(await messageOf(join(checkpoints, name)), name).to.include(words[name]);
    }
    expect(existsSync(join(tmpdir(), 'pwned-by-checkpoint'))).to.equal(false);
    expect(await messageOf(join(folder(), 'nowhere.pth'))).to.include('no such file');
  });
});
