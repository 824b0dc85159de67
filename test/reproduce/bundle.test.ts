import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { create } from 'tar';
import { type ProgramResult, runProgram } from '../../lib/engine/program';
import { writeParts } from '../../reproduce/bundle/parts';
import { runHere } from '../support/command';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

const scripts = join(__dirname, '..', '..', 'reproduce', 'bundle');
const program = join(__dirname, '..', '..', 'reproduce', 'commands', 'bundle.ts');

describe('a bundle', () => {
  const folder = withFolder();
  const bundle = (): string => join(folder(), 'a bundle');
  const target = (): string => join(folder(), 'un packed');

  /** A small one of three parts: in the place of Node a script that says what it was started with. */
  async function small(): Promise<void> {
    const stage = join(folder(), 'stage');
    mkdirSync(join(stage, 'app'), { recursive: true });
    writeFileSync(join(stage, 'app', 'numbers'), createHash('sha256').update('a').digest());
    writeFileSync(
      join(stage, 'node'),
      '#!/bin/sh\necho "$@"\necho "$NORM_DIRECTION_LAB_CACHE,$NORM_DIRECTION_LAB_DATA,$NORM_DIRECTION_LAB_CALL"\necho "device $NORM_DIRECTION_LAB_DEVICE"\n',
    );
    cpSync(join(scripts, 'lab.sh'), join(stage, 'lab'));
    for (const name of ['lab', 'node']) chmodSync(join(stage, name), 0o755);
    mkdirSync(bundle());
    cpSync(join(scripts, 'unpack.sh'), join(bundle(), 'unpack.sh'));
    const archive = join(folder(), 'whole.tar.gz');
    await create({ cwd: stage, gzip: true, portable: true, file: archive }, ['app', 'lab', 'node']);
    const bytes = readFileSync(archive);
    const third = Math.ceil(bytes.length / 3);
    const sums = [1, 2, 3].map((number) => {
      const part = bytes.subarray((number - 1) * third, number * third);
      writeFileSync(join(bundle(), `part.00${number}`), part);
      return `${createHash('sha256').update(part).digest('hex')}  part.00${number}\n`;
    });
    writeFileSync(join(bundle(), 'SHA256SUMS'), sums.join(''));
    writeFileSync(join(bundle(), 'KILOBYTES'), '4\n');
  }

  /** With the tools of a bare machine and nothing of this one's. */
  const unpack = (...args: string[]): Promise<ProgramResult> =>
    runProgram('/bin/sh', [join(bundle(), 'unpack.sh'), ...args], {
      env: { PATH: '/usr/bin:/bin', HOME: folder() },
      cwd: folder(),
    });

  it('is unpacked by sh alone, and starts what lies in it from wherever it was put', async () => {
    await small();
    const { status, stderr } = await unpack('un packed');
    expect(status, stderr).to.equal(0);
    expect(readdirSync(target()).sort()).to.deep.equal(['app', 'lab', 'node']);
    expect(readdirSync(folder())).to.not.include('un packed.unpacking');
    expect(stderr).to.match(/unpacking part 3 of 3 \.\.\.\nready: 'un packed\/lab' doctor/);
    const lab = join(target(), 'lab');
    const { stdout } = await runProgram(lab, ['table1', '--list'], {
      env: { PATH: '/usr/bin:/bin' },
    });
    expect(stdout.split('\n')).to.deep.equal([
      `${target()}/app/dist/reproduce/main.js table1 --list`,
      `${target()}/cache,${target()}/data,${lab}`,
      'device ',
      '',
    ]);
    // An engine for a GPU comes alone: without a GPU that is said, and no other is built.
    mkdirSync(join(target(), 'cache', 'engine', 'binding-4.22.0-gpu-x64-0'), { recursive: true });
    for (const [asked, device] of [
      [{}, 'gpu'],
      [{ NORM_DIRECTION_LAB_DEVICE: 'cpu' }, 'cpu'],
    ] as const) {
      const { stdout: said } = await runProgram(lab, [], {
        env: { PATH: '/usr/bin:/bin', ...asked },
      });
      expect(said).to.match(new RegExp(`\ndevice ${device}\n$`));
    }
  });

  it('is unpacked where the folder is named with a slash at its end', async () => {
    await small();
    const { status, stderr } = await unpack('un packed//');
    expect(stderr).to.match(/ready: 'un packed\/lab' doctor/);
    expect([status, readdirSync(target()).sort()]).to.deep.equal([0, ['app', 'lab', 'node']]);
  });

  it('is started through links to it', async () => {
    await small();
    await unpack('un packed');
    mkdirSync(join(folder(), 'bin'));
    symlinkSync('../un packed/lab', join(folder(), 'bin', 'first'));
    symlinkSync(join(folder(), 'bin', 'first'), join(folder(), 'bin', 'lab'));
    const env = { PATH: '/usr/bin:/bin' };
    const { stdout } = await runProgram(join(folder(), 'bin', 'lab'), ['doctor'], { env });
    expect(stdout).to.match(/^\S.*\/un packed\/app\/dist\/reproduce\/main\.js doctor\n/);
    // Alone it says what it lacks.
    cpSync(join(target(), 'lab'), join(folder(), 'bin', 'alone'));
    const { status, stderr } = await runProgram(join(folder(), 'bin', 'alone'), [], { env });
    expect(stderr).to.match(
      /^error: what lab needs does not lie beside it \(.*\/bin\): found no node/,
    );
    expect(status).to.equal(1);
  });

  for (const [title, place, words] of [
    ['a full disk', '/dev/full', /^the disk is full \(.*a bundle\): found \d.* free once what was/],
    [
      'a file that cannot be made',
      '/dev/null/x',
      /^a file cannot be written \(.*\.gz\.001\): found E[A-Z]+\. Check/,
    ],
  ] as const) {
    it(`is told that it cannot be written, and leaves nothing: ${title}`, async () => {
      mkdirSync(bundle());
      symlinkSync(place, join(bundle(), 'some.tar.gz.001.unfinished'));
      writeFileSync(join(folder(), 'mine'), 'm'.repeat(1000));
      const packing = { root: folder(), paths: ['mine'], folder: bundle(), name: 'some' };
      const { kind, message } = await faultOf(() =>
        writeParts({ ...packing, partSize: 60e6, level: 0 }),
      );
      expect(message).to.match(words);
      expect([kind, readdirSync(bundle())]).to.deep.equal(['file', []]);
    });
  }

  it('says how far it is within a large file', async () => {
    mkdirSync(join(folder(), 'stage'));
    const bytes = 50_000_000;
    writeFileSync(join(folder(), 'stage', 'large'), Buffer.alloc(bytes));
    const heard: number[] = [];
    await writeParts({
      ...{ root: join(folder(), 'stage'), paths: ['large'], folder: bundle(), name: 'large' },
      ...{ partSize: 60e6, level: 1, onBytes: (done) => heard.push(done) },
    });
    expect(heard.filter((done) => done > 0.1 * bytes && done < 0.9 * bytes)).to.not.be.empty;
  });

  const faults: [string, () => void, RegExp][] = [
    [
      'a part was changed on the way',
      () => writeFileSync(join(bundle(), 'part.002'), 'changed'),
      /a part is damaged \(.*part\.002\): found SHA-256 [0-9a-f]{64}\. Bring it over again/,
    ],
    [
      'a part did not come along',
      () => rmSync(join(bundle(), 'part.003')),
      /a part is missing \(.*part\.003\)/,
    ],
    [
      'the last part was changed, and the sums lost their last end of a line',
      () => {
        const sums = join(bundle(), 'SHA256SUMS');
        writeFileSync(sums, readFileSync(sums, 'utf8').trimEnd());
        writeFileSync(join(bundle(), 'part.003'), 'changed');
      },
      /checking part 3 of 3 .*a part is damaged \(.*part\.003\)/s,
    ],
    [
      'gzip finds a fault that its sums have too',
      () => {
        // The last bytes are gzip’s own sum and length: all files are whole by then.
        const part = join(bundle(), 'part.003');
        const bytes = readFileSync(part);
        writeFileSync(part, bytes.fill(0, bytes.length - 8));
        const sums = join(bundle(), 'SHA256SUMS');
        const sum = createHash('sha256').update(bytes).digest('hex');
        writeFileSync(
          sums,
          readFileSync(sums, 'utf8').replace(/[0-9a-f]+( {2}part\.003)/, `${sum}$1`),
        );
      },
      /the archive cannot be unpacked \(un packed\)/,
    ],
    [
      'there is something already',
      () => mkdirSync(target()),
      /is there already \(un packed\)\. Name another/,
    ],
    [
      'the disk has no room',
      () => writeFileSync(join(bundle(), 'KILOBYTES'), '99999999999\n'),
      /has no room .*found \d+ MB free of \d+ MB needed/,
    ],
  ];
  for (const [title, spoil, words] of faults) {
    it(`is refused, and nothing unpacked, where ${title}`, async () => {
      await small();
      spoil();
      const before = existsSync(target()) ? readdirSync(target()) : undefined;
      const { status, stderr } = await unpack('un packed');
      expect(status).to.equal(1);
      expect(stderr).to.match(words);
      expect(existsSync(target()) ? readdirSync(target()) : undefined).to.deep.equal(before);
    });
  }

  it('takes the published teachers by their name and by that of their folder', async () => {
    const place = join(folder(), 'data', 'cifar_teachers', 'vgg13_vanilla');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'ckpt_epoch_240.pth'), '');
    for (const name of ['cifar-teachers', 'cifar_teachers']) {
      // The next name is not there, and is the one that is told.
      const data = ['--data', `${name},nothing`, '--data-dir', join(folder(), 'data')];
      const { stderr } = await runHere(program, [...data, '--output', bundle()]);
      expect(stderr).to.include('data are not there (--data nothing)');
    }
  });

  it('takes data that this project defines by their name', async () => {
    const place = join(folder(), 'data', 'cifar-100-binary');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'train.bin'), '');
    const data = ['--data', 'cifar100-first20,nothing', '--data-dir', join(folder(), 'data')];
    const { stderr } = await runHere(program, [...data, '--output', bundle()]);
    expect(stderr).to.include('data are not there (--data nothing)');
  });

  const mistakes: [string, string, RegExp][] = [
    ['another device', '--device tpu', /unknown device 'tpu' \(--device\)/],
    ['CUDA for a processor', '--cuda host', /--cuda host\): found --device cpu\. Add --device gpu/],
    [
      'CUDA of elsewhere',
      '--device gpu --cuda none',
      /unknown choice 'none' \(--cuda\).*carry, host/,
    ],
    ['a compression that there is not', '--compression 10', /--compression\): found '10'/],
    ['data beside runs', '--collect --data cifar100', /--collect.*cannot be used with.*--data/],
    ['runs without --collect', '--runs table1-*', /\(--runs\): found no --collect/],
    ['results without --collect', '--results FOLDER', /\(--results\): found no --collect/],
    ['parts of no size', '--part-size 10', /at least 1M is needed \(--part-size\)/],
    ['data that are not there', '--data imagenet', /data are not there \(--data imagenet\)/],
    ['a folder with something in it', '--output FOLDER', /must be empty \(--output/],
  ];
  for (const [title, words, expected] of mistakes) {
    it(`is not begun with ${title}`, async () => {
      writeFileSync(join(folder(), 'mine'), '');
      const args = words.replace('FOLDER', folder()).split(' ');
      const output = args.includes('--output') ? [] : ['--output', join(folder(), 'bundle')];
      const { status, stderr } = await runHere(program, [
        ...args,
        ...output,
        ...['--data-dir', folder()],
      ]);
      expect(stderr).to.match(expected);
      expect(status).to.equal(1);
      expect(readdirSync(folder())).to.deep.equal(['mine']);
    });
  }
});
