import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ProgramResult, runProgram } from '../../lib/engine/program';
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

  for (const jobs of ['1', '2']) {
    it(`stops, saved, at the end of the hours it was given, in ${jobs} jobs`, async () => {
      await writeImageFolder(join(folder(), 'images'));
      const results = join(folder(), 'results');
      // 36 s, in which so long a teacher is not done.
      const { status, stderr } = await table1(
        ...['--data', `folder:${join(folder(), 'images')}`, '--pairs', 'resnet8:resnet8'],
        ...[
          '--methods',
          'student,kd',
          '--epochs',
          '2',
          '--teacher-epochs',
          '50000',
          '--batch',
          '8',
        ],
        ...['--results', results, '--jobs', jobs, '--hours', '0.01'],
      );
      expect(status, stderr).to.equal(0);
      expect(stderr).to.match(/In 0\.01 h: teacher resnet8 \(.*takes longer\); 2 are left out/);
      expect(stderr).to.match(/The hours are over, and everything is saved/);
      expect(stderr).to.match(/Of the whole grid 3 of 3 runs are not finished/);
      const study = join(results, 'runs', readdirSync(join(results, 'runs'))[0] ?? '');
      expect(readdirSync(study)).to.deep.equal(['resnet8']);
      const provenance = join(study, 'resnet8', 'teacher', 'seed-0', 'provenance.json');
      expect(readFileSync(provenance, 'utf8')).to.include('"ended": "interrupted"');
    });
  }
});
