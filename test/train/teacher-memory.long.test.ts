import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { augmentedViews } from '../../lib/data/batches';
import { openTeacherMemory } from '../../lib/train/teacher-memory';
import { typeScriptArguments } from '../support/child';
import { withEngine } from '../support/engine';
import { answerOf, filledKey } from '../support/filled-memory';
import { withFolder } from '../support/folder';

describe('a teacher’s memory that several processes fill', function () {
  this.timeout(60_000);
  withEngine('plain');
  const folder = withFolder();
  const program = join(__dirname, '..', 'support', 'fill-memory.ts');
  const places = filledKey.images * augmentedViews;

  const filling = (seed: number): ChildProcess =>
    spawn(process.execPath, typeScriptArguments(program, folder(), String(seed)), {
      // TensorFlow's greeting goes there.
      stdio: ['ignore', 'pipe', 'ignore'],
    });

  /** Reads every view here; the answers that had to be asked for. */
  function readAll(): { wrong: number; asked: number } {
    const memory = openTeacherMemory({
      folder: folder(),
      key: filledKey,
      onNotice: (notice) => expect.fail(notice),
    });
    const numbers = [...Array(places).keys()];
    const images = tf.tensor4d(numbers, [places, 1, 1, 1]);
    const found = memory.embeddings(
      {
        images,
        indices: Int32Array.from(numbers, (place) => Math.floor(place / augmentedViews)),
        views: Int32Array.from(numbers, (place) => place % augmentedViews),
      },
      (asked) => tf.tensor2d([...asked.dataSync()].flatMap(answerOf), [asked.shape[0], 64]),
    );
    const rows = found?.arraySync() ?? [];
    const wrong = numbers.filter(
      (number) => JSON.stringify(rows[number]) !== JSON.stringify(answerOf(number)),
    ).length;
    tf.dispose([images, found]);
    memory.dispose();
    return { wrong, asked: memory.counts.asked };
  }

  it('is whole when two have filled it at once in different orders', async () => {
    const both = [filling(1), filling(2)];
    const ends = await Promise.all(both.map((child) => once(child, 'close')));
    expect(ends.map(([status]) => status as unknown)).to.deep.equal([0, 0]);
    expect(readAll()).to.deep.equal({ wrong: 0, asked: 0 });
    // One file, and nothing that was left on the way.
    expect(readdirSync(folder())).to.have.length(1);
  });

  it('holds nothing wrong when one is killed while it writes, and is filled by the next', async () => {
    for (const seed of [1, 2]) {
      const child = filling(seed);
      if (child.stdout === null) return expect.fail('no output');
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    const [file = ''] = readdirSync(folder());
    expect(readFileSync(join(folder(), file)).length).to.be.above(4096);
    const { wrong, asked } = readAll();
    expect(wrong).to.equal(0);
    expect(asked).to.be.above(0).and.below(places);
    expect(readAll()).to.deep.equal({ wrong: 0, asked: 0 });
  });
});
