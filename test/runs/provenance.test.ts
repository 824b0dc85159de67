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
  });
});
