import { PassThrough } from 'node:stream';
import { WriteStream } from 'node:tty';
import { expect } from 'chai';
import { dataProgressPrinter } from '../../lib/data/progress';

describe('dataProgressPrinter', () => {
  const now = Date.now;
  let time = 0;

  beforeEach(() => {
    time = 1e6;
    Date.now = () => time;
  });
  afterEach(() => {
    Date.now = now;
  });

  /** Everything written to a stream that is not a terminal. */
  function lines(use: (report: ReturnType<typeof dataProgressPrinter>['report']) => void): string {
    const sink = new PassThrough();
    const stream: NodeJS.WriteStream = Object.assign(Object.create(WriteStream.prototype), {
      isTTY: false,
      write: (text: string) => sink.write(text),
    });
    const { report, stop } = dataProgressPrinter(stream);
    use(report);
    stop();
    return String(sink.read() ?? '');
  }

  it('is silent for a step of less than a second', () => {
    const text = lines((report) => {
      report({ message: 'reading', unit: 'images', done: 0, total: 10 });
      time += 900;
      report({ message: 'reading', unit: 'images', done: 10, total: 10 });
    });
    expect(text).to.equal('');
  });

  it('prints a line every few seconds, with the time left', () => {
    const text = lines((report) => {
      for (let done = 0; done <= 12; done++) {
        report({ message: 'downloading x', unit: 'bytes', done: done * 1e6, total: 12e6 });
        time += 1000;
      }
    });
    // After 1 and 6 seconds of 12; the last megabyte is not announced.
    expect(text.trim().split('\n')).to.deep.equal([
      'data: downloading x: 1.0 of 12.0 MB, 11 s left',
      'data: downloading x: 6.0 of 12.0 MB, 6 s left',
      'data: downloading x: 11.0 of 12.0 MB, 1 s left',
    ]);
  });

  it('tells the time left of an attempt that goes on by what came in it', () => {
    const text = lines((report) => {
      report({ message: 'downloading x', unit: 'bytes', done: 90e6, total: 100e6 });
      time += 2000;
      report({ message: 'downloading x', unit: 'bytes', done: 92e6, total: 100e6 });
    });
    // 2 MB in 2 s, 8 MB to come.
    expect(text).to.equal('data: downloading x: 92.0 of 100.0 MB, 8 s left\n');
  });

  it('does without a total that is not known', () => {
    const text = lines((report) => {
      report({ message: 'downloading x', unit: 'bytes', done: 0 });
      time += 2000;
      report({ message: 'downloading x', unit: 'bytes', done: 5e6 });
    });
    expect(text).to.equal('data: downloading x: 5.0 MB\n');
  });
});
