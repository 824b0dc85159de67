import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { imageFolderSource, type ImageFolderOptions } from '../../../lib/data/imagenet/source';
import { hashImageFolder, readImageFolder } from '../../../lib/data/imagenet/image-folder';
import { faultOf } from '../../support/faults';
import { withFolder } from '../../support/folder';
import { photo, writePhotoFolder } from '../../support/photo-folder';

describe('a folder of ImageNet', () => {
  const folder = withFolder();
  const file = (...path: string[]): string => join(folder(), ...path);
  const openWith = async (
    options: Partial<ImageFolderOptions> = {},
  ): Promise<{
    counts: object;
    leftOut: readonly { file: string; fault: string }[];
    train: { count: number; labels: ArrayLike<number> };
    hash: string;
  }> => {
    const source = await imageFolderSource({
      root: folder(),
      trainSize: 16,
      workers: 1,
      ...options,
    });
    await source.dispose();
    return source;
  };
  const messageOf = async (): Promise<string> => (await faultOf(() => openWith())).message;

  beforeEach(() => writePhotoFolder(folder(), { train: 3, val: 2 }));

  it('counts what is grey, of ink, turned or under another name', async () => {
    const size = { width: 30, height: 30, seed: 1 };
    const put = (name: string): string => file('train', 'n01', name);
    await photo(size).toColourspace('b-w').jpeg().toFile(put('grey.JPEG'));
    await photo(size).toColourspace('cmyk').jpeg().toFile(put('ink.JPEG'));
    await photo(size).png().toFile(put('misnamed.JPEG'));
    await photo(size).jpeg().withMetadata({ orientation: 3 }).toFile(put('turned.JPEG'));
    const { counts, train } = await openWith();
    expect(counts).to.deep.equal({ jpeg: 13, png: 1, grey: 1, cmyk: 1, misnamed: 1, turned: 1 });
    expect(train.count).to.equal(10);
  });

  it('stops at a file that is cut off, and tells how many more there are', async () => {
    const first = cutOff(file('train', 'n01', 'n01_1.JPEG'));
    expect(await messageOf())
      .to.include(first)
      .and.include('--skip-corrupt');
    writeFileSync(file('val', 'n02', 'n02_0.JPEG'), '');
    expect(await messageOf()).to.include('and 1 more');
  });

  it('leaves such files out on demand, and tells which', async () => {
    const whole = await openWith();
    const left = cutOff(file('train', 'n02', 'n02_2.JPEG'));
    const { leftOut, train, hash } = await openWith({ skipCorrupt: true });
    expect(leftOut.map((each) => each.file)).to.deep.equal([left]);
    expect(leftOut[0]?.fault).to.not.equal('');
    expect(Array.from(train.labels)).to.deep.equal([0, 0, 0, 1, 1]);
    expect(hash).to.not.equal(whole.hash);
  });

  it('does not leave out a whole class', async () => {
    for (const index of [0, 1]) cutOff(file('val', 'n01', `n01_${index}.JPEG`));
    const fault = await faultOf(() => openWith({ skipCorrupt: true }));
    expect(fault.found).to.equal("class 'n01'");
  });

  it('takes a JPEG with bytes after its end for whole', async () => {
    const long = file('train', 'n01', 'n01_0.JPEG');
    writeFileSync(long, Buffer.concat([readFileSync(long), Buffer.alloc(100)]));
    expect((await openWith()).train.count).to.equal(6);
  });

  it('is refused with another depth or other classes in val', async () => {
    renameSync(file('val', 'n02'), file('val', 'n03'));
    expect(await messageOf()).to.match(/different classes.*no n02, and n03 that train lacks/);
    rmSync(file('val', 'n03'), { recursive: true });
    renameSync(file('val', 'n01', 'n01_0.JPEG'), file('val', 'n01_0.JPEG'));
    expect(await messageOf()).to.match(/outside the class folders.*n01_0\.JPEG/);
    renameSync(file('train'), file('deep'));
    mkdirSync(file('train'));
    renameSync(file('deep'), file('train', 'deep'));
    rmSync(file('val'), { recursive: true });
    mkdirSync(file('val', 'deep'), { recursive: true });
    mkdirSync(file('val', 'deep', 'n01'));
    expect(await messageOf()).to.match(/a folder too deep \(.*train\): found deep\/n01\//);
  });

  it('does not pass over an image that is a link to nowhere', async () => {
    rmSync(file('train', 'n01', 'n01_0.JPEG'));
    symlinkSync(file('nowhere'), file('train', 'n01', 'n01_0.JPEG'));
    expect(await messageOf()).to.match(/n01_0\.JPEG\): found no such file/);
    expect((await openWith({ skipCorrupt: true })).leftOut).to.have.length(1);
  });

  it('is refused with more than 1,000 classes', async () => {
    for (let index = 0; index < 1000; index++) {
      for (const split of ['train', 'val']) {
        mkdirSync(file(split, `m${index}`));
        writeFileSync(file(split, `m${index}`, 'a.JPEG'), '');
      }
    }
    expect(await messageOf()).to.match(/more than 1000 classes.*1002/);
  });

  it('has a hash of its names, sizes and, while it is small, bytes', () => {
    const hash = (): string => hashImageFolder(readImageFolder(folder()));
    const before = hash();
    expect(hash()).to.equal(before);
    const image = file('train', 'n01', 'n01_0.JPEG');
    const bytes = readFileSync(image);
    writeFileSync(image, bytes.with(300, (bytes[300] ?? 0) ^ 1));
    const changed = hash();
    expect(changed).to.not.equal(before);
    writeFileSync(image, bytes);
    expect(hash()).to.equal(before);
    renameSync(image, file('train', 'n01', 'n01_00.JPEG'));
    expect(hash()).to.not.equal(before);
  });

  /** Takes the second half of a file away. */
  function cutOff(path: string): string {
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length / 2));
    return path;
  }
});
