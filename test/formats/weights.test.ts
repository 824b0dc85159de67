import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { encodeSafetensors } from '../../lib/formats/safetensors';
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

  it('are compared to the last bit in a folder that is called float16 too', async () => {
    const place = join(folder(), 'float16');
    mkdirSync(place);
    const whole = await readWeights(join(checkpoints, 'resnet8.safetensors'));
    const changed = new Map(
      [...whole].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
    );
    const bias = changed.get('fc.bias')?.data ?? expect.fail('no bias');
    bias[0] = (bias[0] ?? NaN) + 2 ** -20;
    writeFileSync(join(place, 'resnet8.safetensors'), encodeSafetensors(changed));
    const [only] = checkpointsChecker.cases(place);
    const found = (await only?.run())?.mismatches.map(({ quantity }) => quantity);
    expect(found).to.deep.equal(['fc.bias[0]']);
  });

  for (const [length, other] of [
    [0x4b50, 'PK of a zip archive'],
    [0x3c20, '< of a web page'],
    [0x3c80, 'mark of a pickle'],
  ] as const) {
    it(`are those of a safetensors also where its header's length reads as the ${other}`, async () => {
      const tensors = new Map([['a', { shape: [2], data: Float32Array.of(1, 2) }]]);
      const lengthOf = (bytes: Uint8Array): number => Number(Buffer.from(bytes).readBigUInt64LE());
      const least = lengthOf(encodeSafetensors(tensors, { x: '' }));
      const bytes = encodeSafetensors(tensors, { x: 'x'.repeat(length - least) });
      expect(lengthOf(bytes)).to.equal(length);
      const file = join(folder(), 'weights.safetensors');
      writeFileSync(file, bytes);
      expect([...((await readWeights(file)).get('a')?.data ?? [])]).to.deep.equal([1, 2]);
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
