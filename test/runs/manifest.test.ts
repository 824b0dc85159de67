import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ProgramResult, runProgram } from '../../lib/engine/program';
import { scaledToEpochs, type TrainingRecipe } from '../../lib/train/recipe';
import { table1Recipe, table1TeacherRecipe } from '../../reproduce/recipes/table1';
import { table1Study } from '../../reproduce/table1';
import { teachersStudy } from '../../reproduce/teachers';
import { runGridHere } from '../support/command';
import { withFolder } from '../support/folder';
import { writeMadeUpRun } from '../support/made-up-runs';

describe('the manifest of a grid', () => {
  const folder = withFolder();
  const results = (): string => join(folder(), 'results');
  const missing = (...args: string[]): Promise<ProgramResult> =>
    runGridHere(table1Study, ['--list', '--missing', '--results', results(), ...args]);
  const manifest = (...lines: string[]): string => {
    const file = join(folder(), 'left.csv');
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    return file;
  };

  it('lists what is left: not what is recorded as finished, weights or none; teachers that must be trained for it', async () => {
    const recipes = (method: string): TrainingRecipe =>
      method === 'teacher'
        ? table1TeacherRecipe('resnet20')
        : table1Recipe({ teacher: 'resnet20', student: 'resnet8' }, method);
    const made = (method: string, seed: number, top1: number[]): string =>
      writeMadeUpRun(results(), {
        config: {
          ...{ study: 'table1-paper-fashion-mnist', scale: 'paper', method, seed },
          ...{ recipe: { training: scaledToEpochs(recipes(method), 2) } },
          ...(method === 'teacher' ? { pair: 'resnet20', student: 'resnet20', teacher: null } : {}),
        },
        top1,
      });
    made('kd', 1, [10, 20]);
    made('student', 1, [10]);
    const teacher = made('teacher', 0, [10, 20]);
    // The paper's scale takes recipes as they are, but for their length.
    const own = ['--scale', 'paper', '--data', 'fashion-mnist', '--pairs', 'resnet20:resnet8'];
    const length = [...own, '--epochs', '2', '--teacher-epochs', '2'];
    const grid = ['--methods', 'student,kd,kd++', '--seeds', '1,2', ...length];
    const all = await missing(...grid);
    const rows = ['student,1', 'kd++,1', 'student,2', 'kd,2', 'kd++,2'].map(
      (row) => `resnet20:resnet8,${row}\n`,
    );
    // The teacher's record is here and its weights are not.
    expect(all.stdout, all.stderr).to.equal(
      ['pair,method,seed\n', 'resnet20:resnet8,teacher,0\n', ...rows].join(''),
    );
    expect(all.stderr).to.include('6 of 7 runs are left.');
    writeFileSync(join(teacher, 'weights.safetensors'), '');
    expect((await missing(...grid)).stdout).to.equal(['pair,method,seed\n', ...rows].join(''));
    rmSync(join(teacher, 'weights.safetensors'));
    const one = await missing('--methods', 'kd', '--seeds', '1', ...length);
    expect(one.stdout).to.equal('pair,method,seed\n');
    // Runs of another length are no part of this grid.
    const longer = await missing('--methods', 'kd', ...own, '--epochs', '3');
    expect([longer.status, longer.stdout]).to.deep.equal([1, '']);
    expect(longer.stderr)
      .to.match(/belongs to another recipe .*found recipe\.training\./)
      .and.include('--results');
  });

  it('is what a command runs, or the line of it that an array’s task or a pod has', async () => {
    const file = manifest(
      'pair,method,seed',
      'resnet20:resnet8,kd++,7',
      'resnet14:resnet8,teacher,0',
    );
    const read = async (...args: string[]): Promise<string[]> => {
      const { stdout, stderr } = await missing('--manifest', file, '--json', ...args);
      expect(stdout, stderr).to.not.equal('');
      const { missing: rows } = JSON.parse(stdout) as {
        missing: { teacher: string; method: string; seed: number }[];
      };
      return rows.map(({ teacher, method, seed }) => `${teacher} ${method} ${seed}`);
    };
    const [first, second] = [['resnet20 teacher 0', 'resnet20 kd++ 7'], ['resnet14 teacher 0']];
    expect(await read()).to.deep.equal([...first, ...second]);
    expect(await read('--index', '0')).to.deep.equal(first);
    expect(await read('--index', '1')).to.deep.equal(second);
    process.env['JOB_COMPLETION_INDEX'] = '1';
    try {
      expect(await read()).to.deep.equal(second);
      expect(await read('--index', '0')).to.deep.equal(first);
      // Without a manifest there is nothing to choose from.
      expect((await missing('--methods', 'kd')).stdout).to.match(/,teacher,0\n.*,kd,1\n$/);
      // A pod would delete what another has trained.
      const anew = await missing('--manifest', file, '--no-resume');
      expect(anew.stderr).to.include('(--no-resume with --index)');
    } finally {
      delete process.env['JOB_COMPLETION_INDEX'];
    }
  });

  const head = 'pair,method,seed';
  const faults: [string, string[], string[], RegExp][] = [
    [
      'of other columns',
      ['pair;method;seed'],
      [],
      /begins with the names of its columns .*found 'pair;method;seed'/,
    ],
    [
      'with an unknown network',
      [head, 'resnet20:resnet9,kd,1'],
      [],
      /left\.csv, line 2: unknown model 'resnet9'/,
    ],
    [
      'with an unknown method',
      [head, 'resnet20:resnet8,kd,1', 'resnet20:resnet8,kdd,1'],
      [],
      /line 3: unknown method 'kdd'.*'kd'/,
    ],
    ['without runs', [head], [], /^error: the manifest has no runs \(--manifest \S+left\.csv\)/],
    ['without a seed', [head, 'resnet20:resnet8,kd'], [], /line 2\): found 'resnet20:resnet8,kd'/],
    [
      'with a seed that is none',
      [head, 'resnet20:resnet8,kd,x'],
      [],
      /line 2: a seed is a whole number/,
    ],
    [
      'with a run twice',
      [head, 'resnet20:resnet8,kd,1', 'resnet20:resnet8, kd,01'],
      [],
      /once \(.*line 3\)/,
    ],
    [
      'beyond its end',
      [head, 'resnet20:resnet8,kd,1'],
      ['--index', '1'],
      /no such run \(--index\): found '1' of 1 runs, counted from 0/,
    ],
    [
      'by a task that would train anew',
      [head, 'resnet20:resnet8,kd,1'],
      ['--index', '0', '--no-resume'],
      /one would delete what another has trained \(--no-resume with --index\)/,
    ],
    [
      'beside other choices',
      [head, 'resnet20:resnet8,kd,1'],
      ['--seeds', '2'],
      /--manifest.*cannot be used with.*--seeds/,
    ],
  ];
  it('is refused beside the teachers and students of their study, which it would pass over', async () => {
    for (const option of ['--teacher-models', '--students']) {
      const args = [
        '--list',
        '--manifest',
        manifest(head, 'resnet20:resnet8,kd,1'),
        option,
        'resnet8',
      ];
      const { status, stderr } = await runGridHere(teachersStudy, args);
      expect(stderr).to.match(new RegExp(`--manifest.*cannot be used with.*${option}`));
      expect(status).to.equal(1);
    }
  });

  for (const [title, lines, args, words] of faults) {
    it(`is refused ${title}`, async () => {
      const { status, stderr } = await missing('--manifest', manifest(...lines), ...args);
      expect(stderr).to.match(words);
      expect([status, existsSync(results())]).to.deep.equal([1, false]);
    });
  }

  const mistakes: [string, string[], RegExp][] = [
    ['an index without a manifest', ['--index', '0'], /found no --manifest/],
    ['to run what is missing', ['--missing'], /found no --list/],
    ['no hours', ['--hours', '0'], /above 0 is needed \(--hours\): found '0'/],
    ['hours of another form', ['--hours', '1h'], /found '1h'/],
  ];
  for (const [title, args, words] of mistakes) {
    it(`refuses ${title}`, async () => {
      const { status, stderr } = await runGridHere(table1Study, [...args, '--results', results()]);
      expect(stderr).to.match(words);
      expect(status).to.equal(1);
    });
  }
});

