import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  fetchTeachers,
  type FetchTeachersOptions,
  publishedTeacher,
  reportedDigests,
  teachersSource,
} from '../../lib/data/teachers';
import { sha256 } from '../../lib/files';
import { readWeights } from '../../lib/formats/weights';
import { faultOf } from '../support/faults';
import { withFileServer } from '../support/file-server';
import { withFolder } from '../support/folder';
import { type TarEntry, tarFile } from '../support/tar-file';

/** Some 300 KB that stand for a teacher's weights; fetching does not look into them. */
function weights(name: string): Buffer {
  return Buffer.concat(
    Array.from({ length: 10_000 }, (_, i) => createHash('sha256').update(`${name} ${i}`).digest()),
  );
}

function entry(name: string): TarEntry {
  return { name: `cifar_teachers/${name}_vanilla/ckpt_epoch_240.pth`, content: weights(name) };
}

const two = tarFile([
  { name: 'cifar_teachers/README', content: Buffer.from('not asked for') },
  entry('resnet56'),
  entry('wrn_40_2'),
]);

describe('the published teachers', () => {
  const folder = withFolder();
  const server = withFileServer();

  const dataDir = (): string => join(folder(), 'data');
  const given = (bytes: Uint8Array, name = 'given.tar'): string => {
    const path = join(folder(), name);
    writeFileSync(path, bytes);
    return path;
  };
  const fetchIt = (more: Partial<FetchTeachersOptions> = {}): ReturnType<typeof fetchTeachers> =>
    fetchTeachers({ dataDir: dataDir(), retries: 0, retryDelay: 1, ...more });
  const left = (): string[] =>
    existsSync(dataDir())
      ? readdirSync(dataDir(), { recursive: true, withFileTypes: true })
          .filter((item) => item.isFile())
          .map((item) => item.name)
          .sort()
      : [];

  it('come out of an archive that is given, with their checksums noted', async () => {
    const archive = given(two);
    const fetched = await fetchIt({ from: archive });
    expect(fetched.archive).to.equal(sha256(two));
    expect(fetched.teachers.map(({ name }) => name)).to.deep.equal(['resnet56', 'wrn_40_2']);
    expect(fetched.missing).to.deep.equal(['resnet110', 'resnet32x4', 'vgg13', 'ResNet50']);
    const file = publishedTeacher('resnet56', dataDir()) ?? '';
    expect(readFileSync(file).equals(weights('resnet56'))).to.equal(true);
    expect(readFileSync(`${file}.sha256`, 'utf8')).to.equal(
      `${sha256(weights('resnet56'))}  ckpt_epoch_240.pth\n`,
    );
    expect(existsSync(archive)).to.equal(true);
    for (const other of ['vgg13', 'resnet20', '../resnet56', 'constructor']) {
      expect(publishedTeacher(other, dataDir()), other).to.equal(undefined);
    }
    // Once unpacked, they are found without the archive or a server.
    expect(await fetchIt()).to.deep.equal({ ...fetched, archive: null });
    const { state, detail } = await teachersSource.status(dataDir());
    expect([state, detail]).to.deep.equal([
      'present',
      'resnet56, wrn_40_2 in cifar_teachers; missing: resnet110, resnet32x4, vgg13, ResNet50',
    ]);
  });

  it('are downloaded, going on where the connection broke off; the archive is not kept', async () => {
    const from = new URL('.', server().url).href;
    Object.assign(server().file, { bytes: two, etag: '"one"', breakAfter: two.length / 2 });
    expect((await faultOf(() => fetchIt({ from }))).what).to.equal('a download broke off');
    expect(left()).to.deep.equal(['cifar_teachers.tar.part', 'cifar_teachers.tar.part.json']);

    server().file.breakAfter = undefined;
    const { archive, teachers } = await fetchIt({ from });
    expect(archive).to.equal(sha256(two));
    expect(teachers).to.have.length(2);
    const [first, second] = server().requests;
    expect(first?.url).to.equal('/cifar_teachers.tar');
    expect(second?.range).to.match(/^bytes=[1-9]\d*-$/);
    expect(left()).to.deep.equal([
      'cifar_teachers.tar.sha256',
      ...['ckpt_epoch_240.pth', 'ckpt_epoch_240.pth'],
      ...['ckpt_epoch_240.pth.sha256', 'ckpt_epoch_240.pth.sha256'],
    ]);
  });

  it('begin anew where neither a checksum nor the server tells whether the pieces fit', async () => {
    const from = new URL('.', server().url).href;
    Object.assign(server().file, { bytes: Buffer.alloc(two.length), breakAfter: two.length / 2 });
    await faultOf(() => fetchIt({ from }));
    Object.assign(server().file, { bytes: two, breakAfter: undefined });
    expect((await fetchIt({ from })).archive).to.equal(sha256(two));
    expect(server().requests.map(({ range }) => range)).to.deep.equal([undefined, undefined]);
  });

  it('are refused with another checksum than was asked for', async () => {
    const wrong = '0'.repeat(64);
    const archive = given(two);
    const { what, found } = await faultOf(() => fetchIt({ from: archive, sha256: wrong }));
    expect(what).to.equal('the archive of teachers has another checksum than expected');
    expect(found).to.equal(`SHA-256 ${sha256(two)}, expected ${wrong}`);
    server().file.bytes = two;
    const from = new URL('.', server().url).href;
    const download = await faultOf(() => fetchIt({ from, sha256: wrong }));
    expect(download.what).to.equal('a download has the wrong checksum');
    expect(left()).to.deep.equal(['cifar_teachers.tar.wrong']);
    const none = await faultOf(() => fetchIt({ from: archive, sha256: 'abc' }));
    expect(none.where).to.equal('--sha256');
  });

  it('are refused from another archive than the first, unless that is said to be right', async () => {
    await fetchIt({ from: given(two) });
    const other = tarFile([entry('resnet56'), entry('vgg13')]);
    const from = given(other, 'other.tar');
    const { fix } = await faultOf(() => fetchIt({ from }));
    expect(fix).to.contain(`--sha256 ${sha256(other)}`);
    expect(publishedTeacher('vgg13', dataDir())).to.equal(undefined);
    const { teachers } = await fetchIt({ from, sha256: sha256(other).toUpperCase() });
    expect(teachers.map(({ name }) => name)).to.deep.equal(['resnet56', 'wrn_40_2', 'vgg13']);
    expect((await fetchIt({ from })).archive).to.equal(sha256(other));
  });

  it('leave nothing when the archive is cut off, and a broken download is not kept', async () => {
    const cut = two.subarray(0, two.length - 200_000);
    const { what } = await faultOf(() => fetchIt({ from: given(cut) }));
    expect(what).to.equal('an archive cannot be read');
    expect(left()).to.deep.equal([]);
    server().file.bytes = Buffer.from(cut);
    const from = new URL('.', server().url).href;
    expect((await faultOf(() => fetchIt({ from }))).what).to.equal('an archive cannot be read');
    expect(left()).to.deep.equal([]);
  });

  it('are never written outside their folder', async () => {
    const path = 'resnet56_vanilla/ckpt_epoch_240.pth';
    const unsafe: [string, TarEntry][] = [
      ['leaves its folder', { name: `../../${path}`, content: weights('resnet56') }],
      ['leaves its folder', { name: `/tmp/${path}`, content: weights('resnet56') }],
      ['leaves its folder', { name: '../other', content: weights('other') }],
      ['SymbolicLink', { name: `cifar_teachers/${path}`, linkTo: '/etc/passwd' }],
      ['a file twice', entry('wrn_40_2')],
    ];
    for (const [words, item] of unsafe) {
      const from = given(tarFile([entry('wrn_40_2'), item]));
      const { what, found } = await faultOf(() => fetchIt({ from }));
      expect([what, found?.includes(words)], words).to.deep.equal([
        'an archive cannot be read',
        true,
      ]);
      expect(left(), words).to.deep.equal([]);
      expect(readdirSync(folder()).sort()).to.have.members(
        existsSync(dataDir()) ? ['data', 'given.tar'] : ['given.tar'],
      );
    }
  });

  it('are not in just any archive, and an archive must be there', async () => {
    const empty = given(tarFile([{ name: 'README', content: Buffer.from('hello') }]));
    const { what } = await faultOf(() => fetchIt({ from: empty }));
    expect(what).to.equal('an archive holds none of the published teachers');
    const absent = await faultOf(() => fetchIt({ from: join(folder(), 'absent.tar') }));
    expect([absent.what, absent.where]).to.deep.equal(['no such archive', '--from']);
    const { fix } = await faultOf(() => teachersSource.verify(dataDir()));
    expect(fix).to.contain('npm run data -- cifar-teachers');
  });

  it('that were damaged after they were unpacked are refused wherever they are read', async () => {
    await fetchIt({ from: given(two) });
    expect((await teachersSource.verify(dataDir())).detail).to.contain(
      '2 of them are as they were',
    );
    const file = publishedTeacher('wrn_40_2', dataDir()) ?? '';
    const bytes = readFileSync(file);
    bytes[200_000] = (bytes[200_000] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    for (const read of [
      () => readWeights(file),
      () => fetchIt(),
      () => teachersSource.verify(dataDir()),
    ]) {
      const { what, where } = await faultOf(read);
      expect(what).to.equal('a file is not the one whose checksum is noted beside it');
      expect(where).to.equal(file);
    }
  });

  it('are compared with what others report of them, where somebody does', async () => {
    const { teachers } = await fetchIt({
      from: given(tarFile([entry('resnet32x4'), entry('vgg13')])),
    });
    expect(reportedDigests.resnet32x4).to.match(/^[0-9a-f]{64}$/);
    expect(teachers.map(({ asReported }) => asReported)).to.deep.equal([false, null]);
  });

  it('that somebody put there without a note are taken as they are', async () => {
    const place = join(dataDir(), 'cifar_teachers', 'vgg13_vanilla');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'ckpt_epoch_240.pth'), weights('vgg13'));
    expect(publishedTeacher('vgg13', dataDir())).to.equal(join(place, 'ckpt_epoch_240.pth'));
    const { detail } = await teachersSource.verify(dataDir());
    expect(detail).to.contain('0 of them are as they were unpacked');
  });
});
