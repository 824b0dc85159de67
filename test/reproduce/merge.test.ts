import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { expect } from 'chai';
import { create } from 'tar';
import type { ProgramResult } from '../../lib/engine/program';
import { runDirectory } from '../../lib/runs/paths';
import { type MergedRuns, mergeRuns } from '../../lib/runs/merge';
import { scaledToEpochs } from '../../lib/train/recipe';
import { table1Recipe } from '../../reproduce/recipes/table1';
import { runTypeScript } from '../support/child';
import { runHere } from '../support/command';
import { withFolder } from '../support/folder';
import { filesIn } from '../support/known-run';
import { type MadeUpRun, madeUpConfig, writeMadeUpRun } from '../support/made-up-runs';
import { printed } from '../support/own-files';

const commands = join(__dirname, '..', '..', 'reproduce', 'commands');
const study = 'table1-short-cifar100';
const pair = { teacher: 'resnet20', student: 'resnet8' };

/** A run of two epochs that verifies: by the recipe of its row, with one number for each of its hashes. */
function run(
  method: string,
  seed: number,
  change: { teacher?: string; lr?: number } = {},
): MadeUpRun {
  const own = { ...scaledToEpochs(table1Recipe(pair, method), 2), batchSize: 128 };
  const training = { ...own, learningRate: change.lr ?? own.learningRate };
  const teacherHash = (change.teacher ?? 'e').repeat(64);
  const recipe = { training, datasetHash: 'd'.repeat(64), teacherHash, classMeansHash: null };
  const config = { study, scale: 'short', dataset: 'cifar100', method, seed, recipe } as const;
  return { config, provenance: { lastTop1: 40, teacherHash }, top1: [30, 40] };
}

