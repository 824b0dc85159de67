import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { CocoDetection } from '../../../lib/detection/coco/annotations';
import { shapesData } from '../../../lib/detection/coco/detection-data';
import { writeDetections } from '../../../lib/detection/coco/results-form';
import { detectionBlocks, picturesBlock } from '../../../lib/report/table3/detections';
import { drawAll } from '../../../lib/report/draw';
import { renderPages } from '../../../lib/report/writers/html';
import { evaluationRecord } from '../../../lib/runs/detection';
import { runFiles } from '../../../lib/runs/paths';
import type { DetectionRun } from '../../../lib/runs/store';
import { withFolder } from '../../support/folder';

const { evaluation: data } = shapesData();
const pair = 'r34-small:r18-small';

/** A run that found every n-th object, and put a wrong box beside it. */
function runOf(method: string, every: number, seed: number, directory = ''): DetectionRun {
  const found = data.groundTruth.annotations
    .filter((_, index) => index % every === 0)
    .map(({ imageId, categoryId, box }): CocoDetection => ({
      imageId,
      categoryId,
      box,
      score: 0.9,
    }));
  if (directory !== '') {
    mkdirSync(directory, { recursive: true });
    writeDetections(join(directory, runFiles.detections), found);
  }
  return {
    directory,
    config: {
      study: 'table3-quick-shapes',
      scale: 'quick',
      pair,
      teacher: 'r34-small',
      student: 'r18-small',
      method,
      seed,
      dataset: 'shapes',
      iterations: 1,
      batchSize: 1,
      precision: 'f32',
      recipeHash: '',
      recipe: { evaluationDatasetHash: data.hash },
    },
    metrics: [],
    evaluation: evaluationRecord(data, found),
    provenance: null,
    problems: [],
  };
}

describe('what detectors find, in a report', () => {
  const folder = withFolder();

  it('has curves of each method and AP by category, of the smallest seed', () => {
    const runs = [runOf('teacher', 1, 0), runOf('student', 2, 2), runOf('student', 1, 1)];
    const blocks = detectionBlocks(pair, runs);
    expect(blocks.map(({ kind }) => kind)).to.deep.equal(['plots', 'table']);
    const [curves, table] = blocks;
    if (curves?.kind !== 'plots' || table?.kind !== 'table') return expect.fail('other blocks');
    expect(curves.legend.map(({ label }) => label)).to.deep.equal(['Teacher', 'Student']);
    expect(curves.plots.map(({ says }) => says)[0]).to.equal(
      `${pair}, mean precision: Teacher 1.000; Student 1.000`,
    );
    expect(table.head).to.deep.equal(['category', 'objects', 'Teacher', 'Student']);
    expect(table.rows.map(({ cells }) => cells[2])).to.deep.equal(['100.0', '100.0', '100.0']);
    const objects = table.rows.map(({ cells }) => Number(cells[1]));
    expect(objects).to.deep.equal([...objects].sort((a, b) => b - a));
  });

  it('tells AP from AP50, and one overlap from the other', () => {
    const run = runOf('student', 1, 1);
    if (run.evaluation === null) return expect.fail('no evaluation');
    const evaluation = {
      ...run.evaluation,
      byCategory: [
        { id: 1, name: 'cat', objects: 3, AP: 0.25, AP50: 0.5 },
        { id: 2, name: 'dog', objects: 7, AP: -1, AP50: -1 },
      ],
      curves: { '0.50': [1, 0.5], '0.75': [0.5, 0.25] },
    };
    const [curves, table] = detectionBlocks(pair, [{ ...run, evaluation }]);
    if (curves?.kind !== 'plots' || table?.kind !== 'table') return expect.fail('other blocks');
    // (1 + 0.5) / 2 and (0.5 + 0.25) / 2.
    expect(curves.plots.map(({ title, says }) => [title, says])).to.deep.equal([
      ['At an overlap of 0.50', `${pair}, mean precision: Student 0.750`],
      ['At an overlap of 0.75', `${pair}, mean precision: Student 0.375`],
    ]);
    // From the recall 0 to 1.
    const recalls = [...JSON.stringify(curves.plots[0]?.spec).matchAll(/"recall":([\d.]+)/gu)];
    expect(recalls.map(([, recall]) => Number(recall))).to.have.members([0, 1]);
    expect(table.rows.map(({ cells }) => cells)).to.deep.equal([
      ['dog', '7', '–'],
      ['cat', '3', '25.0'],
    ]);
  });

  it('keeps the curves at 0.50 and at 0.75 of boxes that overlap by 0.64', () => {
    const narrow = data.groundTruth.annotations.map(
      ({ imageId, categoryId, box }): CocoDetection => {
        const [x, y, width, height] = box;
        return { imageId, categoryId, box: [x, y, 0.64 * width, height], score: 0.9 };
      },
    );
    const { curves } = evaluationRecord(data, narrow);
    expect(curves['0.50'].every((precision) => precision > 0.99)).to.equal(true);
    expect(Math.max(...curves['0.75'])).to.equal(0);
  });

  it('falls where a detector stops finding: every second object is half of the recall', async () => {
    const [curves] = detectionBlocks(pair, [runOf('student', 2, 1)]);
    if (curves?.kind !== 'plots') return expect.fail('no plots');
    const [figure] = await drawAll(curves.plots);
    // Three categories, each with about half of its objects found: mean precision about a half.
    expect(Number(/: Student (\d\.\d+)/u.exec(figure?.label ?? '')?.[1])).to.be.within(0.45, 0.55);
    expect(figure?.svg).to.contain('<svg').and.to.contain('recall');
  });

  it('says nothing without a finished run', () => {
    expect(detectionBlocks(pair, [{ ...runOf('kd', 1, 1), evaluation: null }])).to.deep.equal([]);
  });

  it('shows drawn images with boxes, and none of photographs or without detections', async () => {
    const run = runOf('kd++', 1, 1, join(folder(), 'a'));
    const block = await picturesBlock([run]);
    if (block === null) return expect.fail('no pictures');
    expect(block.pictures).to.have.length(3);
    const [first] = block.pictures;
    expect(first?.source).to.match(/^data:image\/jpeg;base64,/u);
    expect(first?.label).to.match(/ground truth: (\d) objects?; KD\+\+: \1 of \1 found, 0 wrong/u);
    const [[file, page] = []] = renderPages({
      ...{ name: 'table3', title: '', asks: '', overview: [], reading: [] },
      ...{ briefly: [], sources: [], records: [] },
      parts: [
        { title: '', environment: '', sentences: [], blocks: [block], runs: [], dataHash: null },
      ],
    });
    expect(file).to.equal('table3.html');
    expect(page).to.contain(`alt="${first?.label ?? ''}"`);
    const photographs = { ...run, config: { ...run.config, dataset: 'coco' } };
    expect(await picturesBlock([photographs])).to.equal(null);
    const otherImages = {
      ...run,
      config: { ...run.config, recipe: { evaluationDatasetHash: 'x' } },
    };
    expect(await picturesBlock([otherImages])).to.equal(null);
    expect(await picturesBlock([runOf('kd', 1, 1)])).to.equal(null);
  });
});
