// Starts this project's own tslab as a Jupyter kernel, wherever Jupyter was started from: cells run in
// notebooks/ and import the compiled library by its name, as any other project would.
const { existsSync, lstatSync, mkdirSync, statSync, symlinkSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname, join, resolve } = require('node:path');

const { showErrorsInWords } = require('./errors.cjs');
const { acceptShorthand } = require('./shorthand.cjs');

const root = resolve(__dirname, '../../..');
const kernel = join(root, 'node_modules', 'tslab', 'dist', 'main.js');
const link = join(root, 'notebooks', 'node_modules', 'norm-direction-lab');

function stop(message) {
  process.stderr.write(`norm-direction-lab: ${message}\n`);
  process.exit(1);
}

if (!existsSync(kernel)) stop(`the kernel is not installed. Run npm ci in ${root}`);
const library = join(root, 'dist', 'lib', 'index.js');

/** When the library was compiled, 0 while it is not there. */
const compiledAt = () => statSync(library, { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (!existsSync(library)) {
  stop(`the library is not compiled. Run npm run build in ${root}`);
}
// The types of cells are resolved by an older compiler, which does not know a package by its own name.
if (lstatSync(link, { throwIfNoEntry: false }) === undefined) {
  mkdirSync(dirname(link), { recursive: true });
  try {
    symlinkSync(process.platform === 'win32' ? root : '../..', link, 'junction');
  } catch (error) {
    // Another kernel that starts at the same moment may have made it.
    if (error.code !== 'EEXIST') throw error;
  }
}

/** Makes every executor that tslab creates from now on call `first` before a cell. */
function beforeEachCell(executorModule, first) {
  const { createExecutor } = executorModule;
  executorModule.createExecutor = (...settings) => {
    const executor = createExecutor(...settings);
    const execute = (source) => {
      first();
      return executor.execute(source);
    };
    return { ...executor, execute };
  };
}

/** Tells under a cell when the library is another one: what is loaded already stays as it was, and need not fit. */
function tellOfRebuild(compiledAt) {
  let known = compiledAt();
  return () => {
    const now = compiledAt();
    if (now === known) return;
    known = now;
    process.stderr.write(
      'The library was compiled again since this kernel started: restart the kernel to use it.\n',
    );
  };
}

process.chdir(join(root, 'notebooks'));
const ofKernel = createRequire(kernel);
showErrorsInWords(console);
acceptShorthand(ofKernel('./converter.js'), ofKernel('@tslab/typescript-for-tslab'));
beforeEachCell(ofKernel('./executor.js'), tellOfRebuild(compiledAt));
require(kernel).main();
