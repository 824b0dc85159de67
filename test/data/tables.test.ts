import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { zipSync } from 'fflate';
import { fetchNeeds, type FetchNeedsOptions, type FetchedNeed } from '../../lib/data/tables/fetch';
import { type FetchedTable, type Need, tableNeeds } from '../../lib/data/tables/needs';
import { needStatus } from '../../lib/data/tables/places';
import { sha256 } from '../../lib/files';
import { encodeSafetensors } from '../../lib/formats/safetensors';
import { faultOf } from '../support/faults';
import { withFileServer } from '../support/file-server';
import { withFolder } from '../support/folder';
import { content, gitBlob, md5 } from '../support/made-up-files';
import { python2Pickle } from '../support/python2-pickle';

const trainImages = Array.from(
  { length: 30 },
  (_, i) => `train2017/${String(i).padStart(12, '0')}.jpg`,
);
const valImages = ['val2017/000000000139.jpg', 'val2017/000000000285.jpg'];
const annotations = ['captions_train2017', 'instances_train2017', 'instances_val2017'].map(
  (name) => `annotations/${name}.json`,
);

/** As COCO's archives are laid out: a folder, and its files in it. */
function archiveOf(names: readonly string[]): Buffer {
  const folder = `${dirname(names[0] ?? '')}/`;
  const entries = [
    [folder, new Uint8Array(0)],
    ...names.map((name) => [name, content(name, 3000)]),
  ];
  return Buffer.from(
    zipSync(Object.fromEntries(entries) as Record<string, Uint8Array>, { level: 0 }),
  );
}

const archives: Readonly<Record<string, Buffer>> = {
  'train2017.zip': archiveOf(trainImages),
  'val2017.zip': archiveOf(valImages),
  'annotations_trainval2017.zip': archiveOf(annotations),
};

const floats = new Float32Array(1000).fill(1);
/** Files without a published checksum, which must hold weights. */
const unchecked: Readonly<Record<string, Buffer>> = {
  'R-50.pkl': python2Pickle(new Map([['conv1_w', { shape: [1000], floats }]])),
  ...Object.fromEntries(
    ['small', 'base'].map((size) => [
      `vit_${size}_patch16_224-augreg_in21k_ft_in1k.safetensors`,
      Buffer.from(encodeSafetensors(new Map([[size, { shape: [1000], data: floats }]]))),
    ]),
  ),
};

/** What stands on the server, and among a user's files, under a name. */
const served = (name: string): Buffer => archives[name] ?? unchecked[name] ?? content(name);

/** The needs of a table with the checksums and sizes of what is served here. */
function small(table: FetchedTable): Need[] {
  return tableNeeds[table].map((need) => {
    if (need.kind === 'on request') return need;
    const bytes = served(need.fileName);
    const digests = { sha256: sha256(bytes), md5: md5(bytes), git: gitBlob(bytes) };
    const { checksum } = need;
    const common = {
      bytes: bytes.length,
      ...(checksum === undefined
        ? {}
        : {
            checksum: {
              ...checksum,
              // As many digits as were published.
              value: digests[checksum.algorithm].slice(0, checksum.value.length),
            },
          }),
    };
    if (need.kind !== 'archive') return { ...need, ...common };
    if ('files' in need.keep) {
      return { ...need, ...common, keep: { ...need.keep, unpackedBytes: bytes.length } };
    }
    const count = need.keep.images === 'train2017' ? trainImages.length : valImages.length;
    return { ...need, ...common, keep: { ...need.keep, count } };
  });
}

