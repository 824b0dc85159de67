import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ProgramResult } from '../../lib/engine/program';
import { runTypeScript } from '../support/child';
import { withFolder } from '../support/folder';
import { photo } from '../support/photo-folder';

interface Images {
  readonly native: boolean;
  readonly decoded: Readonly<Record<string, readonly string[]>>;
  readonly scaled: readonly string[];
  readonly normalised: readonly string[];
}

describe('the native add-on for images', () => {
  const folder = withFolder();

  const run = (engine: string, files: readonly string[]): Promise<ProgramResult> =>
    runTypeScript(require.resolve('./programs/images'), [folder(), ...files], {
      NORM_DIRECTION_LAB_ENGINE: engine,
    });

  async function imagesOn(engine: string, files: readonly string[]): Promise<Images> {
    const { stdout, stderr } = await run(engine, files);
    expect(stderr).to.equal('');
    return JSON.parse(stdout) as Images;
  }

  it('gives the bytes that sharp and TypeScript give, of every kind of JPEG and of any part', async () => {
    const files: string[] = [];
    for (const chromaSubsampling of ['4:4:4', '4:2:0']) {
      for (const progressive of [false, true]) {
        for (const grey of [false, true]) {
          const name = `${files.length}.jpg`;
          const picture = photo({ width: 83, height: 61, seed: files.length });
          await picture
            .toColourspace(grey ? 'b-w' : 'srgb')
            .jpeg({ chromaSubsampling, progressive })
            .toFile(join(folder(), name));
          files.push(name);
        }
      }
    }
    const [plain, native] = [await imagesOn('plain', files), await imagesOn('native', files)];
    expect([plain.native, native.native]).to.deep.equal([false, true]);
    expect(new Set(native.scaled).size).to.be.greaterThan(190);
    expect(native.decoded).to.deep.equal(plain.decoded);
    expect(native.scaled).to.deep.equal(plain.scaled);
    expect(native.normalised).to.deep.equal(plain.normalised);
    expect(new Set(native.normalised).size).to.equal(3);
  });

  it('leaves a JPEG that is cut off to the words of sharp', async () => {
    const whole = await photo({ width: 90, height: 70, seed: 1 }).jpeg().toBuffer();
    writeFileSync(join(folder(), 'cut.jpg'), whole.subarray(0, whole.length / 2));
    const said = async (engine: string): Promise<string> =>
      (await run(engine, ['cut.jpg'])).stderr.replace(/\n +at .*/gs, '');
    const words = await said('plain');
    expect(words).to.include('an image cannot be decoded');
    expect(await said('native')).to.equal(words);
  });
});
