#!/usr/bin/env node
'use strict';

// The command `arc` for those who come from npm: runs the Python program that this package carries.

const { environment, NoPythonError } = require('../lib/environment');
const { pass } = require('../lib/pass');

try {
  pass(environment(), ['-P', '-m', 'arc', ...process.argv.slice(2)]);
} catch (error) {
  if (!(error instanceof NoPythonError)) throw error;
  console.error(`arc error: ${error.message}`);
  process.exitCode = 1;
}
