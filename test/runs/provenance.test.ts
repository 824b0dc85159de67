import { expect } from 'chai';
import { recordedCommand } from '../../lib/runs/provenance';

describe('the recorded command', () => {
  it('keeps what was typed but for places on the machine', () => {
    expect(recordedCommand('reproduce:table1', [])).to.equal('npm run reproduce:table1');
    expect(
      recordedCommand('reproduce:table1', [
        ...['--scale', 'short', '--data-dir', '/somewhere/data', '--results=/elsewhere'],
        ...['--data', 'folder:/pictures', '--seeds', '1,2'],
      ]),
    ).to.equal(
      'npm run reproduce:table1 -- --scale short --data-dir PATH --results=PATH --data folder:PATH --seeds 1,2',
    );
    expect(recordedCommand('reproduce:table3', ['--data', 'coco:/pictures'])).to.equal(
      'npm run reproduce:table3 -- --data coco:PATH',
    );
  });

  for (const option of [
    ...['--data-dir', '--results', '--teacher-weights', '--student-weights', '--class-means'],
    ...['--class-means-dir', '--annotations', '--images', '--test-annotations', '--test-images'],
    ...['--out', '--teacher-cache', '--manifest'],
  ]) {
    it(`leaves out the place that ${option} names`, () => {
      const place = '/home/someone/here';
      expect(recordedCommand('a', [option, place])).to.equal(`npm run a -- ${option} PATH`);
      expect(recordedCommand('a', [`${option}=${place}`])).to.equal(`npm run a -- ${option}=PATH`);
    });
  }

  it('keeps the words that stand for no place', () => {
    const typed = ['--teacher-cache', 'off', '--class-means=released'];
    expect(recordedCommand('a', typed)).to.equal(`npm run a -- ${typed.join(' ')}`);
  });
});
