import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Evidence } from '../../../lib/report/document';
import { buildGlance } from '../../../lib/report/claims/glance';
import { readStudy } from '../../../lib/report/study/read';
import { writeDocument } from '../../../lib/report/write';
import { runDirectory } from '../../../lib/runs/paths';
import type { Scale } from '../../../lib/runs/schema';
import { studyNames, writeConfig, writeProvenance } from '../../../lib/runs/store';
import type { EpochMetrics } from '../../../lib/train/metrics';
import { studyMethods } from '../../../reproduce/recipes/studies';
import { faultOf } from '../../support/faults';
import { withFolder } from '../../support/folder';
import { noRuns } from '../../support/table1-report';
import {
  appendMetrics,
  madeUpConfig,
  madeUpMetrics,
  madeUpProvenance,
} from '../../support/made-up-runs';

const study = 'table1-quick-fashion-mnist';

describe('the documents of the studies', function () {
  this.timeout(60_000);
  const folder = withFolder();

  function write(
    method: string,
    seed: number,
    last: Partial<EpochMetrics> & Pick<EpochMetrics, 'testTop1'>,
    {
      pair = 'resnet20:resnet8',
      parameters = 278_324,
      scale = 'quick',
    }: { pair?: string; parameters?: number; scale?: Scale } = {},
  ): void {
    const [teacher = '', student] = pair.split(':');
    const recipe = { training: { method: { name: method } } };
    const config = madeUpConfig({
      study: `table1-${scale}-fashion-mnist`,
      scale,
      pair,
      method,
      seed,
      recipe,
      teacher: student === undefined ? null : teacher,
      student: student ?? teacher,
    });
    const directory = runDirectory(folder(), config);
    writeConfig(directory, config);
    appendMetrics(directory, { ...madeUpMetrics(1, 10), ...classes(0.1) });
    appendMetrics(directory, { ...madeUpMetrics(2, last.testTop1), ...last });
    writeProvenance(directory, madeUpProvenance({ parameters, teacherParameters: parameters }));
  }
  const classes = (value: number): Pick<EpochMetrics, 'cosineByClass'> => ({
    cosineByClass: [value, value, value + 0.2],
  });
  type Name = 'norm' | 'direction' | 'ablation' | 'teachers';
  const render = async (name: Name, among: readonly Name[] = [name]): Promise<string> => {
    const resultsRoot = folder();
    const read = (
      asked: Name,
      folders: readonly string[] = studyNames(resultsRoot, 'table1-'),
    ): Evidence | null =>
      readStudy({ name: asked, resultsRoot, folders, methods: studyMethods[asked] });
    await writeDocument(
      {
        resultsRoot,
        glance: () => buildGlance(noRuns),
        read(asked, folders) {
          const known = among.find((one) => one === asked);
          return Promise.resolve(known === undefined ? null : read(known, folders));
        },
      },
      { name, folder: study },
    );
    return readFileSync(join(folder(), `${name}.md`), 'utf8');
  };

  it('ablation: test the order with paired intervals', async () => {
    for (const seed of [1, 2, 3]) {
      const at = (gain: number): Pick<EpochMetrics, 'testTop1'> => ({
        // What a seed does to all runs is much more than what the methods do, and cancels.
        testTop1: 50 + 5 * seed + gain,
      });
      write('kd', seed, at(0));
      write('kd+sifn', seed, at(1 + 0.01 * seed));
      write('kd+cosine', seed, at(2 + 0.01 * seed));
      write('kd+sifn+cosine', seed, at(3));
      write('kd++', seed, at(4 + seed - 2));
    }
    const text = await render('ablation');
    expect(text).to.match(
      /The norm alone helps \| \+1\.02 ± 0\.01 \(3\).*\| reproduced \(toy\) \|/,
    );
    // 1, differences 0, 1 and 2: ± 4.303 / √3.
    expect(text).to.match(
      /ND is better than both apart \| \+1\.00 ± 1\.00 \(3\) \| −1\.48 … \+3\.48 \| 3 seeds \| 0\.225 \| inconclusive \(toy\), the interval holds 0/,
    );
    expect(text).to.contain('The order that the paper claims, as a whole: inconclusive (toy).');
    // 3, 4 and 5: 4 ± 4.303 / √3.
    expect(text).to.match(/ND helps at all: KD\+\+ over KD \| \+4\.00.*\| \+1\.52 … \+6\.48/);
  });

  it('direction: show the classes’ cosines after the last epoch', async () => {
    write('kd', 1, { testTop1: 50, ...classes(0.5) });
    write('kd+cosine', 1, { testTop1: 51, ...classes(0.7) });
    write('kd+cosine', 2, { testTop1: 51, ...classes(0.8) });
    const text = await render('direction');
    // Two classes at 0.75 and one at 0.95, the means over both seeds.
    expect(text).to.match(/KD \+ cosine \| 0\.750 \| 0\.750 \| 0\.750 \| 0\.910 \|/);
  });

  it('teachers: give the trend over sizes with its interval', async () => {
    const sizes = { resnet8: 1e5, resnet14: 1e6, resnet20: 1e7 };
    for (const [index, [teacher, parameters]] of Object.entries(sizes).entries()) {
      const pair = `${teacher}:resnet8`;
      for (const seed of [1, 2]) {
        write('kd', seed, { testTop1: 50 }, { pair, parameters });
        // Two points for ten times the size with the first seed, four with the second.
        write('kd++', seed, { testTop1: 50 + 2 * seed * index }, { pair, parameters });
      }
    }
    const text = await render('teachers');
    expect(text).to.match(/KD: rises with the teacher’s size \| 0\.00 ± 0\.00 \(2\)/);
    expect(text).to.match(
      /KD\+\+ \(ND\): rises with the teacher’s size \| \+3\.00 ± 1\.41 \(2\) \| – \| – \| \+1\.00/,
    );
  });

  it('teachers: leave out a setting with one teacher and one student, where another has more', async () => {
    write('kd', 1, { testTop1: 50 });
    expect(await render('teachers')).to.contain('fashion-mnist · scale quick · 2 epochs');
    write('kd', 1, { testTop1: 50 }, { pair: 'resnet14:resnet8', scale: 'short' });
    write('kd', 1, { testTop1: 52 }, { pair: 'resnet20:resnet8', scale: 'short' });
    const text = await render('teachers');
    expect(text).to.contain('scale short').and.not.contain('scale quick');
  });

  it('are written anew with another of the same runs, where they lie there', async () => {
    write('kd', 1, { testTop1: 50, ...classes(0.5) });
    write('kd+cosine', 1, { testTop1: 51, ...classes(0.7) });
    await render('direction', ['direction', 'ablation']);
    expect(existsSync(join(folder(), 'ablation.md'))).to.equal(false);
    await render('ablation', ['direction', 'ablation']);
    write('kd+cosine', 2, { testTop1: 53, ...classes(0.8) });
    await render('ablation', ['direction', 'ablation']);
    for (const file of ['direction.md', 'ablation.md', 'direction.csv']) {
      expect(readFileSync(join(folder(), file), 'utf8'), file).to.match(/52(\.00 ± 1\.41 \(2\)|,)/);
    }
  });

  it('are not written without a run', async () => {
    const { kind, what } = await faultOf(() => render('ablation'));
    expect([kind, what]).to.eql(['results', 'there is no run of ablation']);
  });
});
