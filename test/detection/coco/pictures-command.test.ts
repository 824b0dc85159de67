import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import sharp from 'sharp';
import { writeDetections } from '../../../lib/detection/coco/results-form';
import { runTypeScript } from '../../support/child';
import { runHere } from '../../support/command';
import { smallCocoFile, writeCocoFile, writeCocoImages } from '../../support/coco-files';
import { withFolder } from '../../support/folder';

const command = join(__dirname, '..', '..', '..', 'reproduce', 'commands', 'coco-pictures.ts');

describe('npm run coco-pictures', () => {
  const folder = withFolder();

  async function given(categoryId = 7): Promise<{ data: string[]; found: string; out: string }> {
    const annotations = writeCocoFile(folder(), smallCocoFile());
    const images = await writeCocoImages(folder(), smallCocoFile());
    const found = join(folder(), 'found.json');
    writeDetections(found, [{ imageId: 11, categoryId, box: [8, 4, 16, 12], score: 0.8 }]);
    const data = ['--annotations', annotations, '--images', images];
    return { data, found, out: join(folder(), 'out') };
  }

  it('draws the images with objects, and says what is in them', async () => {
    const { data, found, out } = await given();
    const { status, stdout } = await runTypeScript(command, [
      `mine=${found}`,
      ...data,
      '--out',
      out,
    ]);
    expect(status).to.equal(0);
    expect(stdout).to.equal(
      `${join(out, '11.png')}  image 11 (a.png): ground truth: 1 object, 1 crowd; mine: 1 of 1 found, 0 wrong\n`,
    );
    expect(readdirSync(out)).to.deep.equal(['11.png']);
    const { format, width } = await sharp(readFileSync(join(out, '11.png'))).metadata();
    expect([format, width]).to.deep.equal(['png', 2 * 360 + 3 * 12]);
  });

  it('draws the images it is told to, as JPEG, and lists them as JSON', async () => {
    const { data, found, out } = await given();
    const options = ['--ids', '12,11', '--jpeg', '--json', '--out', out];
    const { stdout } = await runHere(command, [found, ...data, ...options]);
    const { pictures } = JSON.parse(stdout) as { pictures: { imageId: number; file: string }[] };
    expect(pictures.map(({ imageId }) => imageId)).to.deep.equal([12, 11]);
    expect(readdirSync(out).sort()).to.deep.equal(['11.jpg', '12.jpg']);
  });

  it('refuses detections of another data set before it draws', async () => {
    const { data, found, out } = await given(99);
    const { status, stderr } = await runHere(command, [found, ...data, '--out', out]);
    expect(status).to.equal(1);
    expect(stderr).to.match(/^error: .*found\.json.*detection 1: category 99/mu);
    expect(readdirSync(folder())).not.to.include('out');
  });

  it('asks for the images', async () => {
    const { found, out } = await given();
    const { status, stderr } = await runHere(command, [found, '--out', out]);
    expect(status).to.equal(1);
    expect(stderr).to.contain('nothing says which images').and.to.contain('--annotations FILE');
  });

  for (const [words, expected] of [
    ['--annotations /a.json', /given together \(--annotations\): found no --images/],
    ['--images /a', /given together \(--images\): found no --annotations/],
    ['--annotations /a.json --shapes', /'--shapes' cannot be used with option '--annotations/],
    [
      '--annotations /a.json --data-dir /a',
      /'--data-dir <folder>' cannot be used with .*--annotations/,
    ],
    ['--images /a --data-dir /a', /'--data-dir <folder>' cannot be used with option '--images/],
    ['--shapes --data-dir /a', /'--shapes' cannot be used with option '--data-dir/],
  ] as const) {
    it(`refuses a choice of images that it would pass over: ${words}`, async () => {
      const out = join(folder(), 'out');
      const { status, stderr } = await runHere(command, [...words.split(' '), '--out', out]);
      expect(stderr).to.match(expected);
      expect([status, readdirSync(folder())]).to.deep.equal([1, []]);
    });
  }
});
