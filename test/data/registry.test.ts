import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { dataDirectory } from '../../lib/data/paths';
import {
  checkDataset,
  datasetName,
  dataSources,
  listDatasets,
  loadDataset,
} from '../../lib/data/registry';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

describe('data sets by name', () => {
  const folder = withFolder();

  it('load without any option', async () => {
    const { name, train } = await loadDataset('fashion-mnist', { subset: { train: 3, test: 1 } });
    expect(name).to.equal('fashion-mnist[train=3/class,test=1/class]');
    expect(train.count).to.equal(30);
  });

  it('are refused when unknown, with the nearest name', async () => {
    const { kind, what, fix: remedy } = await faultOf(() => datasetName('cifar-100'));
    expect([kind, what]).to.deep.equal(['option', "unknown data set 'cifar-100'"]);
    expect(remedy).to.contain("Did you mean 'cifar100'?").and.to.contain('folder:PATH');
  });

  it('are not downloaded unasked: the error names the command', async () => {
    const {
      what,
      where,
      fix: remedy,
    } = await faultOf(() => loadDataset('cifar100', { dataDir: folder() }));
    expect(what).to.contain('not there');
    expect(where).to.equal(folder());
    expect(remedy).to.contain('npm run data -- download cifar100');
  });

  it('refuse an impossible part or size', async () => {
    for (const train of [0, -1, 1.5]) {
      const load = (): unknown => loadDataset('fashion-mnist', { subset: { train } });
      expect((await faultOf(load)).kind).to.equal('option');
    }
    const many = (): unknown => loadDataset('fashion-mnist', { subset: { train: 1001 } });
    expect((await faultOf(many)).fix).to.contain('at most 1000');
    const large = (): unknown => loadDataset('fashion-mnist', { imageSize: 64 });
    expect((await faultOf(large)).what).to.contain('32×32 only');
  });

  it('are listed with their state', async () => {
    mkdirSync(join(folder(), 'cifar-100-binary'));
    const statuses = await listDatasets({ dataDir: folder() });
    expect(statuses.map(({ name }) => name)).to.deep.equal(dataSources.map(({ name }) => name));
    const states = Object.fromEntries(statuses.map(({ name, state }) => [name, state]));
    // A command that ran in this process before may have made others known.
    expect(states).to.include({
      'fashion-mnist': 'embedded',
      cifar10: 'missing',
      cifar100: 'missing',
      'cifar-teachers': 'missing',
    });
    for (const { name, state, fix } of statuses) {
      expect(fix !== undefined, name).to.equal(state !== 'embedded');
    }
  });

  it('are checked completely', async () => {
    const { official, images } = await checkDataset('fashion-mnist');
    expect(official).to.equal(true);
    expect(images).to.include({ train: 10_000, test: 2000, classes: 10, height: 32, width: 32 });
    expect(images?.perClass).to.deep.equal([1000, 1000]);
    expect(images?.hash).to.equal((await loadDataset('fashion-mnist')).hash);
  });
});

describe('dataDirectory', () => {
  it('is what was given, else the variable, else a place for this user', () => {
    const environment = { NORM_DIRECTION_LAB_DATA: '/from/variable' };
    expect(dataDirectory('/given', environment)).to.equal('/given');
    expect(dataDirectory(undefined, environment)).to.equal('/from/variable');
    expect(dataDirectory('relative', {})).to.equal(join(process.cwd(), 'relative'));
    // `--data-dir=~/data` and a variable in a file reach us as they are written.
    expect(dataDirectory('~/data', {})).to.equal(join(homedir(), 'data'));
    expect(dataDirectory(undefined, {})).to.contain('norm-direction-lab');
    expect(dataDirectory(undefined, { NORM_DIRECTION_LAB_DATA: '' })).to.equal(
      dataDirectory(undefined, {}),
    );
  });
});
