import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { gridCommand } from '../../reproduce/grid/command';
import { table1Study } from '../../reproduce/table1';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

describe('one grid in several processes', () => {
  const folder = withFolder();

  const mistakes: [string, string[], RegExp][] = [
    ['a part that is not there', ['--shard', '5/4'], /--shard.*'5\/4'/],
    ['a part and --no-resume', ['--shard', '1/2', '--no-resume'], /share their teachers/],
    ['jobs without end', ['--jobs', '0'], /--jobs.*'0'/],
    ['to render where nothing was run', ['--render'], /no run of table1/],
  ];
  for (const [title, args, words] of mistakes) {
    it(`refuses ${title}`, async () => {
      const results = join(folder(), 'results');
      const command = gridCommand(table1Study).parseAsync([...args, '--results', results], {
        from: 'user',
      });
      expect((await faultOf(() => command)).message).to.match(words);
      expect(existsSync(results)).to.equal(false);
    });
  }
});
