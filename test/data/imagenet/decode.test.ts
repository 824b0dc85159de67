import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import sharp from 'sharp';
import { decodePixels, readImageHeader } from '../../../lib/data/imagenet/decode';
import { faultOf } from '../../support/faults';
import { withFolder } from '../../support/folder';
import { photo } from '../../support/photo-folder';

const size = { width: 40, height: 30 };

describe('an image of ImageNet', () => {
  const folder = withFolder();
  const file = (name: string): string => join(folder(), name);

  it('is decoded to red, green and blue bytes', async () => {
    const png = file('colour.png');
    await photo({ ...size, seed: 1 })
      .png()
      .toFile(png);
    const { data, ...shape } = await decodePixels(png);
    expect(shape).to.deep.equal(size);
    // The picture's own formula at x = 2, y = 1 for seed 1.
    const at = (1 * size.width + 2) * 3;
    expect([...data.subarray(at, at + 3)]).to.deep.equal([50, 97, 19]);
  });

  it('gives a part of itself as it would be cut out of the whole', async () => {
    const jpeg = file('part.jpg');
    await photo({ ...size, seed: 2 })
      .jpeg()
      .toFile(jpeg);
    const whole = await decodePixels(jpeg);
    const box = { left: 5, top: 7, width: 20, height: 11 };
    const part = await decodePixels(jpeg, () => box);
    expect(part).to.include({ width: 20, height: 11 });
    for (const [x, y] of [
      [0, 0],
      [19, 10],
      [3, 8],
    ] as const) {
      const there = ((y + box.top) * size.width + x + box.left) * 3;
      const here = (y * box.width + x) * 3;
      expect([...part.data.subarray(here, here + 3)]).to.deep.equal([
        ...whole.data.subarray(there, there + 3),
      ]);
    }
  });

  it('in grey gets three equal channels', async () => {
    const jpeg = file('grey.jpg');
    await photo({ ...size, seed: 3 })
      .toColourspace('b-w')
      .jpeg()
      .toFile(jpeg);
    expect(readImageHeader(readFileSync(jpeg))?.colours).to.equal('grey');
    const { data } = await decodePixels(jpeg);
    expect(data.length).to.equal(size.width * size.height * 3);
    for (let at = 0; at < data.length; at += 3) {
      expect(data[at + 1]).to.equal(data[at]);
      expect(data[at + 2]).to.equal(data[at]);
    }
  });

  it('in CMYK becomes (255 − K)(255 − ink)/255', async () => {
    const jpeg = file('cmyk.jpg');
    await photo({ ...size, seed: 4 })
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toFile(jpeg);
    expect(readImageHeader(readFileSync(jpeg))?.colours).to.equal('cmyk');
    const inks = await sharp(jpeg, { ignoreIcc: true })
      .pipelineColourspace('cmyk')
      .toColourspace('cmyk')
      .raw()
      .toBuffer();
    const { data } = await decodePixels(jpeg);
    for (const pixel of [0, 41, 777, 1199]) {
      const [cyan = 0, magenta = 0, yellow = 0, black = 0] = inks.subarray(
        4 * pixel,
        4 * pixel + 4,
      );
      const expected = [cyan, magenta, yellow].map((ink) => ((255 - black) * (255 - ink)) / 255);
      expected.forEach((value, channel) =>
        expect(data[3 * pixel + channel]).to.be.closeTo(value, 0.51),
      );
    }
  });

  it('is told by its bytes, whatever its name', async () => {
    const png = file('really-a-png.JPEG');
    await photo({ ...size, seed: 5 })
      .png()
      .toFile(png);
    expect(readImageHeader(readFileSync(png))).to.deep.include({ format: 'png', ...size });
    expect((await decodePixels(png)).data.length).to.equal(size.width * size.height * 3);
  });

  it('is not turned by an EXIF orientation, which is told all the same', async () => {
    const jpeg = file('turned.jpg');
    await photo({ ...size, seed: 6 })
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toFile(jpeg);
    expect(readImageHeader(readFileSync(jpeg))).to.deep.include({ orientation: 6, ...size });
    expect(await decodePixels(jpeg)).to.include(size);
  });

  it('loses its transparency without a change of its colours', async () => {
    const png = file('transparent.png');
    const pixel = { channels: 4, background: { r: 200, g: 100, b: 50, alpha: 0.25 } } as const;
    await sharp({ create: { width: 2, height: 2, ...pixel } })
      .png()
      .toFile(png);
    expect([...(await decodePixels(png)).data.subarray(0, 3)]).to.deep.equal([200, 100, 50]);
  });

  it('is refused when it is cut off, empty, missing or something else', async () => {
    const jpeg = file('whole.jpg');
    await photo({ width: 200, height: 150, seed: 7 }).jpeg().toFile(jpeg);
    const bytes = readFileSync(jpeg);
    const cutOff = file('cut-off.jpg');
    writeFileSync(cutOff, bytes.subarray(0, bytes.length / 2));
    const empty = file('empty.jpg');
    writeFileSync(empty, '');
    const text = file('text.jpg');
    writeFileSync(text, 'no image at all, though of some length');
    for (const faulty of [cutOff, empty, text, file('missing.jpg')]) {
      const fault = await faultOf(() => decodePixels(faulty));
      expect(fault).to.include({ kind: 'data', where: faulty });
    }
  });
});
