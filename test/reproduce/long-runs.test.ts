import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { runProgram, type ProgramResult } from '../../lib/engine/build-program';
import { typeScriptArguments } from '../support/child';
import { withEngine } from '../support/engine';
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

/** Metrics, weights and configurations below a folder. */
function runsOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'provenance.json')
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    names.map((name) => [name.slice(folder.length), readFileSync(name).toString('base64')]),
  );
}

describe('one grid in several processes', function () {
  this.timeout(240_000);
  withEngine('native');
  const folder = withFolder();

  it('does each run once, as jobs and as parts, and ends with the same bytes and one table', async () => {
    await writeImageFolder(join(folder(), 'images'));
    const options = [
      ...['--data', `folder:${join(folder(), 'images')}`, '--pairs', 'resnet8:resnet8'],
      ...['--methods', 'student,kd', '--epochs', '2', '--teacher-epochs', '1', '--batch', '8'],
    ];
    const inJobs = join(folder(), 'jobs');
    const jobs = await table1(...options, '--results', inJobs, '--jobs', '2');
    expect(jobs.status, jobs.stderr).to.equal(0);
    expect(jobs.stdout).to.include('KD');
    expect(jobs.stderr.match(/^\[job [12]\] .* epoch 2\/2/gm)).to.have.length(2);
    expect(jobs.stderr.match(/^\[job [12]\] .* epoch 1\/1/gm)).to.have.length(1);

    const inParts = join(folder(), 'parts');
    const parts = await Promise.all(
      ['1/2', '2/2'].map((part) => table1(...options, '--results', inParts, '--shard', part)),
    );
    const said = parts.map(({ stderr }) => stderr).join('');
    for (const { status } of parts) expect(status, said).to.equal(0);
    for (const method of ['student', 'kd']) {
      expect(said.match(new RegExp(`${method} seed 1: epoch 2/2`, 'g'))).to.have.length(1);
    }
    expect(said.match(/teacher resnet8: epoch 1\/1/g)).to.have.length(1);
    expect(existsSync(join(inParts, 'table1.md'))).to.equal(true);
    expect(runsOf(join(inParts, 'runs'))).to.deep.equal(runsOf(join(inJobs, 'runs')));
  });

  const mistakes: [string, string[], RegExp][] = [
    ['a part that is not there', ['--shard', '5/4'], /--shard.*'5\/4'/],
    ['a part and --no-resume', ['--shard', '1/2', '--no-resume'], /share their teachers/],
    ['to render and to list at once', ['--render', '--list'], /--render.*--list/],
    ['to render where nothing was run', ['--render'], /no run of the study/],
  ];
  for (const [title, args, words] of mistakes) {
    it(`refuses ${title}`, async () => {
      const results = join(folder(), 'results');
      const { status, stderr } = await table1(...args, '--results', results);
      expect(stderr).to.match(words);
      expect(status).to.equal(1);
      expect(existsSync(results)).to.equal(false);
    });
  }
});
