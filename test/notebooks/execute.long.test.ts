import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { runProgram } from '../../lib/engine/program';
import { LabError } from '../../lib/errors';
import { ensureCompiled } from '../../lib/notebook/compiled';
import { startKernel } from '../../lib/notebook/kernel';
import { notebookText } from '../../lib/notebook/notebook-file';
import { executeNotebook } from '../../lib/notebook/run';
import { withFolder } from '../support/folder';
import { notebookOf } from '../support/notebook';
import { type Fault, partsOf } from '../support/faults';

async function faultOf(...cells: readonly string[]): Promise<Fault> {
  try {
    await executeNotebook(notebookOf(...cells), 'some.ipynb');
  } catch (error) {
    expect(error).to.be.instanceOf(LabError);
    return partsOf(error as LabError);
  }
  throw new Error('the notebook did not fail');
}

describe('the library that notebooks import', function () {
  this.timeout(300_000);
  const root = withFolder();

  it('is compiled again when a source changed while it was compiled', async () => {
    const write = (file: string, text: string): void => writeFileSync(join(root(), file), text);
    write(
      'tsconfig.build.json',
      '{ "compilerOptions": { "rootDir": ".", "types": [] }, "include": ["lib"] }',
    );
    symlinkSync(join(__dirname, '../../node_modules'), join(root(), 'node_modules'));
    mkdirSync(join(root(), 'lib'));
    write('lib/index.ts', 'export const is = 1;');
    let compilations = 0;
    const compile = (): Promise<void> => ensureCompiled(() => void (compilations += 1), root());
    const first = compile();
    // The compiler has begun by then, and is not done.
    await sleep(100);
    write('lib/index.ts', 'export const is = 2;');
    await first;
    await compile();
    await compile();
    expect(compilations).to.equal(2);
    expect(readFileSync(join(root(), 'dist/lib/index.js'), 'utf8')).to.include('is = 2');
    // `norm-direction-lab/recipes` is compiled from there.
    mkdirSync(join(root(), 'reproduce'));
    write('reproduce/index.ts', 'export const recipe = 3;');
    await compile();
    expect(compilations).to.equal(3);
  });
});

describe('a notebook in the project’s kernel', function () {
  this.timeout(300_000);
  const root = withFolder();

  before(() => ensureCompiled(() => undefined));

  it('is executed cell by cell, with what each prints and shows', async () => {
    const { cells } = await executeNotebook(
      notebookOf(
        "import { showTable } from 'norm-direction-lab/notebook';\nconst two: number = 2;",
        'console.log(two + 3);',
        "showTable({ columns: ['a'], values: [[1.5]] });",
      ),
      'some.ipynb',
      // Longer than a timer takes, which would then be over at once.
      { cellTimeout: 2_200_000 },
    );
    expect(cells.map((cell) => cell['execution_count'])).to.deep.equal([1, 2, 3]);
    expect(JSON.stringify(cells[1]?.['outputs'])).to.include('5\\n');
    const shown = JSON.stringify(cells[2]?.['outputs']);
    expect(shown).to.include('text/html').and.to.include('1.50');
  });

  it('fails with a cell that throws, a wrong type, or what throws after its cell', async () => {
    const thrown = await faultOf('const a = 1;', "throw new Error('boom');");
    expect(thrown.where).to.equal('some.ipynb, code cell 2');
    expect(thrown.found).to.include('boom');

    const typed = await faultOf("const n: number = 'five';");
    expect(typed.found).to.match(/^1:7 - Type 'string' is not assignable to type 'number'/u);

    const late = await faultOf(
      "setTimeout(() => { throw new Error('later') }, 50);",
      'const b = 2;',
    );
    expect(late.what).to.equal('something failed after its cell had ended');
    expect(late.found).to.include('later');

    const rejected = await faultOf("void Promise.reject(new Error('nobody waits'));");
    expect(rejected.found).to.include('nobody waits');
  });

  it('fails when its kernel dies, and says how', async () => {
    const fault = await faultOf('process.exit(3);');
    expect(fault.what).to.equal('some.ipynb, code cell 1: the kernel died');
    expect(fault.found).to.include('exit status 3');
  });

  it('shows an error of ours as its message, a defect with its lines, an interrupt as one', async () => {
    const ours = 'kdLoss(tf.zeros([2, 3]), tf.zeros([2, 4]));';
    const interrupt = "process.kill(process.pid, 'SIGINT')";
    const shapes = /^student logits and teacher logits must have one shape[^\n]*\n$/u;
    const cases: readonly (readonly [cell: string, shown: RegExp])[] = [
      ["import * as tf from '@tensorflow/tfjs';", /^$/u],
      ["import { kdLoss } from 'norm-direction-lab';\ntf.scalar(1).dispose();", /^/u],
      [ours, shapes],
      [`await Promise.resolve();\n${ours}`, shapes],
      ["kdLoss(JSON.parse('null'), tf.zeros([2, 4]));", /\n +at .*lib\/losses\/[\w-]+\.ts:\d+/u],
      [`${interrupt};\nfor (;;);`, /^interrupted\n$/u],
      [
        `setTimeout(() => ${interrupt}, 100);\nawait new Promise(() => undefined);`,
        /^interrupted\n$/u,
      ],
    ];
    let text = '';
    const kernel = await startKernel(({ header, content }) => {
      if (header.msg_type === 'stream') text += String(content['text']);
    });
    try {
      for (const [code, shown] of cases) {
        text = '';
        await kernel.request('execute_request', { code });
        expect(text, code).to.match(shown);
        // What comes less than 200 ms after a failure is dropped.
        await sleep(400);
      }
    } finally {
      await kernel.stop();
    }
  });

  it('says when the library was compiled again under it, once', async () => {
    const { cells } = await executeNotebook(
      notebookOf(
        "import { utimesSync } from 'node:fs';",
        "const now = new Date();\nutimesSync('../dist/lib/index.js', now, now);",
        'const a = 1;',
        'const b = 2;',
      ),
      'some.ipynb',
    );
    expect(
      cells.map(({ outputs }) => JSON.stringify(outputs).includes('restart the kernel')),
    ).to.deep.equal([false, false, true, false]);
  });

  it('completes the names of the library, also while they are imported', async () => {
    const kernel = await startKernel();
    try {
      for (const typed of [
        "import { normDirectionLoss } from 'norm-direction-lab';\nnormDirec|",
        "import { normDirec| } from 'norm-direction-lab';",
        "import { kd, | } from 'norm-direction-lab';",
      ]) {
        const { content } = await kernel.request('complete_request', {
          code: typed.replace('|', ''),
          cursor_pos: typed.indexOf('|'),
        });
        expect(content['matches'], typed).to.include('normDirectionLoss');
      }
    } finally {
      await kernel.stop();
    }
  });

  it('makes the command fail, and is left as it was', async () => {
    const text = notebookText(notebookOf("throw new Error('boom');"));
    const file = join(root(), 'failing.ipynb');
    writeFileSync(file, text);
    const project = join(__dirname, '../..');
    const { status, stdout, stderr } = await runProgram(
      process.execPath,
      ['--require', './lib/typescript.cjs', 'reproduce/commands/notebooks.ts', file, '--json'],
      { cwd: project, env: process.env },
    );
    expect(status).to.equal(1);
    expect(stderr).to.include('1 of 1 notebooks failed').and.to.include('boom');
    const { notebooks } = JSON.parse(stdout) as { notebooks: { written: string | null }[] };
    expect(notebooks[0]?.written).to.equal(null);
    expect(readFileSync(file, 'utf8')).to.equal(text);
  });
});
