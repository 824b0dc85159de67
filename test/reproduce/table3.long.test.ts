import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readDetectionRuns, studyNames } from '../../lib/runs/store';
import { toSigned2 } from '../../lib/report/numbers';
import { table3Study } from '../../reproduce/table3';
import { runTypeScript } from '../support/child';
import { runGridHere } from '../support/command';
import { withEngine } from '../support/engine';
import { readEventFile } from '../support/event-file';
import { withFolder } from '../support/folder';

const command = join(__dirname, '..', '..', 'reproduce', 'table3.ts');

interface Listed {
  readonly shard: string;
  readonly runs: readonly { seed: number; iterations: number; state: string }[];
  readonly secondsLeft: number;
}

describe('reproduce:table3', () => {
  const folder = withFolder();

  describe('on drawn shapes', function () {
    withEngine('native');
    // Three processes, which start slowly beside other work.
    this.timeout(300_000);

    it('trains a teacher and its students, and writes the table with the paper’s cells unknown', async () => {
      const results = folder();
      const args = ['--results', results, '--methods', 'student,kd++'];
      args.push('--iterations', '2', '--teacher-iterations', '2', '--batch', '2');
      args.push('--class-means-iterations', '1', '--short-side', '64');
      const first = await runTypeScript(command, args);
      expect(first.status, first.stderr).to.equal(0);
      expect(first.stderr).to.contain('not the paper');
      const runs = readDetectionRuns(results, 'table3-quick-shapes');
      expect(runs.map(({ config }) => config.method)).to.have.members([
        'teacher',
        'student',
        'kd++',
      ]);
      const [distilled] = runs.filter(({ config }) => config.method === 'kd++');
      expect(distilled?.provenance).to.include({
        ended: 'finished',
        teacherSource: 'trained here',
      });
      expect(distilled?.provenance?.classMeansHash).to.match(/^[0-9a-f]{64}$/u);
      expect(Object.keys(distilled?.metrics[0]?.losses ?? {})).to.include.members([
        'kd',
        'normDirection',
      ]);
      // Each cell is the run's own AP, each gain their difference.
      const text = readFileSync(join(results, 'table3.md'), 'utf8');
      const percent = (method: string): number => {
        const found = runs.find(({ config }) => config.method === method)?.evaluation;
        return 100 * (found?.stats.AP ?? Number.NaN);
      };
      const lines = text.split('\n').map((line) => line.split(' | '));
      const cellsOf = (label: string): string[] =>
        lines.find(([name]) => name === `| ${label}`)?.slice(1) ?? [];
      for (const [label, method] of [
        ['Teacher', 'teacher'],
        ['Student', 'student'],
        ['KD++', 'kd++'],
      ] as const) {
        const [paper, AP, ...others] = cellsOf(label);
        expect([paper, AP], label).to.deep.equal([
          'not known',
          `${percent(method).toFixed(2)} (1)`,
        ]);
        expect(others.at(-1), label).to.equal('reduced |');
      }
      expect(cellsOf('KD++').at(-3)).to.equal(
        `${toSigned2(percent('kd++') - percent('student'))} (1)`,
      );
      expect(text).to.contain('results/paper/table3-coco.json');

      expect(text).to.contain('AP by category on r34-small:r18-small');
      const page = readFileSync(join(results, 'table3.html'), 'utf8');
      expect(page).to.contain('Precision over recall, mean of the categories');
      expect(page.match(/<img src="data:image\/jpeg;base64,/gu)).to.have.length(3);
      expect(page).to.match(/alt="image 1 \(000001\.png\): ground truth: .*; teacher: /iu);

      // Nothing is trained twice, and the same runs give the same table.
      const again = await runGridHere(table3Study, [...args, '--json']);
      expect(again.status, again.stderr).to.equal(0);
      expect(again.stderr).to.contain('done before').and.not.contain('iteration 2/2');
      expect(readFileSync(join(results, 'table3.md'), 'utf8')).to.equal(text);
      const listed = await runGridHere(table3Study, [...args, '--list', '--json']);
      expect(JSON.parse(listed.stdout)).to.have.property('secondsLeft', 0);
    });

    it('takes jobs, parts and TensorBoard as the other tables do', async () => {
      const results = folder();
      const args = ['--results', results, '--seeds', '1,2', '--methods', 'student'];
      args.push('--iterations', '2', '--batch', '2', '--short-side', '64');
      const listed = await runGridHere(table3Study, [
        ...args,
        '--list',
        '--json',
        '--shard',
        '2/2',
      ]);
      expect(listed.status, listed.stderr).to.equal(0);
      const { shard, runs, secondsLeft } = JSON.parse(listed.stdout) as Listed;
      expect(shard).to.equal('2/2');
      expect(runs.map(({ seed, iterations, state }) => [seed, iterations, state])).to.eql([
        [2, 2, 'to run'],
      ]);
      expect(secondsLeft).to.be.above(0);

      const part = await runTypeScript(command, [...args, '--shard', '2/2', '--tensorboard']);
      expect(part.status, part.stderr).to.equal(0);
      expect(part.stderr).to.contain('Of the whole grid 1 of 2 runs are not finished');
      const both = await runTypeScript(command, [...args, '--jobs', '2', '--tensorboard']);
      expect(both.status, both.stderr).to.equal(0);
      expect(both.stderr).to.match(/\[job \d\] .*student seed 1: iteration 2\/2, loss/u);
      expect(both.stderr).to.not.match(/student seed 2: iteration 2\/2/u);
      const [study = ''] = studyNames(results, 'table3-');
      for (const { directory, metrics } of readDetectionRuns(results, study)) {
        const [file = ''] = readdirSync(join(directory, 'tensorboard'));
        const events = readEventFile(readFileSync(join(directory, 'tensorboard', file)));
        expect(events.map(({ step }) => step)).to.eql([0, 2]);
        expect(events[1]?.scalars['loss/total']).to.equal(Math.fround(metrics[0]?.total ?? NaN));
      }
      expect(existsSync(join(results, 'table3.md'))).to.equal(true);
    });
  });
});
