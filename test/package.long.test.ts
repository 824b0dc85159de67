import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { extract } from 'tar';
import ts from 'typescript';
import * as lab from '../lib';
import { runProgram } from '../lib/engine/program';
import { withFolder } from './support/folder';

const root = join(__dirname, '..');
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

type Result = Awaited<ReturnType<typeof runProgram>>;

async function expectSuccess(work: Promise<Result>): Promise<string> {
  const { status, stdout, stderr } = await work;
  expect(status, `${stdout}${stderr}`).to.equal(0);
  return stdout;
}

describe('the package in another TypeScript project', function () {
  this.timeout(180_000);
  const folder = withFolder();

  it('compiles the examples of the README and of docs strictly and trains with the one of a loop', async () => {
    const pages = ['README.md', 'docs/extending.md'].map((name) =>
      readFileSync(join(root, name), 'utf8'),
    );
    const found = [...pages.join('\n').matchAll(/```ts\n(import[^`]*norm-direction-lab[^`]*)```/g)];
    const examples = found.map(([, text = '']) => text);
    const trained = examples.findIndex((text) => text.includes('createLearner'));
    expect(examples.length, 'examples in the README and in docs').to.be.at.least(2);
    expect(trained, 'an example with a training loop').to.be.at.least(0);

    // What `npm run pack` packs, built outside the tree so that no other test sees a half-written dist/.
    const packed = join(folder(), 'packed');
    mkdirSync(packed);
    const options = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(packed, 'dist')];
    await expectSuccess(runProgram(process.execPath, [compiler, ...options]));
    for (const name of ['package.json', 'data', 'lib/engine/cpp', 'lib/engine/patches']) {
      cpSync(join(root, name), join(packed, name), { recursive: true });
    }
    const archive = await expectSuccess(
      runProgram('npm', ['pack', packed, '--pack-destination', folder(), '--json'], {
        cwd: folder(),
        env: { ...process.env, npm_config_ignore_scripts: 'true' },
      }),
    );
    expect(archive).to.include('.tgz');
    const file = readdirSync(folder()).find((name) => name.endsWith('.tgz')) as string;

    const project = join(folder(), 'project');
    const installed = join(project, 'node_modules', 'norm-direction-lab');
    mkdirSync(installed, { recursive: true });
    await extract({ file: join(folder(), file), cwd: installed, strip: 1 });
    for (const name of readdirSync(join(root, 'node_modules'))) {
      if (name.startsWith('.')) continue;
      symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', basename(name)));
    }
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
    examples.forEach((text, index) => {
      writeFileSync(join(project, `example-${index}.ts`), text);
    });
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          target: 'es2022',
          module: 'nodenext',
          strict: true,
          types: ['node'],
          skipLibCheck: true,
        },
      }),
    );
    await expectSuccess(runProgram(process.execPath, [compiler, '-p', project]));
    const output = await expectSuccess(
      runProgram(process.execPath, [`example-${trained}.js`], { cwd: project, env: process.env }),
    );
    const losses = output.trim().split('\n').map(Number);
    expect(losses.length).to.be.at.least(2);
    expect(losses.at(-1)).to.be.below(losses[0] ?? NaN);
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