describe('runs that were made elsewhere', () => {
  const folder = withFolder();
  const away = (): string => join(folder(), 'away results');
  const here = (): string => join(folder(), 'here');
  const merge = async (source: string): Promise<ProgramResult & { found: MergedRuns }> => {
    const args = [source, '--results', here(), '--json'];
    const result = await runHere(join(commands, 'merge.ts'), args);
    const found = result.stdout === '' ? {} : (JSON.parse(result.stdout) as object);
    return { ...result, found: { merged: [], present: [], refused: [], ...found } };
  };
  const collect = (...args: string[]): Promise<ProgramResult> =>
    runHere(join(commands, 'bundle.ts'), [
      ...['--collect', '--results', away(), '--output', join(folder(), 'collected'), '--json'],
      ...args,
    ]);
  /** Files below a folder by their path in it. */
  const tree = (root: string): Record<string, string> =>
    existsSync(root)
      ? Object.fromEntries(
          Object.entries(filesIn(root)).map(([at, text]) => [relative(root, at), text]),
        )
      : {};
  const nameOf = (method: string, seed: number): string =>
    `${study}/resnet20-resnet8/${method}/seed-${seed}`;

  it('come back as they were, without weights, once', async () => {
    const made = [run('kd', 1), run('kd++', 1)].map((one) => writeMadeUpRun(away(), one));
    const before = tree(away());
    for (const directory of made) writeFileSync(join(directory, 'weights.safetensors'), 'w');
    const collected = await collect();
    expect(collected.status, collected.stderr).to.equal(0);
    expect(readdirSync(join(folder(), 'collected'))).to.have.members([
      'SHA256SUMS',
      'runs.tar.gz.001',
    ]);
    const first = await merge(join(folder(), 'collected'));
    expect([first.status, first.found.merged], first.stderr).to.deep.equal([
      0,
      [nameOf('kd', 1), nameOf('kd++', 1)],
    ]);
    expect(tree(here())).to.deep.equal(before);
    const second = await merge(join(folder(), 'collected'));
    expect([second.status, second.found.merged, second.found.present]).to.deep.equal([
      0,
      [],
      [nameOf('kd', 1), nameOf('kd++', 1)],
    ]);
    expect(tree(here())).to.deep.equal(before);
  });

  it('of a network of one’s own come where that is known', async () => {
    const own = { teacher: 'resnet20', student: 'one-layer' };
    const { config, ...rest } = run('kd', 1);
    const training = { ...scaledToEpochs(table1Recipe(own, 'kd'), 2), batchSize: 128 };
    const recipe = { ...config?.recipe, training };
    const pair = 'resnet20:one-layer';
    writeMadeUpRun(away(), { ...rest, config: { ...config, ...own, pair, recipe } });
    const args = [away(), '--results', here()];
    const program = join(commands, 'merge.ts');
    const { status, stdout, stderr } = await runTypeScript(program, args, {
      NORM_DIRECTION_LAB_RECIPES: printed,
    });
    expect(stdout).to.include('1 runs merged');
    expect(status, stderr).to.equal(0);
  });

  it('of a detector come with the figures that were recorded, and with no others', async function () {
    const committed = join(__dirname, '..', '..', 'results', 'runs', 'table3-quick-shapes');
    // A package without its results has none to bring.
    if (!existsSync(committed)) this.skip();
    cpSync(committed, join(away(), 'runs', 'table3-quick-shapes'), { recursive: true });
    const runs = Object.keys(tree(away())).filter((at) => at.endsWith('evaluation.json'));
    const [one = '', other = ''] = runs;
    const change = (at: string, name: string, from: RegExp, to: string): void => {
      const file = join(away(), dirname(at), name);
      const text = readFileSync(file, 'utf8');
      expect(text).to.match(from);
      writeFileSync(file, text.replace(from, to));
    };
    change(one, 'evaluation.json', /"AP": [\d.]+/, '"AP": 0.99');
    change(other, 'provenance.json', /"evaluationDataHash": "../, '"evaluationDataHash": "zz');
    const { found } = await merge(away());
    expect(found.merged).to.have.length(runs.length - 2);
    expect(
      found.refused.map(({ why }) => /found (AP|evaluationDatasetHash) /.exec(why)?.[1]),
    ).to.eql(['AP', 'evaluationDatasetHash']);
  });

  it('come as an archive in one file, of which nothing but records of runs is taken', async () => {
    const directory = writeMadeUpRun(away(), run('kd', 1));
    writeFileSync(join(directory, 'checkpoint'), '');
    mkdirSync(join(away(), 'other', 'runs'), { recursive: true });
    writeFileSync(join(away(), 'table1.md'), '');
    const file = join(folder(), 'runs.tgz');
    await create({ cwd: away(), gzip: true, file }, ['.']);
    const { status, stderr } = await merge(file);
    expect(status, stderr).to.equal(0);
    const names = ['config.json', 'metrics.jsonl', 'provenance.json'];
    expect(Object.keys(tree(here()))).to.have.members(
      names.map((name) => join('runs', nameOf('kd', 1), name)),
    );
  });

  const globs: [string, string[]][] = [
    ['**', ['kd 1', 'kd 2', 'kd++ 1']],
    [study, ['kd 1', 'kd 2', 'kd++ 1']],
    ['*/*/kd', ['kd 1', 'kd 2']],
    ['**/seed-1', ['kd 1', 'kd++ 1']],
    ['table1-*/*/kd++/seed-?', ['kd++ 1']],
    ['*/kd', []],
  ];
  for (const [glob, wanted] of globs) {
    it(`are collected by name: ${glob}`, async () => {
      for (const one of [run('kd', 1), run('kd', 2), run('kd++', 1)]) writeMadeUpRun(away(), one);
      const { stdout, stderr } = await collect('--runs', glob);
      const { runs } = JSON.parse(stdout || '{"runs":[]}') as { runs: string[] };
      expect(runs, stderr).to.deep.equal(
        wanted.map((of) => nameOf(of.split(' ')[0] ?? '', Number(of.split(' ')[1]))),
      );
    });
  }

  it('are collected when they are finished, and none under a name that no run has', async () => {
    writeMadeUpRun(away(), run('kd', 1));
    writeMadeUpRun(away(), { ...run('kd', 2), top1: [30] });
    const { stdout } = await collect();
    const { runs, left } = JSON.parse(stdout) as {
      runs: string[];
      left: { run: string; why: string }[];
    };
    expect(runs).to.deep.equal([nameOf('kd', 1)]);
    expect(left.map(({ run: of, why }) => `${of} ${/1 of 2 epochs/.exec(why)?.[0]}`)).to.deep.equal(
      [`${nameOf('kd', 2)} 1 of 2 epochs`],
    );
    rmSync(join(folder(), 'collected'), { recursive: true });
    const none = await collect('--runs', 'table2*');
    expect([none.status, existsSync(join(folder(), 'collected'))]).to.deep.equal([1, false]);
    expect(none.stderr).to.match(/no run has such a name \(--runs table2\*\): found 2 runs/);
  });

  it('are not taken from parts that were damaged on the way, or did not come', async () => {
    writeMadeUpRun(away(), run('kd', 1));
    await collect();
    const part = join(folder(), 'collected', 'runs.tar.gz.001');
    const whole = readFileSync(part);
    for (const [spoil, words] of [
      [
        () => writeFileSync(part, whole.fill(0, 40, 60)),
        /a part is damaged .*runs\.tar\.gz\.001\): found SHA-256/,
      ],
      [() => rmSync(part), /a part is missing .*runs\.tar\.gz\.001\)/],
    ] as const) {
      spoil();
      const { status, stderr } = await merge(join(folder(), 'collected'));
      expect(stderr).to.match(words);
      expect([status, tree(here())]).to.deep.equal([1, {}]);
    }
  });

  it('are not taken from an archive that unpacks to many times its size', async () => {
    const directory = writeMadeUpRun(away(), run('kd', 1));
    writeFileSync(join(directory, 'zeros'), '');
    truncateSync(join(directory, 'zeros'), 2 ** 28 + 2 ** 26);
    const file = join(folder(), 'runs.tgz');
    await create({ cwd: away(), gzip: { level: 1 }, file }, ['runs']);
    const { status, stderr } = await merge(file);
    expect(stderr).to.match(
      /cannot be read .*runs\.tgz\): found more than 20 bytes unpacked for each/,
    );
    expect([status, tree(here())]).to.deep.equal([1, {}]);
  });

  const rewrite = (directory: string, file: string, from: RegExp | string, to: string): void => {
    const path = join(directory, file);
    const text = readFileSync(path, 'utf8');
    expect(text).to.match(new RegExp(from));
    writeFileSync(path, text.replace(from, to));
  };
  const faults: [string, (directory: string) => void, RegExp][] = [
    [
      'is not finished',
      (at) => rewrite(at, 'provenance.json', '"finished"', '"interrupted"'),
      /a run is not finished/,
    ],
    [
      'lacks an epoch',
      (at) => rewrite(at, 'metrics.jsonl', /\n.+\n$/, '\n'),
      /not finished .*found 1 of 2 epochs/,
    ],
    [
      'was cut',
      (at) => appendFileSync(join(at, 'metrics.jsonl'), '{"epoch"'),
      /not whole .*line 3 was cut/,
    ],
    [
      'has no record of where it ran',
      (at) => rmSync(join(at, 'provenance.json')),
      /provenance\.json is missing/,
    ],
    [
      'has a number that is none',
      (at) => rewrite(at, 'metrics.jsonl', '"testTop1":30', '"testTop1":"30"'),
      /metrics\.jsonl, line 1\): found testTop1/,
    ],
    [
      'has another last number than its record',
      (at) => rewrite(at, 'metrics.jsonl', '"testTop1":40', '"testTop1":41'),
      /found 41 % instead of 40 %/,
    ],
    [
      'has another recipe than its hash',
      (at) => rewrite(at, 'config.json', '"temperature": 4', '"temperature": 2'),
      /not the one of its hash/,
    ],
    [
      'says another batch than its recipe',
      (at) => rewrite(at, 'config.json', /"batchSize": 128/, '"batchSize": 64'),
      /not that of its recipe .*batches of 128/,
    ],
    [
      'saw other data',
      (at) => rewrite(at, 'provenance.json', /"dataHash": "d/, '"dataHash": "c'),
      /datasetHash cd+ instead of d+/,
    ],
    [
      'learned from another teacher',
      (at) => rewrite(at, 'provenance.json', /"teacherHash": "e/, '"teacherHash": "f'),
      /teacherHash fe+ instead of e+/,
    ],
    [
      'lies in another’s place',
      (at) => renameSync(at, join(dirname(at), 'seed-7')),
      /a directory that is not its own/,
    ],
  ];
  for (const [title, spoil, words] of faults) {
    it(`are refused where one ${title}; the others come`, async () => {
      spoil(writeMadeUpRun(away(), run('kd++', 1)));
      writeMadeUpRun(away(), run('kd', 1));
      const { status, found } = await merge(away());
      expect([status, found.merged]).to.deep.equal([1, [nameOf('kd', 1)]]);
      expect(found.refused.map(({ why, fix }) => `${why}. ${fix}`).join()).to.match(words);
      expect(readdirSync(join(here(), 'runs', study, 'resnet20-resnet8'))).to.deep.equal(['kd']);
    });
  }

  /** What is here, what comes, and the way out. */
  const conflicts: [string, MadeUpRun, MadeUpRun, RegExp][] = [
    [
      'whose place is taken',
      { ...run('kd', 1), top1: [31, 40] },
      run('kd', 1),
      /a run in this place already .*delete the directory/,
    ],
    [
      'whose place is taken by one that goes on',
      { ...run('kd', 1), top1: [30] },
      run('kd', 1),
      /a run in this place already/,
    ],
    [
      'of another teacher than the cell’s',
      run('kd', 2, { teacher: 'a' }),
      run('kd', 1),
      /other seeds of this cell have another recipe .*seed 1\. .*--results/,
    ],
    [
      'of another recipe than this package’s',
      run('kd++', 1),
      run('kd', 1, { lr: 0.3 }),
      /a recipe that this package does not have .*Check out the revision/,
    ],
  ];
  for (const [title, there, coming, words] of conflicts) {
    it(`are refused ${title}, and nothing changes`, async () => {
      writeMadeUpRun(here(), there);
      writeMadeUpRun(away(), coming);
      const before = tree(here());
      const { status, found } = await merge(away());
      expect(found.refused.map(({ why, fix }) => `${why}. ${fix}`).join()).to.match(words);
      expect([status, tree(here())]).to.deep.equal([1, before]);
    });
  }

  it('are held against the cell’s other seeds where the results are named as a relative path too', async () => {
    writeMadeUpRun(here(), run('kd', 2, { teacher: 'a' }));
    writeMadeUpRun(away(), run('kd', 1));
    writeMadeUpRun(away(), run('kd++', 1));
    const { refused, merged } = await mergeRuns({
      from: away(),
      into: relative(process.cwd(), here()),
      recipesOf: () => undefined,
    });
    expect(refused.map(({ run: of }) => of)).to.deep.equal([nameOf('kd', 1)]);
    expect(merged).to.deep.equal([nameOf('kd++', 1)]);
  });

  it('come over what a merge that was killed has left, which no reader takes for a run', async () => {
    const directory = writeMadeUpRun(away(), run('kd', 1));
    const target = runDirectory(here(), madeUpConfig(run('kd', 1).config));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(directory, `${target}.merging`, { recursive: true });
    writeFileSync(join(`${target}.merging`, 'metrics.jsonl'), '');
    expect((await merge(away())).found.merged).to.deep.equal([nameOf('kd', 1)]);
    expect(readdirSync(dirname(target))).to.deep.equal([basename(target)]);
    expect(tree(here())).to.deep.equal(tree(away()));
  });

  it('are looked for where something is', async () => {
    const { status, stderr } = await merge(join(folder(), 'nowhere'));
    expect(stderr).to.match(/no runs to merge \(.*nowhere\): found no such file/);
    expect(status).to.equal(1);
    mkdirSync(join(away(), 'runs', 'table1', 'kd'), { recursive: true });
    expect((await merge(away())).stderr).to.match(/no runs to merge .*found no runs\/STUDY/);
  });
});
