import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { engineProgressPrinter } from '../../lib/engine/build';

describe('the progress of a build without a terminal', () => {
  it('is one plain line for each step, however many reports come', () => {
    const stream = new PassThrough();
    const print = engineProgressPrinter(stream);
    for (const done of [0, 1e6, 2e6, 3e6]) {
      print({ phase: 'download', message: 'fetching', done, total: 4e6 });
    }
    print({ phase: 'compile', message: 'compiling' });
    expect(String(stream.read())).to.equal('engine: fetching\nengine: compiling\n');
  });
});
