'use strict';
// Lets Node load TypeScript, by tsx. Modules that others have published are left to Node alone: tsx would search
// their megabytes for what to translate and read their source maps, a third of the time in which a command starts.
const Module = require('node:module');

const byNode = Module._extensions['.js'];
require('tsx/cjs');
const byTsx = Module._extensions['.js'];

let loading = 0;
Module._extensions['.js'] = (module, file) => {
  if (!/[\\/]node_modules[\\/]/.test(file)) return byTsx(module, file);
  // A module that is loaded loads its own.
  if (loading++ === 0) process.setSourceMapsEnabled(false);
  try {
    return byNode(module, file);
  } finally {
    if (--loading === 0) process.setSourceMapsEnabled(true);
  }
};
