'use strict';
// Stryker's runner asks for mocha's parts without their ending, which is .cjs since mocha 12.
const { Module } = require('node:module');

Module._extensions['.cjs'] ??= Module._extensions['.js'];
