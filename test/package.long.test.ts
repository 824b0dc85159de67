import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { extract } from 'tar';
import ts from 'typescript';
import * as lab from '../lib';
import { runProgram } from '../lib/engine/program';
import { installedPackages } from '../reproduce/bundle/installed';
import { commands } from '../reproduce/main';
import { withFolder } from './support/folder';

const root = join(__dirname, '..');
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly name: string;
  readonly bin: Readonly<Record<'norm-direction-lab', string>>;
};

type Result = Awaited<ReturnType<typeof runProgram>>;

async function expectSuccess(work: Promise<Result>): Promise<string> {
  const { status, stdout, stderr } = await work;
  expect(status, `${stdout}${stderr}`).to.equal(0);
  return stdout;
}

describe('the package in another TypeScript project', function () {
  this.timeout(1_200_000);
  const folder = withFolder();

  // Where the compiler has found faults, with their texts.
  const faults = (output: string): string[] =>
    output.split('\n').filter((line) => /error TS/.test(line));

  /** A project with the packed package and what it depends on, but nothing that only its development needs. */
  async function newProject(): Promise<{ project: string; installed: string }> {
    // What `npm run pack` packs, built outside the tree so that no other test sees a half-written dist/.
    const packed = join(folder(), 'packed');
    mkdirSync(packed);
    const options = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(packed, 'dist')];
    await expectSuccess(runProgram(process.execPath, [compiler, ...options]));
    for (const name of ['package.json', 'data', 'lib/engine/cpp', 'lib/engine/patches']) {
      cpSync(join(root, name), join(packed, name), { recursive: true });
    }
    await expectSuccess(
      runProgram('npm', ['pack', packed, '--pack-destination', folder(), '--json'], {
        cwd: folder(),
        env: { ...process.env, npm_config_ignore_scripts: 'true' },
      }),
    );
    const file = readdirSync(folder()).find((name) => name.endsWith('.tgz')) as string;

    const project = join(folder(), 'project');
    const installed = join(project, 'node_modules', manifest.name);
    mkdirSync(installed, { recursive: true });
    await extract({ file: join(folder(), file), cwd: installed, strip: 1 });
    for (const place of installedPackages(root, ['@types/node', 'undici-types'])) {
      mkdirSync(dirname(join(project, place)), { recursive: true });
      symlinkSync(join(root, place), join(project, place));
    }
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
    return { project, installed };
  }

  it('has no fault of its own without skipLibCheck, runs its examples, and its commands without a clone', async () => {
    const { project, installed } = await newProject();
    cpSync(join(root, 'examples'), join(project, 'examples'), { recursive: true });
    writeFileSync(
      join(project, 'examples', 'entries.ts'),
      "export * as notebook from 'norm-direction-lab/notebook';\n" +
        "export * as recipes from 'norm-direction-lab/recipes';\n" +
        "import { createModel, loadDataset } from 'norm-direction-lab';\n" +
        "export const wrong = [createModel('resnet21', { classes: 2 }), loadDataset('cifar-100')];\n",
    );
    const pages = ['README.md', 'docs/extending.md'].map((name) =>
      readFileSync(join(root, name), 'utf8'),
    );
    const printed = pages.join('\n').matchAll(/```ts\n(import[^`]*norm-direction-lab[^`]*)```/g);
    [...printed].forEach(([, text = ''], index) => {
      writeFileSync(join(project, 'examples', `printed-${index}.ts`), text);
    });
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { target: 'es2022', module: 'nodenext', strict: true, types: ['node'] },
        include: ['examples'],
      }),
    );
    const { stdout } = await runProgram(process.execPath, [compiler, '-p', project]);
    // What is left is between tfjs's own types and those of a browser: docs/extending.md tells it.
    const ours = faults(stdout).filter(
      (line) => !/@tensorflow\/|@webgpu\/|lib\.dom\.d\.ts/.test(line),
    );
    expect(
      ours.map((line) => /entries\.ts.*"(resnet21|cifar-100)"/.exec(line)?.[1] ?? line),
    ).to.eql(['resnet21', 'cifar-100']);

    const run = (file: string, args: string[] = [], env = {}): Promise<string> =>
      expectSuccess(
        runProgram(process.execPath, [file, ...args], {
          cwd: project,
          env: { ...process.env, ...env },
        }),
      );
    const losses = (await run('examples/training-loop.js')).trim().split('\n').map(Number);
    expect(losses).to.have.length(8);
    expect(losses.at(-1)).to.be.below(losses[0] ?? NaN);
    // One feature is half as long as the teacher's, the other at a right angle: (1 / 2 + 1) / 2.
    expect(await run('examples/nd-loss.js')).to.include('ND loss 0.75\n');
    expect(await run('examples/kd-plus-plus.js')).to.match(/top-1 of KD\+\+ \d/);
    expect(await run('examples/class-means.js')).to.match(/^T-shirt\S* [\d.]+\n/);

    const bin = join(installed, manifest.bin['norm-direction-lab']);
    const help = await run(bin);
    for (const name of Object.keys(commands)) expect(help).to.match(new RegExp(`^  ${name} `, 'm'));
    expect(await run(bin, ['table1', '--help'])).to.match(
      /^Usage: npx norm-direction-lab table1 \[/,
    );
    const own = join(folder(), 'own');
    cpSync(join(root, 'examples', 'own'), own, { recursive: true });
    const [, words = ''] =
      /^NORM_DIRECTION_LAB_RECIPES=\S+ npx norm-direction-lab (.*)$/m.exec(pages.join('\n')) ?? [];
    const table = await run(bin, words.split(' '), {
      NORM_DIRECTION_LAB_RECIPES: own,
    });
    expect(table).to.match(/near-logits.*\d/);
    expect(existsSync(join(project, 'mine', 'table1.md'))).to.equal(true);
    // What only notebooks need is not there, and not asked for.
    const doctor = await runProgram(process.execPath, [bin, 'doctor'], { cwd: project });
    expect(doctor.stdout, doctor.stderr).to.match(/\d+ faults, \d+ warnings/);
    const lab = await runProgram(process.execPath, [bin, 'lab']);
    expect([lab.status, lab.stderr]).to.satisfy(
      ([status, words]: [number, string]) =>
        status === 1 && words.includes('npm run lab in a clone'),
    );
  });

  // A notebook's cell exports each of its variables, so every result's type must have a name elsewhere.
  it('lets a cell keep what any function returns', () => {
    const config = ts.getParsedCommandLineOfConfigFile(
      join(root, 'tsconfig.json'),
      { noEmit: false, declaration: true, emitDeclarationOnly: true },
      { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
    );
    const index = join(root, 'lib', 'index.ts');
    const cell = join(root, 'lib', 'cell-of-a-test.ts');
    const names = Object.entries(lab)
      .filter(([, value]) => typeof value === 'function' && !/^class\b/.test(String(value)))
      .map(([name]) => name);
    const text = [
      "import * as lab from './index';",
      ...names.map((name) => `export const ${name} = lab.${name}(...(null as never));`),
    ].join('\n');
    const options = config?.options ?? {};
    const host = ts.createCompilerHost(options);
    const { fileExists, readFile, getSourceFile } = host;
    host.fileExists = (path) => path === cell || fileExists(path);
    host.readFile = (path) => (path === cell ? text : readFile(path));
    host.getSourceFile = (path, target) =>
      path === cell ? ts.createSourceFile(path, text, target) : getSourceFile(path, target);
    const program = ts.createProgram([cell, index], options, host);
    const unnamed = program
      .getDeclarationDiagnostics(program.getSourceFile(cell))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
    expect(names.length).to.be.above(90);
    expect(unnamed).to.deep.equal([]);
  });
});