describe('what tables 2 and 3 need', () => {
  const folder = withFolder();
  const server = withFileServer();

  const dataDir = (): string => join(folder(), 'data');
  const mirror = (): string => new URL('.', server().url).href;
  beforeEach(() => {
    Object.assign(server().file, { named: served, etag: '"one"' });
  });

  const fetchIt = (
    needs: readonly Need[],
    more: Partial<FetchNeedsOptions> = {},
  ): Promise<FetchedNeed[]> =>
    fetchNeeds(needs, { dataDir: dataDir(), mirror: mirror(), retries: 0, retryDelay: 1, ...more });
  const left = (): string[] =>
    existsSync(dataDir())
      ? readdirSync(dataDir(), { recursive: true, withFileTypes: true })
          .filter((item) => item.isFile() && !item.name.endsWith('.sha256'))
          .map((item) => join(item.parentPath, item.name).slice(dataDir().length + 1))
          .sort()
      : [];
  const outcomes = (found: readonly FetchedNeed[]): string[] =>
    found.map(({ name, outcome }) => `${name} ${outcome}`);

  it('goes where the tables look for it, all at once, and is not fetched again', async () => {
    const seen: number[] = [];
    const options = { onProgress: ({ done }: { readonly done: number }) => void seen.push(done) };
    const needs = [...small('table2'), ...small('table3')];
    const found = await fetchIt(needs, options);
    expect(
      found.filter(({ outcome }) => outcome !== 'fetched').map(({ name }) => name),
    ).to.deep.equal(['imagenet']);
    expect(left()).to.deep.equal(
      [
        ...['r101-fpn', 'r50-fpn', 'regnety_160', 'resnet101', 'resnet152', 'resnet34', 'resnet50']
          .concat('vit_base_patch16_224', 'vit_small_patch16_224')
          .map((name) => `class-means/${name}.json`),
        ...['instances_train2017', 'instances_val2017'].map(
          (name) => `coco/annotations/${name}.json`,
        ),
        ...[...trainImages, ...valImages].map((name) => `coco/${name}`),
        ...['mobilenet_v2-fpn-backbone.pth', 'r101-fpn.pkl', 'r18-fpn-backbone.pth']
          .concat('r50-fpn-backbone.pkl', 'r50-fpn.pkl')
          .map((name) => `detectors/${name}`),
        ...['regnety_160-a5fe301d.pth', 'resnet101-63fe2227.pth', 'resnet152-394f9c45.pth']
          .concat('resnet34-b627a593.pth', 'resnet50-0676ba61.pth')
          .concat(
            'vit_base_patch16_224-augreg_in21k_ft_in1k.safetensors',
            'vit_small_patch16_224-augreg_in21k_ft_in1k.safetensors',
          )
          .map((name) => `imagenet-teachers/${name}`),
      ].sort(),
    );
    const image = readFileSync(join(dataDir(), 'coco', trainImages[7] ?? ''));
    expect(image.equals(content(trainImages[7] ?? '', 3000))).to.equal(true);
    const r34 = found.find(({ name }) => name === 'resnet34');
    expect(r34?.sha256).to.equal(sha256(served('resnet34-b627a593.pth')));
    expect(readFileSync(`${r34?.path ?? ''}.sha256`, 'utf8')).to.equal(
      `${r34?.sha256 ?? ''}  resnet34-b627a593.pth\n`,
    );
    // Progress is of all together, and does not go back.
    expect(seen).to.deep.equal([...seen].sort((a, b) => a - b));

    server().requests.length = 0;
    const again = await fetchIt(needs);
    expect(new Set(again.map(({ outcome }) => outcome))).to.deep.equal(
      new Set(['there', 'on request']),
    );
    expect(server().requests).to.deep.equal([]);
  });

  it('is said to be missing on an empty folder, with its size and its place', () => {
    const status = tableNeeds.table3.map((need) => needStatus(need, dataDir()));
    expect(status.map(({ state }) => state)).to.deep.equal(status.map(() => 'missing'));
    expect(status.find(({ name }) => name === 'r101-fpn')?.path).to.equal(
      join(dataDir(), 'detectors/r101-fpn.pkl'),
    );
    expect(status.find(({ name }) => name === 'train2017')?.bytes).to.equal(19_336_861_798);
  });

  it('is fetched in part where that is asked for, by name or kind', async () => {
    const found = await fetchIt(small('table3'), { only: ['r50-fpn', 'class-means'] });
    expect(outcomes(found)).to.deep.equal([
      'r50-fpn fetched',
      'class-means-r101-fpn fetched',
      'class-means-r50-fpn fetched',
    ]);
    const { what, fix } = await faultOf(() => fetchIt(small('table3'), { only: ['r50fpn'] }));
    expect(what).to.equal("unknown part of a table 'r50fpn'");
    expect(fix).to.contain("Did you mean 'r50-fpn'?");
  });

  it('is fetched over as many connections as are asked for', async () => {
    Object.assign(server().file, { slowPieces: 20_000, together: 3 });
    const only = ['r50-fpn', 'r18-fpn-backbone', 'r50-fpn-backbone', 'mobilenet_v2-fpn-backbone'];
    await fetchIt(small('table3'), { only, connections: 3 });
    expect(server().mostAtOnce()).to.equal(3);
  });

  it('is taken from files that are given, and no server is asked', async () => {
    const given = ['model_final_280758.pkl', 'val2017.zip'].map((name) => {
      const path = join(folder(), name);
      writeFileSync(path, served(name));
      return path;
    });
    const found = await fetchIt(small('table3'), { from: given, only: ['r50-fpn', 'val2017'] });
    expect(outcomes(found)).to.deep.equal(['r50-fpn fetched', 'val2017 fetched']);
    expect(left()).to.deep.equal([
      ...valImages.map((name) => `coco/${name}`),
      'detectors/r50-fpn.pkl',
    ]);
    expect(server().requests).to.deep.equal([]);
    expect(given.map((path) => existsSync(path))).to.deep.equal([true, true]);
    const unknown = await faultOf(() => fetchIt(small('table3'), { from: ['train2014.zip'] }));
    expect(unknown.what).to.equal("unknown file 'train2014.zip'");
  });

  describe('when something is wrong', () => {
    const wrong = content('another file');
    const [r50, val] = [['r50-fpn'], ['val2017']];
    const only = (name: string, bytes: Buffer | undefined) => (asked: string) =>
      asked === name ? bytes : served(asked);
    const cases: readonly {
      readonly what: string;
      readonly answer: object;
      readonly only: readonly string[];
      readonly fault: RegExp;
      readonly left: readonly string[];
    }[] = [
      {
        what: 'a file has another checksum',
        answer: { named: only('model_final_280758.pkl', wrong) },
        only: r50,
        fault: /wrong checksum .*detectors\/r50-fpn\.pkl\.wrong and not used/,
        left: ['detectors/r50-fpn.pkl.wrong'],
      },
      {
        what: 'a file without a published checksum holds no weights',
        answer: { named: only('R-50.pkl', wrong) },
        only: ['r50-fpn-backbone'],
        fault: /holds no weights .*r50-fpn-backbone\.pkl\.wrong and not used/,
        left: ['detectors/r50-fpn-backbone.pkl.wrong'],
      },
      {
        what: 'there is no such file',
        answer: { named: only('model_final_280758.pkl', undefined) },
        only: r50,
        fault: /found HTTP status 404/,
        left: [],
      },
      {
        what: 'a web page comes instead',
        answer: { contentType: 'text/html' },
        only: r50,
        fault: /found a web page/,
        left: [],
      },
      {
        what: 'the connection breaks off',
        answer: { breakAfter: 20_000 },
        only: r50,
        fault: /a download broke off .*goes on where it stopped/,
        left: ['detectors/r50-fpn.pkl.part', 'detectors/r50-fpn.pkl.part.json'],
      },
      {
        what: 'nothing comes any more',
        answer: { breakAfter: 1000, stall: true },
        only: r50,
        fault: /nothing was received for 1 s/,
        left: ['detectors/r50-fpn.pkl.part', 'detectors/r50-fpn.pkl.part.json'],
      },
      {
        what: 'an archive is not there',
        answer: { named: only('val2017.zip', undefined) },
        only: val,
        fault: /found HTTP status 404/,
        left: [],
      },
      {
        what: 'an archive is a web page',
        answer: { contentType: 'text/html' },
        only: val,
        fault: /found a web page/,
        left: [],
      },
      {
        what: 'an archive is damaged',
        answer: {
          named: only('val2017.zip', flipped(archives['val2017.zip'], valImages[1] ?? '')),
        },
        only: val,
        fault: /'val2017\/000000000285\.jpg' damaged: its CRC-32 is another/,
        left: ['coco/val2017.unpacking/000000000139.jpg'],
      },
      {
        what: 'an archive is another',
        answer: { named: only('val2017.zip', archiveOf(valImages.slice(1))) },
        only: val,
        fault: /another than the published one .*found \d+ of \d+ bytes/,
        left: [],
      },
      {
        what: 'parts of an archive end before they begin',
        answer: { emptyParts: true, chunked: true },
        only: val,
        fault: /a download broke off .*found 0 of \d+ bytes/,
        left: [],
      },
      {
        what: 'the connection breaks off in an archive',
        answer: { breakAfter: 1500 },
        only: val,
        fault: /a download broke off/,
        left: [],
      },
    ];
    for (const { what, answer, only: names, fault, left: remains } of cases) {
      it(`${what}: it is said, the rest goes on, and the next attempt mends it`, async () => {
        const others = ['r18-fpn-backbone'];
        const needs = small('table3');
        await fetchIt(needs, { only: others });
        const kept = [...left()];
        const before = { ...server().file };
        Object.assign(server().file, answer);
        const found = await fetchIt(needs, { only: [...others, ...names], idleTimeout: 1_000 });
        expect(outcomes(found)).to.include('r18-fpn-backbone there');
        const failed = found.filter(({ outcome }) => outcome === 'failed');
        expect(failed.map(({ name }) => name)).to.deep.equal(names);
        expect(failed[0]?.fault).to.match(fault);
        expect(left()).to.deep.equal([...kept, ...remains].sort());

        Object.assign(server().file, {
          ...before,
          breakAfter: undefined,
          stall: false,
          emptyParts: false,
          chunked: false,
          contentType: undefined,
        });
        const again = await fetchIt(needs, { only: names });
        expect(outcomes(again)).to.deep.equal(names.map((name) => `${name} fetched`));
      });
    }

    it('a server gives no parts of files: the archive is fetched whole, checked and removed', async () => {
      server().file.ranges = false;
      await fetchIt(small('table3'), { only: val });
      expect(left()).to.deep.equal(valImages.map((name) => `coco/${name}`));
      const needs = small('table3');
      Object.assign(server().file, {
        named: only('train2017.zip', archiveOf(trainImages.slice(1))),
      });
      const [failed] = await fetchIt(needs, { only: ['train2017'] });
      expect(failed?.fault).to.contain('train2017.zip.wrong and not used');
    });

    it('an archive changes while it is fetched: it is said at once', async () => {
      const before = archives['val2017.zip'] ?? Buffer.alloc(0);
      let asked = 0;
      const named = (): Buffer => (++asked > 1 ? Buffer.concat([before, before]) : before);
      Object.assign(server().file, { named });
      const [failed] = await fetchIt(small('table3'), { only: val });
      expect(failed?.fault).to.match(/has changed while it was fetched .*found \d+ bytes, before/);
    });

    it('an archive has other numbers of images: what came is kept aside and not used', async () => {
      const needs = small('table3').map((need) =>
        need.kind === 'archive' && 'images' in need.keep
          ? { ...need, keep: { ...need.keep, count: 3 } }
          : need,
      );
      const [failed] = await fetchIt(needs, { only: val });
      expect(failed?.fault).to.match(/found 2 of 3 images of val2017\/\. .*val2017\.wrong/);
      expect(left()).to.deep.equal(
        valImages.map((name) => `coco/${name}`.replace('/0', '.wrong/0')),
      );
    });

    it('a part of the images is there already: it is filled up, unless two places have one', async () => {
      const put = (folderName: string): void => {
        const place = join(dataDir(), 'coco', folderName);
        mkdirSync(place, { recursive: true });
        const name = valImages[0] ?? '';
        writeFileSync(join(place, name.slice('val2017/'.length)), content(name, 3000));
      };
      put('val2017');
      put('val2017.unpacking');
      const [failed] = await fetchIt(small('table3'), { only: val });
      expect(failed).to.include({ outcome: 'failed', state: 'partly', detail: '1 of 2 images' });
      expect(failed?.fault).to.contain('two folders of the same images');
      rmSync(join(dataDir(), 'coco', 'val2017.unpacking'), { recursive: true });
      await fetchIt(small('table3'), { only: val });
      expect(left()).to.deep.equal(valImages.map((name) => `coco/${name}`));
    });

    it('the disk has no room: it is said before anything is asked for', async () => {
      const needs = small('table3').map((need) =>
        need.name === 'train2017' ? { ...need, bytes: 2 ** 52 } : need,
      );
      const { kind, what, found, fix } = await faultOf(() => fetchIt(needs));
      expect([kind, what]).to.deep.equal(['file', 'the disk has no room for what is missing']);
      expect(found).to.contain('4503599.');
      expect(fix).to.contain('--only');
      expect(server().requests).to.deep.equal([]);
    });

    it('a connection breaks off in the middle again and again: archives come all the same', async () => {
      server().file.breakAfter = 20_000;
      await fetchIt(small('table3'), { only: ['train2017'], retries: 3, connections: 2 });
      expect(left()).to.deep.equal(trainImages.map((name) => `coco/${name}`));
    });

    it('the user stops: what came is kept, and the next attempt asks for the rest alone', async () => {
      const needs = small('table3');
      const controller = new AbortController();
      server().file.slowPieces = 30_000;
      const stopped = await faultOf(() =>
        fetchIt(needs, {
          only: ['r50-fpn', 'r101-fpn'],
          signal: controller.signal,
          onProgress: () => controller.abort(),
        }),
      );
      expect(stopped.kind).to.equal('interrupted');
      server().file.slowPieces = undefined;
      server().requests.length = 0;
      const kept = left()
        .filter((name) => name.endsWith('.part'))
        .map((name) => statSync(join(dataDir(), name)).size)
        .filter((bytes) => bytes > 0);
      expect(Math.max(...kept)).to.be.at.least(30_000);
      await fetchIt(needs, { only: ['r50-fpn', 'r101-fpn'] });
      const ranges = server().requests.map(({ range }) => range);
      expect(ranges).to.include.members(kept.map((bytes) => `bytes=${String(bytes)}-`));
    });

    it('a file that lies there is another: it is not touched, and not taken for the published one', async () => {
      const path = join(dataDir(), 'detectors', 'r50-fpn.pth');
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, 'mine');
      const [found] = await fetchIt(small('table3'), { only: r50 });
      expect(found?.fault).to.match(/another than the published one .*r50-fpn\.pth/);
      expect(readFileSync(path, 'utf8')).to.equal('mine');
    });

    it('a given file is another: it is named, and not used', async () => {
      const path = join(folder(), 'model_final_280758.pkl');
      writeFileSync(path, wrong);
      const [found] = await fetchIt(small('table3'), { only: r50, from: [path] });
      expect(found?.fault).to.contain(`MD5 ${md5(wrong)}, expected `);
      expect(left()).to.deep.equal([]);
    });
  });
});

/** The archive with a bit of one of its files turned. */
function flipped(archive: Buffer = Buffer.alloc(0), name: string): Buffer {
  const copy = Buffer.from(archive);
  const at = copy.indexOf(content(name, 3000).subarray(0, 100)) + 50;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
