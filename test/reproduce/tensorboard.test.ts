import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readRuns, studyNames } from '../../lib/runs/store';
import { table1Study } from '../../reproduce/table1';
import { writeMadeUpRun } from '../support/made-up-runs';
import { runTypeScript } from '../support/child';
import { runGridHere, runHere } from '../support/command';
import { withEngine } from '../support/engine';
import { readEventFile } from '../support/event-file';
import { withFolder } from '../support/folder';
import { writeImageFolder } from '../support/image-folder';

const reproduce = join(__dirname, '..', '..', 'reproduce');
const folder = withFolder();

/** The steps in the one event file of a run. */
function stepsIn(run: string): number[] {
  const place = join(run, 'tensorboard');
  const [file, ...others] = readdirSync(place);
  expect(others).to.deep.equal([]);
  return readEventFile(readFileSync(join(place, file ?? ''))).map(({ step }) => step);
}

describe('npm run tensorboard', () => {
  const command = join(reproduce, 'commands', 'tensorboard.ts');

  it('writes the event files of all runs that have an epoch', async () => {
    const runs = [
      writeMadeUpRun(folder(), { top1: [50, 60] }),
      writeMadeUpRun(folder(), { config: { study: 'another', method: 'kd++' }, top1: [50] }),
    ];
    writeMadeUpRun(folder(), { config: { seed: 2 }, top1: [] });
    const { status, stdout, stderr } = await runTypeScript(command, ['--results', folder()]);
    expect(status, stderr).to.equal(0);
    expect(stdout)
      .to.include('2 runs')
      .and.include(`tensorboard --logdir ${join(folder(), 'runs')}`);
    expect(runs.map(stepsIn)).to.deep.equal([
      [0, 1, 2],
      [0, 1],
    ]);
  });

  it('says so where there is no run', async () => {
    const { status, stderr } = await runHere(command, ['--results', folder()]);
    expect(status).to.equal(1);
    expect(stderr).to.include('no run').and.include('--results');
  });
});

describe('npm run reproduce:table1 -- --tensorboard', () => {
  withEngine('native');

  it('writes every epoch of every run, of finished ones too', async () => {
    const images = join(folder(), 'images');
    await writeImageFolder(images);
    const results = join(folder(), 'results');
    const options = [
      ...['--data', `folder:${images}`, '--pairs', 'resnet8:resnet8', '--methods', 'student'],
      ...['--epochs', '2', '--teacher-epochs', '1', '--batch', '8', '--results', results],
    ];
    for (const more of [['--tensorboard'], ['--tensorboard', '--seeds', '1,2']]) {
      const { status, stderr } = await runGridHere(table1Study, [...options, ...more]);
      expect(status, stderr).to.equal(0);
    }
    const [study = ''] = studyNames(results, 'table1-');
    const steps = readRuns(results, study).map(({ config, directory }) => [
      `${config.pair} ${config.seed}`,
      stepsIn(directory).join(),
    ]);
    expect(Object.fromEntries(steps)).to.deep.equal({
      'resnet8 0': '0,1',
      'resnet8:resnet8 1': '0,1,2',
      'resnet8:resnet8 2': '0,1,2',
    });
  });
});
