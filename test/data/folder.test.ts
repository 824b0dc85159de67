import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import sharp from 'sharp';
import { loadFolder } from '../../lib/data/folder';
import type { DataProgress } from '../../lib/data/progress';
import type { LoadContext } from '../../lib/data/source';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { otherFormats } from '../support/other-formats';

type Colour = readonly [number, number, number];

const red: Colour = [255, 0, 0];
const green: Colour = [0, 255, 0];
const blue: Colour = [0, 0, 255];

describe('folder:PATH', () => {
  const folder = withFolder();

  /** Writes one image under the folder; the extension says in which format. */
  async function put(name: string, image: sharp.Sharp): Promise<void> {
    const path = join(folder(), name);
    mkdirSync(dirname(path), { recursive: true });
    await image.toFile(path);
  }

  function plain([r, g, b]: Colour, width = 8, height = 8): sharp.Sharp {
    return sharp({ create: { width, height, channels: 3, background: { r, g, b } } });
  }

  /** Vertical stripes of equal width. */
  function stripes(colours: readonly Colour[], width: number, height: number): sharp.Sharp {
    const bytes = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
      const x = Math.floor(i / 3) % width;
      return colours[Math.floor((x * colours.length) / width)]?.[i % 3] ?? 0;
    });
    return sharp(bytes, { raw: { width, height, channels: 3 } });
  }

  /** Two classes, two training images and one validation image of each. */
  async function putSmall(): Promise<void> {
    await put('train/cat/b.png', plain(red));
    await put('train/cat/a.png', plain(green));
    await put('train/dog/1.JPG', plain(blue));
    await put('train/dog/2.jpeg', plain(blue));
    await put('val/cat/x.png', plain(red));
    await put('val/dog/y.png', plain(blue));
  }

  const load = (options: Partial<LoadContext> = {}): ReturnType<typeof loadFolder> =>
    loadFolder(`folder:${folder()}`, { imageSize: 4, ...options });

  /** The colour of one pixel of a loaded split. */
  function pixel({ images }: { images: Uint8Array }, image: number, place = 0): number[] {
    const start = (image * 16 + place) * 3;
    return [...images.subarray(start, start + 3)];
  }

  it('reads classes and files in the order of their names', async () => {
    await putSmall();
    const { name, classes, train, test, height, width } = await load();
    expect(name).to.equal(`folder:${folder()}`);
    expect(classes).to.deep.equal(['cat', 'dog']);
    expect([height, width, train.count, test.count]).to.deep.equal([4, 4, 4, 2]);
    expect([...train.labels, ...test.labels]).to.deep.equal([0, 0, 1, 1, 0, 1]);
    expect(pixel(train, 0)).to.deep.equal([0, 255, 0]);
    expect(pixel(train, 1)).to.deep.equal([255, 0, 0]);
    expect(pixel(test, 1)).to.deep.equal([0, 0, 255]);
  });

  it('measures mean and deviation on the train split', async () => {
    await putSmall();
    rmSync(join(folder(), 'train/dog'), { recursive: true });
    await put('train/dog/1.png', plain([0, 0, 0]));
    await put('train/dog/2.png', plain([0, 0, 51]));
    const { mean, std } = await load();
    // Red: 255, 0, 0, 0 → mean 1/4, variance 1/4 − 1/16. Blue: 51/255 = 1/5 once in four.
    expect(mean[0]).to.be.closeTo(0.25, 1e-12);
    expect(std[0]).to.be.closeTo(Math.sqrt(3 / 16), 1e-12);
    expect(mean[2]).to.be.closeTo(0.05, 1e-12);
    expect(std[2]).to.be.closeTo(Math.sqrt(0.04 / 4 - 0.0025), 1e-12);
  });

  it('takes test/ where there is no val/, and val/ where there are both', async () => {
    await putSmall();
    renameSync(join(folder(), 'val'), join(folder(), 'test'));
    expect((await load()).test.count).to.equal(2);
    await put('val/cat/a.png', plain(red));
    await put('val/dog/a.png', plain(red));
    await put('val/dog/b.png', plain(red));
    expect((await load()).test.count).to.equal(3);
  });

  it('scales the short side and cuts the middle out', async () => {
    await putSmall();
    // 24×8 in three stripes: scaled to 12×4, the middle 4×4 is the second stripe.
    await put('train/cat/a.png', stripes([red, green, blue], 24, 8));
    const { train } = await load();
    expect(pixel(train, 0, 4 + 1)).to.deep.equal([0, 255, 0]);
    expect(pixel(train, 0, 4 + 2)).to.deep.equal([0, 255, 0]);
    const { train: small } = await load({ imageSize: 1 });
    expect(small.images).to.have.length(4 * 3);
  });

  it('leaves an edge in its place where it enlarges', async () => {
    await putSmall();
    await put(
      'train/cat/a.png',
      stripes(
        [
          [0, 0, 0],
          [200, 0, 0],
        ],
        2,
        2,
      ),
    );
    const { train } = await load();
    // Four columns of two: the middle of the second lies a quarter of the way from the first's middle to the next.
    const first = [0, 1, 2, 3].map((place) => pixel(train, 0, place)[0]);
    expect(first).to.deep.equal([0, 50, 150, 200]);
  });

  it('takes the mean of the pixels that it shrinks to one', async () => {
    await putSmall();
    const black: Colour = [0, 0, 0];
    const columns = Array.from({ length: 8 }, (_, x) => (x % 2 === 0 ? black : red));
    await put('train/cat/a.png', stripes(columns, 8, 8));
    const { train } = await load();
    for (const place of [5, 6, 9, 10]) expect(pixel(train, 0, place)[0]).to.be.within(126, 129);
  });

  it('turns grey, CMYK, transparent, palette and 16-bit images into 8-bit RGB', async () => {
    await putSmall();
    await put('train/cat/a.png', plain([90, 90, 90]).toColourspace('b-w'));
    await put('train/cat/b.jpg', plain([90, 90, 90]).toColourspace('b-w').jpeg({ quality: 100 }));
    await put('train/cat/c.jpg', plain(red).toColourspace('cmyk').jpeg({ quality: 100 }));
    const clear = { r: 255, g: 255, b: 255, alpha: 0 };
    const glass = sharp({ create: { width: 8, height: 8, channels: 4, background: clear } });
    await put('train/cat/d.png', glass);
    await put('train/cat/e.png', plain(blue).toColourspace('rgb16'));
    await put('train/cat/f.png', plain(green).png({ palette: true }));
    rmSync(join(folder(), 'train/cat/b.png'));
    expect((await sharp(join(folder(), 'train/cat/c.jpg')).metadata()).space).to.equal('cmyk');
    expect((await sharp(join(folder(), 'train/cat/e.png')).metadata()).depth).to.equal('ushort');

    const { train } = await load();
    expect(pixel(train, 0)).to.deep.equal([90, 90, 90]);
    expect(pixel(train, 1)).to.deep.equal([90, 90, 90]);
    const [r = 0, g = 255, b = 255] = pixel(train, 2);
    expect(r).to.be.greaterThan(180);
    expect(Math.max(g, b)).to.be.lessThan(80);
    expect(pixel(train, 3)).to.deep.equal([0, 0, 0]);
    expect(pixel(train, 4)).to.deep.equal([0, 0, 255]);
    expect(pixel(train, 5)).to.deep.equal([0, 255, 0]);
  });

  it('passes hidden entries and other files over', async () => {
    await putSmall();
    writeFileSync(join(folder(), 'words.txt'), 'x');
    writeFileSync(join(folder(), 'train', 'classes.txt'), 'x');
    writeFileSync(join(folder(), 'train/cat/notes.txt'), 'x');
    mkdirSync(join(folder(), 'train/.cache'));
    writeFileSync(join(folder(), 'train/cat/._a.png'), 'x');
    expect((await load()).train.count).to.equal(4);
  });

  it('is the same data set each time, and another one when an image differs', async () => {
    await putSmall();
    const { hash } = await load();
    expect((await load()).hash).to.equal(hash);
    await put('val/cat/x.png', plain([254, 0, 0]));
    expect((await load()).hash).not.to.equal(hash);
  });

  it('decodes only the asked part of each class', async () => {
    await putSmall();
    writeFileSync(join(folder(), 'train/cat/b.png'), 'damaged');
    const { name, train, test } = await load({ subset: { train: 1 } });
    expect(name).to.equal(`folder:${folder()}[train=1/class]`);
    expect([train.count, test.count]).to.deep.equal([2, 2]);
    const fault = await faultOf(() => load({ subset: { test: 2 } }));
    expect(fault.found).to.equal('1, asked for 2');
  });

  it('reports each decoded image', async () => {
    await putSmall();
    const seen: DataProgress[] = [];
    await load({ onProgress: (progress) => seen.push(progress) });
    expect(seen.filter(({ message }) => message === 'decoding train')).to.have.length(4);
    expect(seen.at(-1)).to.deep.equal({
      message: 'decoding val',
      unit: 'images',
      done: 2,
      total: 2,
    });
  });

  describe('refuses', () => {
    async function refusal(): Promise<string> {
      const { what, where, found } = await faultOf(() => load());
      return `${what} | ${(where ?? '').replace(folder(), '')} | ${found ?? ''}`;
    }

    it('a path that is missing or left out', async () => {
      const { what } = await faultOf(() => loadFolder(`folder:${folder()}/absent`, {}));
      expect(what).to.equal('an image folder is not there');
      expect((await faultOf(() => loadFolder('folder:', {}))).kind).to.equal('option');
    });

    it('a folder without train or without val and test', async () => {
      expect(await refusal()).to.equal('an image folder has no folder train |  | nothing');
      await put('train/cat/a.png', plain(red));
      expect(await refusal()).to.equal('an image folder has no folder val or test |  | train');
    });

    it('no images, one class, an empty class', async () => {
      await putSmall();
      rmSync(join(folder(), 'train/dog'), { recursive: true });
      expect(await refusal()).to.equal(`an image folder has one class only | /train | 'cat'`);
      mkdirSync(join(folder(), 'train/dog'));
      expect(await refusal()).to.equal('a class folder has no images | /train/dog | nothing');
      writeFileSync(join(folder(), 'train/dog/a.bmp'), 'x');
      expect(await refusal()).to.equal('a class folder has no images | /train/dog | a.bmp');
      rmSync(join(folder(), 'train'), { recursive: true });
      mkdirSync(join(folder(), 'train'));
      expect(await refusal()).to.equal('an image folder has no images | /train | no class');
    });

    it('splits with different classes', async () => {
      await putSmall();
      renameSync(join(folder(), 'val/dog'), join(folder(), 'val/bird'));
      expect(await refusal()).to.equal(
        'the two splits have different classes | /val | no dog, and bird that train lacks',
      );
    });

    it('images at another depth', async () => {
      await putSmall();
      await put('val/loose.png', plain(red));
      expect(await refusal()).to.equal(
        'an image lies outside the class folders | /val | loose.png',
      );
      rmSync(join(folder(), 'val/loose.png'));
      rmSync(join(folder(), 'train/dog'), { recursive: true });
      await put('train/dog/images/a.png', plain(red));
      expect(await refusal()).to.equal(
        'a class folder holds folders, not images | /train/dog | images/',
      );
    });

    it('a file that is no image or is cut off, by its name', async () => {
      await putSmall();
      writeFileSync(join(folder(), 'val/cat/x.png'), 'not an image');
      expect(await refusal()).to.contain('an image cannot be decoded | /val/cat/x.png | ');
      for (const content of Object.values(otherFormats)) {
        writeFileSync(join(folder(), 'val/cat/x.png'), content);
        expect(await refusal()).to.contain('/val/cat/x.png | neither a JPEG nor a PNG');
      }
      // A PNG of 100,000 × 100,000 pixels, of which a small file can tell.
      const bomb = Buffer.from(readFileSync(join(folder(), 'val/dog/y.png')));
      bomb.writeUInt32BE(100_000, 16);
      bomb.writeUInt32BE(100_000, 20);
      writeFileSync(join(folder(), 'val/cat/x.png'), bomb);
      expect(await refusal()).to.contain('10,000,000,000 pixels, the limit is 67,108,864');
      await put('val/cat/x.png', plain(red));
      for (const name of ['train/dog/2.jpeg', 'train/dog/3.png']) {
        await put(name, stripes([red, green, blue], 60, 60));
        const path = join(folder(), name);
        const whole = readFileSync(path);
        writeFileSync(path, whole.subarray(0, Math.floor(whole.length * 0.8)));
        expect(await refusal(), name).to.contain(`an image cannot be decoded | /${name} | `);
        rmSync(path);
        await put('train/dog/2.jpeg', plain(blue));
      }
    });

    it('an image size that is none', async () => {
      await putSmall();
      for (const imageSize of [0, 1.5, NaN, 5000]) {
        expect((await faultOf(() => load({ imageSize }))).kind).to.equal('option');
      }
    });

    it('more images than memory holds, before any is decoded', async () => {
      await putSmall();
      const imageSize = 4096;
      const count = Math.ceil(totalmem() / (imageSize * imageSize * 3));
      for (let i = 0; i < count; i++) writeFileSync(join(folder(), `train/cat/${i}.png`), '');
      const { what, found } = await faultOf(() => load({ imageSize }));
      expect(what).to.equal('the decoded images would not fit into memory');
      expect(found).to.contain(`${count + 6} images of 4096×4096`);
    });
  });
});