describe('submit.sh', () => {
  const folder = withFolder();
  const script = join(__dirname, '..', '..', 'reproduce', 'cluster', 'submit.sh');

  /** The array's indices and arguments as sbatch gets them, of each call. */
  async function submit(...args: string[]): Promise<ProgramResult & { calls: string[] }> {
    const log = join(folder(), 'calls');
    const sbatch = join(folder(), 'sbatch');
    writeFileSync(log, '');
    writeFileSync(sbatch, `#!/bin/sh\necho "$SBATCH_ARRAY_INX $*" >> '${log}'\necho 7\n`);
    chmodSync(sbatch, 0o755);
    const env = { PATH: `${folder()}:/usr/bin:/bin` };
    const result = await runProgram('bash', [script, ...args], { env });
    return { ...result, calls: readFileSync(log, 'utf8').trimEnd().split('\n') };
  }

  it('makes the array as long as the manifest, however that is named', async () => {
    const file = join(folder(), 'left.csv');
    writeFileSync(file, 'pair,method,seed\nresnet20:resnet8,kd,1\nresnet20:resnet8,kd,2\n');
    for (const words of [['--manifest', file], [`--manifest=${file}`]]) {
      const { status, stderr, calls } = await submit('--scale', 'paper', ...words);
      expect(status, stderr).to.equal(0);
      expect(calls[0]).to.match(/^0-1 --parsable .*table1\.sbatch --scale paper --manifest/);
      expect(calls[1]).to.match(/^ --parsable --dependency=afterany:7 .*table1-render\.sbatch/);
    }
    expect((await submit('--scale', 'paper')).calls[0]).to.match(/^ --parsable .*table1\.sbatch/);
  });

  it('renders without the options that are for trainings alone', async () => {
    const words = ['--hours', '23', '--scale', 'paper', '--jobs=2', '--gpus', '0,1', '--json'];
    const { status, stderr, calls } = await submit(...words);
    expect(status, stderr).to.equal(0);
    expect(calls[0]).to.match(
      /table1\.sbatch --hours 23 --scale paper --jobs=2 --gpus 0,1 --json$/,
    );
    expect(calls[1]).to.match(/table1-render\.sbatch --scale paper --json$/);
    expect((await submit('--hours=23')).calls[1]).to.match(/table1-render\.sbatch$/);
  });

  it('submits nothing for a manifest without runs', async () => {
    const file = join(folder(), 'left.csv');
    writeFileSync(file, 'pair,method,seed\n');
    const { status, stderr, calls } = await submit(`--manifest=${file}`);
    expect([status, calls]).to.deep.equal([1, ['']]);
    expect(stderr).to.equal(
      `error: the manifest has no runs (--manifest ${file}). Write one with --list --missing\n`,
    );
  });
});
