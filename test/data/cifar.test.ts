import { createHash } from 'node:crypto';
import {
  appendFileSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { create } from 'tar';
import { plainBatch } from '../../lib/data/batches';
import { cifarStatus, loadCifar, verifyCifar } from '../../lib/data/cifar';
import { type CifarSpec, missingCifar } from '../../lib/data/cifar-source';
import { dataDirectory } from '../../lib/data/paths';
import {
  tinyByte,
  tinyCifar10,
  tinyCifar100,
  tinyClasses,
  tinyLabel,
  writeTinyBinary,
  writeTinyPython,
} from '../support/cifar-files';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { python2Pickle } from '../support/python2-pickle';

/** Mean and standard deviation of red, green and blue, as the field takes them; CIFAR-100's are mdistiller's. */
const published: Readonly<Record<string, { mean: number[]; std: number[] }>> = {
  cifar10: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  cifar100: { mean: [0.5071, 0.4867, 0.4408], std: [0.2675, 0.2565, 0.2761] },
};

describe('CIFAR', () => {
  const folder = withFolder();
  const writers = { binary: writeTinyBinary, python: writeTinyPython } as const;

  for (const spec of [tinyCifar10, tinyCifar100]) {
    for (const form of ['binary', 'python'] as const) {
      it(`is read: ${spec.name}, ${form} folder`, async () => {
        writers[form](spec, folder());
        const loaded = await loadCifar(spec, { dataDir: folder() });
        const { train, test, ...dataset } = loaded;
        expect(dataset.name).to.equal(spec.name);
        // The binary form's text file is UTF-8, Python 2's string latin1.
        expect(dataset.classes).to.deep.equal(tinyClasses);
        expect([dataset.height, dataset.width]).to.deep.equal([32, 32]);
        expect([train.count, test.count]).to.deep.equal([spec.trainCount, spec.testCount]);
        expect([...train.labels]).to.deep.equal(
          Array.from({ length: spec.trainCount }, (_, record) => tinyLabel(record)),
        );
        // Planes become pixels: record 1, row 2, column 3 is position 2·32 + 3 of each plane.
        const pixel = ((1 * 32 + 2) * 32 + 3) * 3;
        expect([...train.images.subarray(pixel, pixel + 3)]).to.deep.equal([
          tinyByte(1, 0, 67),
          tinyByte(1, 1, 67),
          tinyByte(1, 2, 67),
        ]);
        expect(test.images.at(-1)).to.equal(tinyByte(100 + spec.testCount - 1, 2, 1023));
        const { mean, std } = published[spec.name] ?? expect.fail('not published');
        expect([dataset.mean, dataset.std]).to.deep.equal([mean, std]);
        // The bytes of that pixel are 50 · 1 + 67 in red, 10 more in green, 20 more in blue.
        const normalised = plainBatch(loaded, train, [1]).subarray(pixel - 3072, pixel - 3072 + 3);
        [117, 127, 137].forEach((byte, i) => {
          const expected = (byte / 255 - (mean[i] ?? NaN)) / (std[i] ?? NaN);
          expect(normalised[i]).to.be.closeTo(expected, 1e-6);
        });
      });
    }
  }

  it('is the same data set in both forms, and from a folder or an archive of any name', async () => {
    const hashes = new Set<string>();
    for (const form of ['binary', 'python'] as const) {
      const path = writers[form](tinyCifar100, join(folder(), form));
      hashes.add((await loadCifar(tinyCifar100, { dataDir: join(folder(), form) })).hash);
      hashes.add((await loadCifar(tinyCifar100, { dataDir: path })).hash);
      const archive = join(folder(), `mine-${form}.tgz`);
      const { folder: name } = tinyCifar100[form];
      await create({ file: archive, cwd: join(folder(), form), gzip: true }, [name]);
      hashes.add((await loadCifar(tinyCifar100, { dataDir: archive })).hash);
      rmSync(path, { recursive: true });
      const official = join(folder(), form, tinyCifar100[form].archive.fileName);
      renameSync(archive, official);
      hashes.add((await loadCifar(tinyCifar100, { dataDir: join(folder(), form) })).hash);
    }
    expect([...hashes]).to.have.length(1);
    expect([...hashes][0]).to.match(/^[0-9a-f]{64}$/);
  });

  it('has the hash of its images and labels, and another when it is normalised by other figures', async () => {
    for (const spec of [tinyCifar10, tinyCifar100]) {
      writeTinyBinary(spec, folder());
      const hashWith = async (changes: Partial<CifarSpec['statistics']>): Promise<string> => {
        const statistics = { ...spec.statistics, ...changes };
        return (await loadCifar({ ...spec, statistics }, { dataDir: folder() })).hash;
      };
      // As runs were recorded with it: nothing is said of the published figures.
      const { classes, train, test } = await loadCifar(spec, { dataDir: folder() });
      const counts = `"train":${spec.trainCount},"test":${spec.testCount}`;
      const header = `{"classes":${JSON.stringify(classes)},"height":32,"width":32,${counts}}\n`;
      const hash = createHash('sha256').update(header);
      for (const { images, labels } of [train, test]) {
        const bytes = Buffer.alloc(4 * labels.length);
        labels.forEach((label, at) => bytes.writeInt32LE(label, 4 * at));
        hash.update(images).update(bytes);
      }
      const recorded = hash.digest('hex');
      expect(await hashWith({})).to.equal(recorded);
      const [red, green, blue] = spec.statistics.mean;
      const others = await Promise.all([
        hashWith({ mean: [red, green, blue + 0.0001] }),
        hashWith({ std: [0.25, 0.25, 0.25] }),
        hashWith({ mean: spec.statistics.std, std: spec.statistics.mean }),
      ]);
      expect(new Set([recorded, ...others]).size).to.equal(4);
    }
  });

  it('has another hash when one byte of an image or one label differs', async () => {
    const path = join(writeTinyBinary(tinyCifar100, folder()), 'train.bin');
    const whole = readFileSync(path);
    const hashes = new Set<string>();
    for (const change of [undefined, 500, 1]) {
      const bytes = Buffer.from(whole);
      if (change !== undefined) bytes[change] = (bytes[change] ?? 0) === 0 ? 1 : 0;
      writeFileSync(path, bytes);
      hashes.add((await loadCifar(tinyCifar100, { dataDir: folder() })).hash);
    }
    expect(hashes.size).to.equal(3);
  });

  it('gives the first images of each class when a part is asked for, and says so', async () => {
    writeTinyBinary(tinyCifar10, folder());
    // Labels 0 2 1 0 2 1 0 2 1 0: the first two of each class are records 0 to 5.
    const subset = { train: 2 };
    const { name, train, test } = await loadCifar(tinyCifar10, { dataDir: folder(), subset });
    expect(name).to.equal('cifar10[train=2/class]');
    expect([...train.labels]).to.deep.equal([0, 2, 1, 0, 2, 1]);
    expect(train.images[5 * 3072]).to.equal(tinyByte(5, 0, 0));
    expect(test.count).to.equal(3);
    const tooMany = { train: 4 };
    const fault = await faultOf(() =>
      loadCifar(tinyCifar10, { dataDir: folder(), subset: tooMany }),
    );
    expect(fault.found).to.equal('3, asked for 4');
  });

  describe('refuses', () => {
    async function refusal(spec: CifarSpec = tinyCifar100): Promise<string> {
      const { what, where, found } = await faultOf(() => loadCifar(spec, { dataDir: folder() }));
      return `${what} | ${where ?? ''} | ${found ?? ''}`;
    }

    it('data that are not there, naming the command and the option', async () => {
      const { what, fix } = await faultOf(() => loadCifar(tinyCifar100, { dataDir: folder() }));
      expect(what).to.equal("the data set 'cifar100' is not there");
      expect(fix).to.contain(
        `\`npm run data -- download cifar100 --data-dir ${folder()}\`, or say`,
      );
      const usual = missingCifar(tinyCifar100, dataDirectory());
      expect(usual.fix).to.contain('`npm run data -- download cifar100`, or say');
      const status = await cifarStatus(tinyCifar100, join(folder(), 'absent'));
      expect(status.state).to.equal('missing');
    });

    it('a binary file that is cut off or too long', async () => {
      const path = join(writeTinyBinary(tinyCifar100, folder()), 'train.bin');
      truncateSync(path, 3 * 3074 + 5);
      const cut = '9227 bytes (3 records of 3074 and 5 bytes), expected 12296 (4 records)';
      expect(await refusal()).to.equal(`a CIFAR file has the wrong size | ${path} | ${cut}`);
      const status = await cifarStatus(tinyCifar100, folder());
      expect(status.state).to.equal('broken');
      expect(status.detail).to.contain(cut);
      writeTinyBinary(tinyCifar100, folder());
      appendFileSync(path, Buffer.alloc(3074));
      expect(await refusal()).to.contain('(5 records of 3074 and 0 bytes)');
    });

    it('a binary file of another spec', async () => {
      writeTinyBinary(tinyCifar100, folder());
      const other = { ...tinyCifar100, trainCount: 5 };
      expect(await refusal(other)).to.contain('expected 15370 (5 records)');
    });

    it('a label that is no class', async () => {
      const path = join(writeTinyBinary(tinyCifar100, folder()), 'test.bin');
      const bytes = readFileSync(path);
      bytes[3074 + 1] = 3;
      writeFileSync(path, bytes);
      expect(await refusal()).to.equal(
        `record 1 has a label that is no class | ${path} | 3, expected 0 to 2`,
      );
    });

    it('a folder without one of its files, or with other class names', async () => {
      const path = writeTinyBinary(tinyCifar100, folder());
      writeFileSync(join(path, 'fine_label_names.txt'), 'cat\ndog\n');
      expect(await refusal()).to.contain('2 names, expected 3');
      rmSync(join(path, 'test.bin'));
      expect(await refusal()).to.equal(
        `a file of 'cifar100' is missing | ${join(path, 'test.bin')} | no such file`,
      );
      expect((await cifarStatus(tinyCifar100, folder())).state).to.equal('broken');
    });

    it('a python file that is cut off, of another shape, or short of labels', async () => {
      const path = join(writeTinyPython(tinyCifar100, folder()), 'train');
      const whole = readFileSync(path);
      writeFileSync(path, whole.subarray(0, 4 * 3072 + 20));
      expect(await refusal()).to.contain('a pickle is cut off');
      truncateSync(path, 100);
      expect(await refusal()).to.contain('100 bytes, expected at least 12288 for 4 images');

      const matrix = { rows: 2, bytes: new Uint8Array(4 * 3072) };
      writeFileSync(path, python2Pickle(new Map([['data', matrix]])));
      expect(await refusal()).to.contain('u1 [2, 6144], expected a uint8 array [4, 3072]');

      const right = { rows: 4, bytes: new Uint8Array(4 * 3072) };
      const short = new Map<string, typeof right | number[]>([
        ['data', right],
        ['fine_labels', [0, 1]],
      ]);
      writeFileSync(path, python2Pickle(short));
      expect(await refusal()).to.contain('2 labels, expected 4');
      writeFileSync(path, python2Pickle(new Map([...short, ['fine_labels', [0, 1, 2, 7]]])));
      expect(await refusal()).to.contain('7, expected 0 to 2');
    });

    it('a python file that would run code', async () => {
      const path = join(writeTinyPython(tinyCifar100, folder()), 'train');
      const code = "cos\nsystem\n(S'echo'\ntR.";
      writeFileSync(path, Buffer.concat([Buffer.from(code), Buffer.alloc(4 * 3072)]));
      expect(await refusal()).to.contain("'os.system' (nothing of it was run)");
    });

    it('an archive of something else', async () => {
      writeFileSync(join(folder(), 'readme.txt'), 'hello');
      const file = join(folder(), 'cifar-100-binary.tar.gz');
      await create({ file, cwd: folder(), gzip: true }, ['readme.txt']);
      expect(await refusal()).to.contain("a file of 'cifar100' is missing");
    });

    it('another image size', async () => {
      writeTinyBinary(tinyCifar100, folder());
      const load = (imageSize: number): unknown =>
        loadCifar(tinyCifar100, { dataDir: folder(), imageSize });
      expect((await faultOf(() => load(64))).what).to.contain('32×32 only');
      await load(32);
    });
  });

  describe('compared with the official files', () => {
    it('cannot tell for an unpacked binary folder', async () => {
      writeTinyBinary(tinyCifar100, folder());
      const { official, form } = await verifyCifar(tinyCifar100, folder());
      expect([official, form]).to.deep.equal([null, 'binary folder']);
      const { state, detail } = await cifarStatus(tinyCifar100, folder());
      expect(state).to.equal('present');
      expect(detail).to.contain('not verified');
    });

    it('differs for other python files', async () => {
      writeTinyPython(tinyCifar100, folder());
      const { official, detail } = await verifyCifar(tinyCifar100, folder());
      expect(official).to.equal(false);
      expect(detail).to.contain('train has MD5');
    });

    it('is right for an archive of the official MD5, under any name', async () => {
      writeTinyBinary(tinyCifar100, folder());
      const file = join(folder(), 'mine.tar');
      await create({ file, cwd: folder() }, ['cifar-100-binary']);
      const other = await verifyCifar(tinyCifar100, file);
      expect(other.official).to.equal(false);
      const md5 = /MD5 ([0-9a-f]{32})/.exec(other.detail)?.[1] ?? '';
      const { archive } = tinyCifar100.binary;
      const checksum = { algorithm: 'md5', value: md5 } as const;
      const spec = {
        ...tinyCifar100,
        binary: { ...tinyCifar100.binary, archive: { ...archive, checksum } },
      };
      expect((await verifyCifar(spec, file)).official).to.equal(true);
      expect((await cifarStatus(spec, file)).detail).to.contain('official');
    });

    it('refuses another archive under the official name', async () => {
      writeTinyBinary(tinyCifar100, folder());
      const file = join(folder(), 'cifar-100-binary.tar.gz');
      await create({ file, cwd: folder(), gzip: true }, ['cifar-100-binary']);
      const { what, found } = await faultOf(() => verifyCifar(tinyCifar100, file));
      expect(what).to.contain('another checksum');
      expect(found).to.contain('expected 03b5dce01913d631647c71ecec9e9cb8');
    });
  });
});
