import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readDetectionRuns } from '../../lib/runs/store';
import { runTypeScript } from '../support/child';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';

const command = join(__dirname, '..', '..', 'reproduce', 'table3.ts');

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
      for (const file of ['table3.md', 'table3.csv', 'table3.html', 'table3.svg']) {
        expect(existsSync(join(results, file)), file).to.equal(true);
      }
      const text = readFileSync(join(results, 'table3.md'), 'utf8');
      expect(text).to.match(/\| KD\+\+ \| not known \|.*\| reduced \|/u);
      expect(text).to.contain('results/paper/table3-coco.json');

      expect(text).to.contain('AP by category on r34-small:r18-small');
      const page = readFileSync(join(results, 'table3.html'), 'utf8');
      expect(page).to.contain('Precision over recall, mean of the categories');
      expect(page.match(/<img src="data:image\/jpeg;base64,/gu)).to.have.length(3);
      expect(page).to.match(/alt="image 1 \(000001\.png\): ground truth: .*; teacher: /iu);

      // Nothing is trained twice, and the same runs give the same table.
      const again = await runTypeScript(command, [...args, '--json']);
      expect(again.status, again.stderr).to.equal(0);
      expect(again.stderr).to.contain('done before').and.not.contain('iteration 2/2');
      expect(readFileSync(join(results, 'table3.md'), 'utf8')).to.equal(text);
      const listed = await runTypeScript(command, [...args, '--list', '--json']);
      expect(JSON.parse(listed.stdout)).to.have.property('secondsLeft', 0);
    });
  });

  it('refuses what cannot be run before anything is read, with the way out', async () => {
    const refusal = async (...args: string[]): Promise<string> => {
      const { status, stderr } = await runTypeScript(command, [...args, '--results', folder()]);
      expect(status).to.equal(1);
      return stderr;
    };
    expect(await refusal('--pairs', 'r101-fpn:r18-small')).to.contain('different sizes');
    expect(await refusal('--scale', 'short')).to.contain('--data coco:PATH');
    expect(await refusal('--scale', 'paper', '--data-dir', folder())).to.match(
      /the teacher r101-fpn is not there.*--teacher-weights/u,
    );
    expect(await refusal('--data', `coco:${folder()}`)).to.contain('neither train2017');
  });
});
