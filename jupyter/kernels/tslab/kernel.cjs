// Starts this project's own tslab as a Jupyter kernel, wherever Jupyter was started from: cells run in
// notebooks/ and import the compiled library by its name, as any other project would.
const { existsSync, lstatSync, mkdirSync, symlinkSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname, join, resolve } = require('node:path');

const { acceptShorthand } = require('./shorthand.cjs');

const root = resolve(__dirname, '../../..');
const kernel = join(root, 'node_modules', 'tslab', 'dist', 'main.js');
const link = join(root, 'notebooks', 'node_modules', 'norm-direction-lab');

function stop(message) {
  process.stderr.write(`norm-direction-lab: ${message}\n`);
  process.exit(1);
}

if (!existsSync(kernel)) stop(`the kernel is not installed. Run npm ci in ${root}`);
if (!existsSync(join(root, 'dist', 'lib', 'index.js'))) {
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
process.chdir(join(root, 'notebooks'));
const ofKernel = createRequire(kernel);
acceptShorthand(ofKernel('./converter.js'), ofKernel('@tslab/typescript-for-tslab'));
require(kernel).main();
