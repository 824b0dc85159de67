import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import {
  fetchNeeds,
  type FetchNeedsOptions,
  type FetchedNeed,
} from '../../../lib/data/tables/fetch';
import { type Need, tableNeeds } from '../../../lib/data/tables/needs';
import { devkitMeta } from '../../support/devkit-meta';
import { faultOf } from '../../support/faults';
import { withFolder } from '../../support/folder';
import { content, md5 } from '../../support/made-up-files';
import { tarFile } from '../../support/tar-file';

describe('ImageNet’s archives', () => {
  const folder = withFolder();
  const dataDir = (): string => join(folder(), 'data');
  const fetchIt = (
    needs: readonly Need[],
    more: Partial<FetchNeedsOptions> = {},
  ): Promise<FetchedNeed[]> => fetchNeeds(needs, { dataDir: dataDir(), ...more });
  const left = (): string[] =>
    existsSync(dataDir())
      ? readdirSync(dataDir(), { recursive: true, withFileTypes: true })
          .filter((item) => item.isFile())
          .map((item) => join(item.parentPath, item.name).slice(dataDir().length + 1))
          .sort()
      : [];
  const names = ['n02119789', 'n02100735', 'n01440764'];
  const image = (name: string): { name: string; content: Buffer } => ({
    name,
    content: content(name, 1500),
  });
  /** As many images of each class as the development kit says. */
  const counts = [2, 1, 3];
  const train = tarFile(
    names.map((name, at) => ({
      name: `${name}.tar`,
      content: tarFile(
        Array.from({ length: counts[at] ?? 0 }, (_, i) => image(`${name}_${i + 1}.JPEG`)),
      ),
    })),
  );
  // Two validation images of each class; the labels are the numbers of the development kit.
  const labels = [3, 1, 2, 2, 3, 1];
  const valNames = labels.map((_, i) => `ILSVRC2012_val_${String(i + 1).padStart(8, '0')}.JPEG`);
  const val = tarFile(valNames.map(image));
  const devkit = gzipSync(
    tarFile([
      { name: 'ILSVRC2012_devkit_t12/data/meta.mat', content: devkitMeta },
      {
        name: 'ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt',
        content: Buffer.from(labels.join('\n')),
      },
    ]),
  );
  const files = { train, val, devkit };
  const needOf = (own: typeof files = files): Need[] =>
    tableNeeds.table2.flatMap((need) => {
      if (need.kind !== 'on request') return [];
      const archive = (part: keyof typeof files): (typeof need.archives)[typeof part] => ({
        ...need.archives[part],
        checksum: { algorithm: 'md5', value: md5(own[part]) },
      });
      return [
        {
          ...need,
          bytes: 10_000,
          archives: { train: archive('train'), val: archive('val'), devkit: archive('devkit') },
          ...{ classes: 3, trainImages: 6, valImagesPerClass: 2 },
        },
      ];
    });
  const put = (own: Partial<typeof files> = files): string[] =>
    Object.entries(own).map(([part, bytes]) => {
      const ending = part === 'devkit' ? 'devkit_t12.tar.gz' : `img_${part}.tar`;
      const path = join(folder(), `ILSVRC2012_${ending}`);
      writeFileSync(path, bytes);
      return path;
    });

  it('is not fetched: it is said where to ask for it', async () => {
    const [found] = await fetchIt(needOf());
    expect(found?.outcome).to.equal('on request');
  });

  it('comes out of its archives into folders of classes, as the development kit says', async () => {
    const [found] = await fetchIt(needOf(), { from: put() });
    expect(found, found?.fault ?? '').to.include({ outcome: 'fetched', state: 'present' });
    expect(left()).to.deep.equal(
      [
        ...['n02119789/n02119789_1', 'n02119789/n02119789_2', 'n02100735/n02100735_1']
          .concat('n01440764/n01440764_1', 'n01440764/n01440764_2', 'n01440764/n01440764_3')
          .map((name) => `imagenet/train/${name}.JPEG`),
        // 3 is n01440764, 1 n02119789, 2 n02100735.
        ...['n01440764', 'n02119789', 'n02100735', 'n02100735', 'n01440764', 'n02119789'].map(
          (name, at) => `imagenet/val/${name}/${valNames[at] ?? ''}`,
        ),
      ].sort(),
    );
    const path = join(dataDir(), 'imagenet/train/n01440764/n01440764_2.JPEG');
    expect(readFileSync(path).equals(content('n01440764_2.JPEG', 1500))).to.equal(true);
    const [again] = await fetchIt(needOf());
    expect(again?.outcome).to.equal('there');
  });

  it('goes on after a stop: what was unpacked of the same archive is not written again', async () => {
    const from = put();
    const stop = new AbortController();
    const onProgress = (): void => stop.abort();
    const attempt = await faultOf(() =>
      fetchIt(needOf(), { from, signal: stop.signal, onProgress }),
    );
    expect(attempt.kind).to.equal('interrupted');
    // The training images came out of one chunk; the stop was noticed at the first of the others.
    const place = join(dataDir(), 'imagenet/val.unpacking');
    expect(existsSync(join(dataDir(), 'imagenet/val'))).to.equal(false);
    expect(readdirSync(place)).to.include('.archive');
    // As a kill may leave them: one whole, one cut short.
    const [whole, short] = ['n01440764', 'n02119789'].map((name, at) => ({
      path: join(name, valNames[at] ?? ''),
      bytes: content(valNames[at] ?? '', 1500),
    }));
    if (whole === undefined || short === undefined) throw new Error('two images');
    writeFileSync(join(place, whole.path), whole.bytes);
    writeFileSync(join(place, short.path), short.bytes.subarray(0, 700));
    utimesSync(join(place, whole.path), 1, 1);
    const [found] = await fetchIt(needOf(), { from });
    expect(found).to.include({ outcome: 'fetched', state: 'present' });
    const val = join(dataDir(), 'imagenet/val');
    expect(readdirSync(val).sort()).to.deep.equal([...names].sort());
    expect(statSync(join(val, whole.path)).mtimeMs).to.equal(1000);
    expect(readFileSync(join(val, short.path)).equals(short.bytes)).to.equal(true);
  });

  it('begins anew where what was unpacked is of another archive', async () => {
    const from = put();
    const place = join(dataDir(), 'imagenet/train.unpacking');
    mkdirSync(join(place, 'n02119789'), { recursive: true });
    writeFileSync(join(place, '.archive'), 'ILSVRC2012_img_train.tar 1 1');
    writeFileSync(join(place, 'n02119789', 'n02119789_9.JPEG'), 'of another archive');
    const [found] = await fetchIt(needOf(), { from });
    expect(found).to.include({ outcome: 'fetched', state: 'present' });
    expect(left()).to.have.length(12);
  });

  const shortClass = tarFile([
    { name: 'n02119789.tar', content: tarFile([image('n02119789_1.JPEG')]) },
    { name: 'n02100735.tar', content: tarFile([image('n02100735_1.JPEG')]) },
    {
      name: 'n01440764.tar',
      content: tarFile(['1', '2', '3'].map((i) => image(`n01440764_${i}.JPEG`))),
    },
  ]);
  const cases: readonly {
    readonly what: string;
    readonly given: Partial<typeof files>;
    /** Whether the checksums are those of what is given. */
    readonly asPublished?: true;
    readonly fault: RegExp;
  }[] = [
    { what: 'without its development kit', given: { train, val }, fault: /not given .*devkit/ },
    {
      what: 'from another archive',
      given: { ...files, train: shortClass },
      fault: /img_train.*MD5/,
    },
    {
      what: 'from another kit',
      given: { ...files, devkit: gzipSync(val) },
      fault: /devkit.*MD5/,
    },
    {
      what: 'with an image too few',
      given: { ...files, train: shortClass },
      asPublished: true,
      fault: /1 of 2 images of n02119789/,
    },
    {
      what: 'with a class too few',
      given: {
        ...files,
        train: tarFile([{ name: 'n02119789.tar', content: tarFile([image('n02119789_1.JPEG')]) }]),
      },
      asPublished: true,
      fault: /1 of 3 classes/,
    },
    {
      what: 'from an archive that is cut off',
      given: { ...files, train: train.subarray(0, 4000) },
      asPublished: true,
      fault: /cannot be read/,
    },
    {
      what: 'with a kit that knows other labels',
      given: {
        ...files,
        devkit: gzipSync(
          tarFile([
            { name: 'a/meta.mat', content: devkitMeta },
            {
              name: 'a/ILSVRC2012_validation_ground_truth.txt',
              content: Buffer.from('1 2 3 4 1 2'),
            },
          ]),
        ),
      },
      asPublished: true,
      fault: /3 classes and 5 labels of 6 validation images/,
    },
  ];
  it('is refused where a class is damaged; those after it do not come out later either', async () => {
    const spoiled = tarFile(
      names.map((name, at) => ({
        name: `${name}.tar`,
        content: at === 0 ? content('no archive', 4096) : tarFile([image(`${name}_1.JPEG`)]),
      })),
    );
    const given = { ...files, train: spoiled };
    const [found] = await fetchIt(needOf(given), { from: put(given) });
    expect(found?.fault).to.match(/cannot be read .*n02119789/);
    await setTimeout(200);
    expect(existsSync(join(dataDir(), 'imagenet/train.unpacking'))).to.equal(false);
  });

  for (const { what, given, asPublished, fault } of cases) {
    it(`is refused ${what}, and nothing of it stays`, async () => {
      const needs = needOf(asPublished ? { ...files, ...given } : files);
      const [found] = await fetchIt(needs, { from: put(given) });
      expect(found?.fault).to.match(fault);
      expect(left()).to.deep.equal([]);
    });
  }
});
