import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { sha256 } from '../../lib/files';
import { encodePth } from '../../lib/formats/pth-writer';
import { writeSafetensors } from '../../lib/formats/safetensors';
import { createModel } from '../../lib/models/registry';
import { runTypeScript } from '../support/child';
import { runHere } from '../support/command';
import { withEngine } from '../support/engine';
import { withFileServer } from '../support/file-server';
import { withFolder } from '../support/folder';
import { tarFile } from '../support/tar-file';

const script = join(__dirname, '../../reproduce/commands/data.ts');

describe('npm run data', () => {
  withEngine('native');
  const folder = withFolder();
  const server = withFileServer();

  const run = (...args: string[]): ReturnType<typeof runHere> => runHere(script, args);

  it('lists what is there, as a table and as JSON', async () => {
    const [table, json] = await Promise.all([
      runTypeScript(script, ['--data-dir', folder()]),
      run('list', '--json', '--data-dir', folder()),
    ]);
    expect(table.status, table.stderr).to.equal(0);
    expect(table.stdout).to.match(/fashion-mnist.*embedded/);
    expect(table.stdout).to.match(/cifar100.*missing/);
    expect(table.stdout).to.contain('npm run data -- download cifar100');
    const statuses: unknown = JSON.parse(json.stdout);
    expect(statuses).to.have.length(7);
    expect(statuses).to.have.nested.property('[2].name', 'cifar100');
    expect(statuses).to.have.nested.property('[2].state', 'missing');
    expect(statuses).to.have.nested.property('[5].name', 'table3');
    expect(statuses)
      .to.have.nested.property('[5].detail')
      .that.matches(/^0 of 10 parts; missing: r101-fpn, .*annotations: 21\.0 GB$/);
    expect(statuses).to.have.nested.property('[6].name', 'cifar100-first20');
    expect(statuses).to.have.nested.property('[6].state', 'missing');
  });

  it('checks a data set and prints its hash', async () => {
    const [text, json] = await Promise.all([
      run('check', 'fashion-mnist'),
      run('check', 'fashion-mnist', '--json'),
    ]);
    expect(text.status, text.stderr).to.equal(0);
    expect(text.stdout).to.contain('10000 train (1000 a class), 2000 test, 32×32');
    const report: unknown = JSON.parse(json.stdout);
    expect(report).to.have.property('official', true);
    expect(report)
      .to.have.nested.property('images.hash')
      .that.matches(/^[0-9a-f]{64}$/);
    expect(text.stdout).to.contain(
      report !== null && typeof report === 'object' && 'images' in report
        ? JSON.stringify(report.images).slice(-66, -2)
        : 'a report',
    );
  });

  it('says in one line what is wrong, with exit status 1', async () => {
    const [command, name, form, missing, nothing, option, archive, part] = await Promise.all([
      run('lst'),
      run('check', 'cifra100'),
      run('download', 'cifar10', '--form', 'matlab', '--data-dir', folder()),
      run('check', 'cifar100', '--data-dir', folder()),
      run('download', 'fashion-mnist'),
      run('check', 'fashion-mnist', '--verbose'),
      run('cifar-teachers', '--from', join(folder(), 'absent.tar'), '--data-dir', folder()),
      // What is left of `npm run data table2 --only resnet34`: npm keeps the option.
      run('table2', 'resnet34', '--list'),
    ]);
    expect(command.stderr).to.contain("Did you mean 'list'?");
    expect(name.stderr).to.contain("unknown data set 'cifra100'. Did you mean 'cifar100'?");
    expect(form.stderr).to.contain("unknown form 'matlab'").and.to.contain('binary, python');
    expect(missing.stderr).to.contain('npm run data -- download cifar100');
    expect(nothing.stderr).to.contain("nothing to download for 'fashion-mnist'");
    expect(option.stderr).to.contain("unknown option '--verbose'");
    expect(archive.stderr).to.contain('no such archive (--from)').and.to.contain('absent.tar');
    expect(part.stderr).to.contain('too many arguments').and.to.contain('table2');
    const all = [command, name, form, missing, nothing, option, archive, part];
    for (const { status, stdout, stderr } of all) {
      expect(status).to.equal(1);
      expect(stdout).to.equal('');
      expect(stderr.trim().split('\n')).to.have.length(1);
    }
  });

  it('says what fetches that it does not download, and what it does', async () => {
    for (const [name, table] of [
      ['table2', 'table2'],
      ['table3', 'table3'],
      ['imagenet', 'table2 --from ILSVRC2012_img_train.tar,ILSVRC2012_img_val.tar'],
      ['coco', 'table3'],
    ] as const) {
      const { status, stderr } = await run('download', name);
      expect(stderr).to.contain(`(data download): found '${name}'. Run npm run data -- ${table}`);
      expect(status).to.equal(1);
    }
    const { stderr } = await run('download', 'cifar1000');
    expect(stderr).to.match(/Known: cifar10, cifar100, cifar-teachers\n$/);
  });

  it('downloads from another server, and keeps what has a wrong checksum aside', async () => {
    server().file.bytes = Buffer.from('not the archive');
    const from = new URL('.', server().url).href;
    const dataDir = join(folder(), 'new');
    const args = ['download', 'cifar100', '--form', 'python', '--from', from];
    const { status, stderr } = await run(...args, '--data-dir', dataDir);
    expect(status).to.equal(1);
    expect(server().requests.map(({ url }) => url)).to.deep.equal(['/cifar-100-python.tar.gz']);
    expect(stderr).to.contain('wrong checksum').and.to.contain('eb9058c3a382ffc7106e4002c42a8d85');
    expect(existsSync(join(dataDir, 'cifar-100-python.tar.gz'))).to.equal(false);
    expect(readFileSync(join(dataDir, 'cifar-100-python.tar.gz.wrong'), 'utf8')).to.equal(
      'not the archive',
    );
  });

  it('lists what a table needs, fetches it, and says what it could not have', async () => {
    const dataDir = join(folder(), 'new');
    const args = ['table2', '--data-dir', dataDir];
    const listed = await run(...args, '--list');
    expect(listed.status, listed.stderr).to.equal(0);
    expect(listed.stdout).to.match(/resnet34 .* 87,319,819 .* missing/);
    expect(listed.stdout).to.contain('table2: 156.1 GB of 156.1 GB are missing');

    const from = join(folder(), 'vit_small_patch16_224-augreg_in21k_ft_in1k.safetensors');
    writeSafetensors(from, new Map([['cls_token', { shape: [2], data: Float32Array.of(1, 2) }]]));
    server().file.named = () => undefined;
    const mirror = new URL('.', server().url).href;
    const parts = ['--only', 'vit_small_patch16_224,resnet34,imagenet,class-means-resnet34'];
    const { status, stdout, stderr } = await run(
      ...[...args, ...parts, '--mirror', mirror, '--from', from, '--json'],
    );
    expect(status).to.equal(1);
    const report: unknown = JSON.parse(stdout);
    expect(report).to.have.nested.include({
      table: 'table2',
      'needs[0].outcome': 'failed',
      'needs[1].outcome': 'fetched',
      'needs[1].sha256': sha256(readFileSync(from)),
      'needs[2].outcome': 'on request',
    });
    expect(server().requests.map(({ url }) => url)).to.have.members([
      '/resnet34-b627a593.pth',
      '/resnet34.json',
    ]);
    // The table can be made without it.
    expect(stderr).to.contain('WARNING: class-means-resnet34: a server does not give the file');
    expect(stderr).to.contain('error: resnet34: a server does not give the file');
    expect(stderr).to.contain('Ask for it at https://image-net.org/download.php');
    expect(stderr).to.contain('--from ILSVRC2012_img_train.tar,ILSVRC2012_img_val.tar');
  });

  it('unpacks published teachers, loads them and says what it could not do', async () => {
    const model = createModel('resnet56', { classes: 100, seed: 1 });
    const content = encodePth(model.stateDict());
    model.dispose();
    const name = 'cifar_teachers/resnet56_vanilla/ckpt_epoch_240.pth';
    const from = join(folder(), 'given.tar');
    writeFileSync(from, tarFile([{ name, content }]));
    const args = ['cifar-teachers', '--json', '--data-dir', folder(), '--from', from];
    const { status, stdout, stderr } = await run(...args);
    expect(status, stderr).to.equal(0);
    const report: unknown = JSON.parse(stdout);
    expect(report).to.have.nested.include({
      archive: sha256(readFileSync(from)),
      'teachers[0].name': 'resnet56',
      'teachers[0].file': join(folder(), name),
      'teachers[0].top1': null,
      'teachers[0].paper': 72.34,
      'missing[0]': 'resnet110',
    });
    expect(stderr).to.contain(
      'Not in the archive: resnet110, resnet32x4, wrn_40_2, vgg13, ResNet50',
    );
    expect(stderr).to.contain('Not measured: CIFAR-100 is not there');
  });

  it('names the file of a broken image folder', async () => {
    for (const name of ['train/a', 'train/b', 'val/a', 'val/b']) {
      mkdirSync(join(folder(), name), { recursive: true });
      writeFileSync(join(folder(), name, 'x.png'), 'no image');
    }
    const { status, stderr } = await run('check', `folder:${folder()}`);
    expect(status).to.equal(1);
    expect(stderr).to.contain('x.png');
  });
});
