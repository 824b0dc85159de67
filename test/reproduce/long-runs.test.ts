import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ProgramResult, runProgram } from '../../lib/engine/program';
import { gridCommand } from '../../reproduce/grid/command';
import { table1Study } from '../../reproduce/table1';
import { typeScriptArguments } from '../support/child';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { writeImageFolder } from '../support/image-folder';

const root = join(__dirname, '..', '..');
const program = join(root, 'reproduce', 'table1.ts');

function table1(...args: string[]): Promise<ProgramResult> {
  return runProgram(process.execPath, typeScriptArguments(program, ...args), {
    cwd: root,
    env: process.env,
  });
}

describe('one grid in several processes', function () {
  this.timeout(240_000);
  withEngine('native');
  const folder = withFolder();

  it('does each run once, by the jobs of one command and a part of it started beside', async () => {
    await writeImageFolder(join(folder(), 'images'));
    const results = join(folder(), 'results');
    const options = [
      ...['--data', `folder:${join(folder(), 'images')}`, '--pairs', 'resnet8:resnet8'],
      ...['--methods', 'student,kd', '--epochs', '2', '--teacher-epochs', '1', '--batch', '8'],
      ...['--results', results],
    ];
    const [jobs, part] = await Promise.all([
      table1(...options, '--jobs', '2'),
      table1(...options, '--shard', '2/2'),
    ]);
    const said = jobs.stderr + part.stderr;
    expect([jobs.status, part.status], said).to.deep.equal([0, 0]);
    const trained = [
      /teacher resnet8: epoch 1\/1/g,
      /student seed 1: epoch 2\/2/g,
      /kd seed 1: epoch 2\/2/g,
    ];
    for (const end of trained) expect(said.match(end), String(end)).to.have.length(1);
    expect(jobs.stderr)
      .to.match(/^\[job 1\] /m)
      .and.to.match(/^\[job 2\] /m);
    // Of two parts the second has KD alone, and leaves the student to the others.
    expect(part.stderr).to.include('2 runs').and.not.include('student seed 1');
    expect(jobs.stdout).to.include('Student').and.include('KD');
    expect(existsSync(join(results, 'table1.md'))).to.equal(true);
    const left = (readdirSync(results, { recursive: true }) as string[]).filter((name) =>
      /\.lock$|\.\d+$|checkpoints/.test(name),
    );
    expect(left).to.deep.equal([]);
  });

  const mistakes: [string, string[], RegExp][] = [
    ['a part that is not there', ['--shard', '5/4'], /--shard.*'5\/4'/],
    ['a part and --no-resume', ['--shard', '1/2', '--no-resume'], /share their teachers/],
    ['jobs without end', ['--jobs', '0'], /--jobs.*'0'/],
    ['to render where nothing was run', ['--render'], /no run of the study/],
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
