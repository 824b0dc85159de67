import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { runProgram } from '../../lib/engine/program';
import { writeSafetensors } from '../../lib/formats/safetensors';
import { createModel } from '../../lib/models/registry';
import { table1Study } from '../../reproduce/table1';
import { typeScriptArguments } from '../support/child';
import { runGridHere } from '../support/command';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';
import { writeImageFolder } from '../support/image-folder';

const root = join(__dirname, '..', '..');
const program = join(root, 'reproduce', 'table1.ts');

type Result = Awaited<ReturnType<typeof runProgram>>;

function table1(...args: string[]): Promise<Result> {
  return runProgram(process.execPath, typeScriptArguments(program, ...args), {
    cwd: root,
    env: process.env,
  });
}

/** Every file below a folder with its content, but for what holds clock times. */
function tree(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    // Records and pages tell when and how long a run took.
    .filter((entry) => entry.isFile() && !/^provenance\.json$|\.html$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    names.map((name) => [name.slice(folder.length), readFileSync(name).toString('base64')]),
  );
}

describe('npm run reproduce:table1', function () {
  this.timeout(180_000);
  withEngine('native');
  const folder = withFolder();

  const small = async (): Promise<string[]> => {
    await writeImageFolder(join(folder(), 'images'));
    return [
      ...['--data', `folder:${join(folder(), 'images')}`, '--pairs', 'resnet14:resnet8'],
      ...['--methods', 'student,kd++', '--epochs', '2', '--teacher-epochs', '2'],
      ...['--batch', '8'],
    ];
  };

  it('trains a teacher and its students, prints the table, and runs nothing twice', async () => {
    const results = join(folder(), 'results');
    const options = [...(await small()), '--results', results];

    const listed = await runGridHere(table1Study, [...options, '--list', '--json']);
    const plan = JSON.parse(listed.stdout) as { runs: { method: string; state: string }[] };
    expect(plan.runs.map(({ method }) => method)).to.deep.equal(['teacher', 'student', 'kd++']);
    expect(plan.runs.every(({ state }) => state === 'to run')).to.equal(true);
    expect(existsSync(results)).to.equal(false);

    const first = await table1(...options);
    expect(first.status, first.stderr).to.equal(0);
    expect(first.stderr).to.include("not the paper's setting");
    expect(first.stderr).to.match(/resnet14:resnet8 kd\+\+ seed 1: epoch 2\/2, loss [\d.]+, top-1/);
    for (const row of ['Student', 'KD++']) expect(first.stdout).to.include(row);
    expect(first.stdout).to.include('reduced').and.not.include('match');
    for (const file of ['table1.md', 'table1.csv', 'table1.html', 'claims/c1-nd-over-base.svg']) {
      expect(existsSync(join(results, file)), file).to.equal(true);
    }

    const before = tree(results);
    const second = await runGridHere(table1Study, options);
    expect(second.status, second.stderr).to.equal(0);
    expect(second.stderr.match(/: done before/g)).to.have.length(3);
    expect(tree(results)).to.deep.equal(before);

    // The same command elsewhere gives the same bytes, weights and class means included.
    const elsewhere = join(folder(), 'elsewhere');
    await runGridHere(table1Study, [...options.slice(0, -1), elsewhere]);
    expect(tree(elsewhere)).to.deep.equal(before);

    const other = await runGridHere(table1Study, [...options, '--epochs', '3']);
    expect(other.status).to.equal(1);
    expect(other.stderr)
      .to.match(/another recipe.*epochs/i)
      .and.include('--results');

    // What is left of committed runs: their records.
    for (const weights of readdirSync(results, { recursive: true, encoding: 'utf8' })) {
      if (weights.endsWith('.safetensors')) rmSync(join(results, weights));
    }
    const records = tree(results);
    const third = await runGridHere(table1Study, options);
    expect(third.status, third.stderr).to.equal(0);
    expect(third.stderr).to.match(/3 runs, 3 of them done.*3 are recorded here as finished/s);
    expect(third.stdout).to.equal(second.stdout);
    const more = await runGridHere(table1Study, [...options, '--methods', 'kd']);
    expect(more.status).to.equal(1);
    expect(more.stderr)
      .to.match(/a teacher is recorded as finished, but its weights are not here/)
      .and.include('--results');
    // Nor are they taken for runs on other images of the same name.
    await writeImageFolder(join(folder(), 'images'), { train: 9 });
    const onOthers = await runGridHere(table1Study, options);
    expect(onOthers.status).to.equal(1);
    expect(onOthers.stderr)
      .to.match(/another recipe.*recipe\.datasetHash/)
      .and.include('--results');
    expect(tree(results)).to.deep.equal(records);
  });

  it('deletes nothing for --no-resume in several jobs where the jobs would be refused', async () => {
    const results = join(folder(), 'results');
    const options = [...(await small()), '--methods', 'student', '--results', results];
    expect((await runGridHere(table1Study, options)).status).to.equal(0);
    const before = tree(results);
    const args = [...options, '--no-resume', '--jobs', '2', '--precision', 'tf32'];
    const { status, stderr } = await table1(...args);
    expect(stderr).to.include("only NVIDIA's GPUs compute in TF32");
    expect([status, tree(results)]).to.deep.equal([1, before]);
  });

  it('says with --list what fits into hours, for the jobs that are asked for', async () => {
    const options = ['--pairs', 'resnet8:resnet8', '--methods', 'teacher', '--list'];
    const time = ['--hours', '0.5', '--results', join(folder(), 'results')];
    const one = await runGridHere(table1Study, [...options, ...time]);
    expect(one.stderr).to.match(/In 0\.5 h: teacher resnet8 \(about /);
    // Jobs on the processors share them.
    const many = await runGridHere(table1Study, [...options, ...time, '--jobs', '5000']);
    expect(many.stderr).to.include('In 0.5 h: teacher resnet8 (the first alone takes longer)');
  });

  it('takes a teacher and class means from files, and refuses those of another', async () => {
    const results = join(folder(), 'results');
    const table1 = (...args: string[]): Promise<Result> => runGridHere(table1Study, args);
    const options = ['--pairs', 'resnet14:resnet8', '--epochs', '1', '--batch', '8'];
    options.push('--data', `folder:${join(folder(), 'images')}`);
    await writeImageFolder(join(folder(), 'images'));
    const made = await table1(
      ...options,
      '--methods',
      'kd++',
      '--teacher-epochs',
      '1',
      '--results',
      results,
    );
    expect(made.status, made.stderr).to.equal(0);
    const runs = join(results, 'runs');
    const study = readdirSync(runs)[0] as string;
    const teacher = join(runs, study, 'resnet14', 'teacher', 'seed-0');
    const weights = join(teacher, 'weights.safetensors');
    const classMeans = join(teacher, 'class-means.safetensors');

    const given = join(folder(), 'given');
    const again = [
      ...options,
      '--methods',
      'kd++',
      '--results',
      given,
      '--teacher-weights',
      weights,
    ];
    const used = await table1(...again, '--class-means', classMeans);
    expect(used.status, used.stderr).to.equal(0);
    expect(used.stderr).to.include(`measured here (weights.safetensors)`);

    const student = join(runs, study, 'resnet14-resnet8', 'kd++', 'seed-1', 'weights.safetensors');
    const wrong = await table1(...again.slice(0, -1), student);
    expect(wrong.status).to.equal(1);
    expect(wrong.stderr).to.include('the weights are not those of this model').and.include(student);

    const longer = await table1(...again, '--teacher-epochs', '2');
    expect(longer.status).to.equal(1);
    expect(longer.stderr).to.match(
      /trained here \(--teacher-epochs\): found a given or published resnet14\. Leave it out/,
    );

    // The seeds of a cell are averaged: none is trained under another teacher than the first.
    const stranger = createModel('resnet14', { classes: 3, seed: 9 });
    const otherWeights = join(folder(), 'other.safetensors');
    writeSafetensors(otherWeights, stranger.stateDict());
    stranger.dispose();
    const seeds = [...again.slice(0, -1), otherWeights, '--seeds', '2'];
    const underAnother = await table1(...seeds);
    expect(underAnother.status).to.equal(1);
    expect(underAnother.stderr)
      .to.match(/a further seed would have another recipe.*recipe\.teacherHash.*seed-1/)
      .and.include('--results');
    const cell = join(given, 'runs', study, 'resnet14-resnet8', 'kd++');
    expect(readdirSync(cell)).to.deep.equal(['seed-1']);

    rmSync(classMeans);
    const missing = await table1(
      ...again,
      '--class-means',
      `${classMeans}.not-there`,
      '--seeds',
      '2',
    );
    expect(missing.status).to.equal(1);
    expect(missing.stderr).to.include('no such file');
  });

  it('keeps what teachers answer in the usual cache where the variable for another is empty', async () => {
    const args = [...(await small()), '--methods', 'kd', '--results', join(folder(), 'results')];
    const before = process.env;
    const cache = join(folder(), 'cache');
    process.env = {
      ...before,
      ...{ NORM_DIRECTION_LAB_TEACHER_CACHE: '', NORM_DIRECTION_LAB_CACHE: cache },
    };
    try {
      const { status, stderr } = await runGridHere(table1Study, args);
      expect(status, stderr).to.equal(0);
    } finally {
      process.env = before;
    }
    expect(readdirSync(join(cache, 'teachers'))).to.not.be.empty;
  });

  const mistakes: [string, string[], RegExp][] = [
    ['an unknown option', ['--sede', '3'], /unknown option '--sede'.*--seeds/s],
    ['an unknown method', ['--methods', 'kdd'], /unknown method 'kdd'.*Did you mean 'kd'/],
    [
      'an unknown pair',
      ['--pairs', 'resnet21:resnet8'],
      /unknown model 'resnet21'.*resnet20|resnet21/,
    ],
    ['an unknown scale', ['--scale', 'papers'], /unknown scale 'papers'.*paper/],
    ['an unknown data set', ['--data', 'cifar1000'], /unknown data set 'cifar1000'.*cifar100/],
    [
      'missing data',
      ['--data', 'cifar100', '--data-dir', 'no-such-folder'],
      /cifar100.*npm run data/s,
    ],
    ['a word that is no number', ['--epochs', 'ten'], /--epochs.*'ten'/],
    ['more epochs than can be counted', ['--epochs', '9'.repeat(20)], /--epochs\): found '9{20}'/],
    ['class means without their teacher', ['--class-means', 'x'], /--teacher-weights/],
    [
      'one file of weights for two teachers',
      ['--teacher-weights', 'x', '--pairs', 'resnet20:resnet8,resnet14:resnet8'],
      /several teachers/,
    ],
    ['a batch larger than the data', ['--batch', '20000'], /batch.*20000/],
  ];
  for (const [title, args, words] of mistakes) {
    it(`refuses ${title} and writes nothing`, async () => {
      const results = join(folder(), 'results');
      const { status, stderr } = await runGridHere(table1Study, [...args, '--results', results]);
      expect(stderr).to.match(words);
      expect(stderr).to.not.include('    at ');
      expect(status).to.equal(1);
      expect(existsSync(results)).to.equal(false);
    });
  }

  it('refuses bfloat16 on an engine without it, already for a list', async () => {
    const args = typeScriptArguments(program, '--precision', 'bf16', '--list');
    const { status, stderr } = await runProgram(process.execPath, args, {
      ...{ cwd: root, env: { ...process.env, NORM_DIRECTION_LAB_ENGINE: 'plain' } },
    });
    expect(stderr).to.match(/does not compute in bfloat16.*--precision f32/s);
    expect(status).to.equal(1);
  });

  it('refuses an image folder with one class, and DKD over two', async () => {
    const images = join(folder(), 'one');
    await writeImageFolder(images, { classes: 1 });
    const one = await runGridHere(table1Study, [
      ...['--data', `folder:${images}`, '--results', join(folder(), 'results')],
    ]);
    expect(one.status).to.equal(1);
    expect(one.stderr).to.match(/one class|1 class|two classes/);
    const pair = join(folder(), 'two');
    await writeImageFolder(pair, { classes: 2 });
    const two = await runGridHere(table1Study, [
      ...['--data', `folder:${pair}`, '--results', join(folder(), 'results'), '--batch', '8'],
      ...[
        '--methods',
        'dkd',
        '--pairs',
        'resnet8:resnet8',
        '--teacher-epochs',
        '1',
        '--epochs',
        '1',
      ],
    ]);
    expect(two.status).to.equal(1);
    expect(two.stderr).to.match(/at least 3 classes/);
  });
});
