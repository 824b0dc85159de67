import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import {
  balancedSplit,
  fashionClasses,
  fashionFiles,
  fashionFolder,
  fashionPerClass,
  loadFashionMnist,
  readFashionArrays,
} from '../../lib/data/fashion-mnist';
import { sha256 } from '../../lib/files';
import { readIdx, writeIdx } from '../../lib/formats/idx';
import { packageRoot } from '../../lib/package-root';
import { runTypeScript } from '../support/child';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

describe('the embedded fashion-mnist', () => {
  const folder = withFolder();

  it('is committed as four gzipped files of known hashes, with licence and origin', () => {
    expect(Object.keys(fashionFiles)).to.have.length(4);
    for (const [name, expected] of Object.entries(fashionFiles)) {
      expect(sha256(readFileSync(join(fashionFolder(), name))), name).to.equal(expected);
    }
    const licence = readFileSync(join(fashionFolder(), 'LICENSE'), 'utf8');
    expect(licence).to.contain('MIT').and.to.contain('2017 Zalando SE');
    const origin = readFileSync(join(fashionFolder(), 'README.md'), 'utf8');
    expect(origin).to.contain('dataset-fashion-mnist').and.to.contain('make-fashion-mnist.ts');
  });

  it('names its classes as they were published', () => {
    expect(fashionClasses.join(', ')).to.equal(
      'T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot',
    );
  });

  it('has 1,000 training and 200 test images of each of ten classes', () => {
    const { name, classes, train, test, height, width, hash } = loadFashionMnist();
    expect(name).to.equal('fashion-mnist');
    expect(classes).to.deep.equal(fashionClasses);
    expect([train.count, test.count, height, width]).to.deep.equal([10_000, 2000, 32, 32]);
    for (const [split, perClass] of [
      [train, 1000],
      [test, 200],
    ] as const) {
      expect(split.images).to.have.length(split.count * 32 * 32 * 3);
      for (let label = 0; label < 10; label++) {
        expect(split.labels.filter((value) => value === label)).to.have.length(perClass);
      }
    }
    expect(hash).to.equal(loadFashionMnist().hash);
  });

  it('is padded by two black cells and has three equal channels', () => {
    const { train } = loadFashionMnist();
    const { images } = readFashionArrays(fashionFolder(), 'train');
    const image = 123;
    for (let y = 0; y < 32; y++) {
      for (let x = 0; x < 32; x++) {
        const inside = x >= 2 && x < 30 && y >= 2 && y < 30;
        const original = inside ? images.data[(image * 28 + y - 2) * 28 + x - 2] : 0;
        const start = ((image * 32 + y) * 32 + x) * 3;
        const pixel = [...train.images.subarray(start, start + 3)];
        expect(pixel).to.deep.equal([original, original, original]);
      }
    }
  });

  it('has the statistics of its training images', () => {
    const { mean, std, train } = loadFashionMnist({ subset: { train: 5 } });
    expect(train.count).to.equal(50);
    let sum = 0;
    let squares = 0;
    for (const value of train.images) {
      sum += value / 255;
      squares += (value / 255) ** 2;
    }
    const average = sum / train.images.length;
    for (const channel of [0, 1, 2] as const) {
      expect(mean[channel]).to.be.closeTo(average, 1e-10);
      const deviation = Math.sqrt(squares / train.images.length - average ** 2);
      expect(std[channel]).to.be.closeTo(deviation, 1e-10);
    }
  });

  it('is normalised by about what Fashion-MNIST is known for', () => {
    const { mean, std } = loadFashionMnist();
    // 0.2860 and 0.3530 over all 60,000 images of 28 × 28; here over a sixth of them with black around.
    const share = (28 / 32) ** 2;
    const deviation = Math.sqrt((0.353 ** 2 + 0.286 ** 2) * share - (0.286 * share) ** 2);
    mean.forEach((value) => expect(value).to.be.closeTo(0.286 * share, 0.002));
    std.forEach((value) => expect(value).to.be.closeTo(deviation, 0.002));
  });

  it('is refused when a file is damaged or missing', async () => {
    for (const name of Object.keys(fashionFiles)) {
      copyFileSync(join(fashionFolder(), name), join(folder(), name));
    }
    const path = join(folder(), 'test-labels-idx1-ubyte.gz');
    const bytes = readFileSync(path);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const { where, found } = await faultOf(() => loadFashionMnist({ folder: folder() }));
    expect(where).to.equal(path);
    expect(found).to.contain(`expected ${fashionFiles['test-labels-idx1-ubyte.gz']}`);
    rmSync(path);
    const missing = await faultOf(() => loadFashionMnist({ folder: folder() }));
    expect(missing.found).to.equal('no such file');
  });

  it('is what the script makes: cutting the embedded part again changes nothing', () => {
    for (const split of ['train', 'test'] as const) {
      const arrays = readFashionArrays(fashionFolder(), split);
      const again = balancedSplit(arrays, 10, fashionPerClass[split], split);
      expect(sha256(writeIdx(again.images))).to.equal(sha256(writeIdx(arrays.images)));
      expect(sha256(writeIdx(again.labels))).to.equal(sha256(writeIdx(arrays.labels)));
    }
  });

  describe('make-fashion-mnist', () => {
    const script = join(packageRoot(), 'reproduce', 'make-fashion-mnist.ts');

    /** Three images of each class, the first of class 9, as the original files name them. */
    function writeSource(): string {
      const source = join(folder(), 'source');
      mkdirSync(source);
      const labels = Uint8Array.from({ length: 30 }, (_, i) => 9 - (i % 10));
      const images = Uint8Array.from({ length: 30 * 4 }, (_, i) => i);
      for (const prefix of ['train', 't10k']) {
        const put = (name: string, shape: number[], data: Uint8Array): void =>
          writeFileSync(join(source, `${prefix}-${name}`), gzipSync(writeIdx({ shape, data })));
        put('images-idx3-ubyte.gz', [30, 2, 2], images);
        put('labels-idx1-ubyte.gz', [30], labels);
      }
      return source;
    }

    it('takes the first of each class in their order, and gives the same bytes again', async () => {
      const source = writeSource();
      const outputs = await Promise.all(
        ['a', 'b'].map(async (name) => {
          const out = join(folder(), name);
          const args = [source, '--out', out, '--train', '2', '--test', '1'];
          const { status, stderr } = await runTypeScript(script, args);
          expect(status, stderr).to.equal(0);
          return Object.keys(fashionFiles).map((file) => readFileSync(join(out, file)));
        }),
      );
      const [first, second] = outputs;
      expect(first).to.deep.equal(second);
      const [trainImages, , , testLabels] = (first ?? []).map((bytes) =>
        readIdx(gunzipSync(bytes), 'f'),
      );
      expect(trainImages?.shape).to.deep.equal([20, 2, 2]);
      expect([...(trainImages?.data ?? [])]).to.deep.equal(Array.from({ length: 80 }, (_, i) => i));
      expect([...(testLabels?.data ?? [])]).to.deep.equal([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    });

    it('refuses a folder without the files, and a class that is too small', async () => {
      const missing = await runTypeScript(script, [folder()]);
      expect(missing.status).to.equal(1);
      expect(missing.stderr).to.contain('train-images-idx3-ubyte.gz').and.to.contain('apt-get');
      const out = join(folder(), 'out');
      const short = await runTypeScript(script, [writeSource(), '--out', out, '--train', '4']);
      expect(short.status).to.equal(1);
      expect(short.stderr).to.contain('found 3, asked for 4');
    });
  });
});

describe('packageRoot', () => {
  const folder = withFolder();

  it('is found from the sources and from what the compiler makes of them', () => {
    mkdirSync(join(folder(), 'dist', 'lib', 'data'), { recursive: true });
    writeFileSync(join(folder(), 'package.json'), '{"name": "norm-direction-lab"}');
    writeFileSync(join(folder(), 'dist', 'package.json'), '{"type": "commonjs"}');
    expect(packageRoot(join(folder(), 'dist', 'lib', 'data'))).to.equal(folder());
    expect(() => packageRoot('/')).to.throw('norm-direction-lab');
  });
});
