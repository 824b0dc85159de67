import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { benchmarkCoco } from '../../../lib/bench/coco-benchmark';
import type { CocoStats } from '../../../lib/detection/coco/evaluate';
import { runTypeScript } from '../../support/child';
import { runHere } from '../../support/command';
import { smallCocoFile, writeCocoFile } from '../../support/coco-files';
import { faultOf } from '../../support/faults';
import { withFolder } from '../../support/folder';

const command = join(__dirname, '..', '..', '..', 'reproduce', 'commands', 'coco-eval.ts');
const reference = join(__dirname, '..', '..', 'fixtures', 'reference', 'coco-eval', 'small');
const annotations = join(reference, 'instances.json');
const results = join(reference, 'detections.json');

describe('npm run coco-eval', () => {
  const folder = withFolder();

  it('prints the twelve figures, and AP of each category', async () => {
    const { status, stdout } = await runTypeScript(command, [annotations, results, '--categories']);
    expect(status).to.equal(0);
    const lines = stdout.split('\n');
    expect(lines[1]).to.match(/^AP50 {3}0\.225 {2}Precision at IoU 0\.50, all sizes/);
    expect(lines.filter((line) => /^A[PR]/.test(line))).to.have.length(12);
    expect(stdout).to.match(/c17 +│ 11 +│ 0\.100/);
  });

  it('gives them as one object with --json', async () => {
    const { stdout } = await runHere(command, [annotations, results, '--json']);
    const { stats } = JSON.parse(stdout) as { stats: CocoStats };
    const expected = JSON.parse(readFileSync(join(reference, 'expected.json'), 'utf8')) as {
      metrics: CocoStats;
    };
    expect(stats.AP).to.be.closeTo(expected.metrics.AP, 1e-9);
    expect(Object.keys(stats)).to.deep.equal(Object.keys(expected.metrics));
  });

  it('draws the precision–recall curves', async () => {
    const file = join(folder(), 'curves.svg');
    const { status } = await runHere(command, [annotations, results, '--curves', file]);
    expect(status).to.equal(0);
    const svg = readFileSync(file, 'utf8');
    expect(svg).to.contain('By overlap').and.to.contain('0.50: AP 0.225');
    expect(svg).to.match(/c17 \(11\): AP50 0\.\d{3}/u);
  });

  it('says that pycocotools is not there, with status 1', async () => {
    const options = ['--pycocotools', 'no-such-python'];
    const { status, stderr } = await runHere(command, [annotations, results, ...options]);
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /^error: pycocotools could not be run \(--pycocotools no-such-python\)/u,
    );
  });

  it('names the file of detections that belong to other annotations', async () => {
    const path = writeCocoFile(folder(), smallCocoFile());
    const { status, stderr } = await runHere(command, [path, results]);
    expect(status).to.equal(1);
    expect(stderr).to.contain(`${results} against ${path}`).and.to.contain('detection 1: image');
  });

  it('refuses faulty annotations in one line, with status 1', async () => {
    const content = smallCocoFile();
    content.annotations.push({ id: 8, image_id: 1, category_id: 3, bbox: [0, 0, 1, 1] });
    const path = writeCocoFile(folder(), content);
    const { status, stdout, stderr } = await runHere(command, [path, results]);
    expect(status).to.equal(1);
    expect(stdout).to.equal('');
    expect(stderr).to.match(/^error: .*annotation 8: image_id 1.*\n$/);
    expect(stderr).to.contain(path);
  });
});

describe('npm run bench -- --coco', () => {
  const size = { seed: 1, images: 20, objects: 100, detections: 20, categories: 5 };

  it('times as many rounds as it is told to', async () => {
    const { rounds, ms } = await benchmarkCoco({ rounds: 2, size });
    expect(rounds).to.have.length(2);
    expect(ms).to.be.above(0);
  });

  it('names a Python without pycocotools', async () => {
    const fault = await faultOf(() => benchmarkCoco({ rounds: 1, size, python: 'no-such-python' }));
    expect(fault.where).to.equal('--python no-such-python');
  });
});
