'use strict';

// Stands in for a program: its streams are ours, signals that reach us reach it, and we end as it ends.

const { spawn } = require('node:child_process');

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK'];
// A terminal sends these to all of its programs, so that ours has them already.
const FROM_TERMINAL = new Set(['SIGINT', 'SIGQUIT', 'SIGBREAK']);

/**
 * Run a program in our place.
 *
 * @param {string} program its path.
 * @param {string[]} words its arguments.
 */
function pass(program, words) {
  const child = spawn(program, words, { stdio: 'inherit' });
  for (const signal of SIGNALS) {
    try {
      process.on(signal, () => process.stdin.isTTY && FROM_TERMINAL.has(signal) ? undefined : child.kill(signal));
    } catch {
      // This system knows no such signal.
    }
  }
  child.on('error', (error) => {
    console.error(`arc error: ${program}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    // Whoever waits for us learns by which signal it ended.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

module.exports = { pass };
