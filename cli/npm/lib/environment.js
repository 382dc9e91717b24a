'use strict';

// The Python environment that holds the wheel of this package: made at the first start, found at every other.
//
// It is kept in the user's cache, one for each version of Arc, so that `npx` with a new copy of this package starts at
// once and without a network. Several first starts at the same moment each make one, below a name of their own; the
// first to finish gives it the name that counts, and the others use that.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { version } = require('../package.json');

const OLDEST = [3, 11];
const WINDOWS = process.platform === 'win32';
const HOW_TO_GET_PYTHON = 'install it from https://www.python.org/downloads/, or uv from https://docs.astral.sh/uv/';

/** Neither Python nor uv is there, or the environment cannot be made; `message` says what to do. */
class NoPythonError extends Error {}

/**
 * The Python of the environment, which is made if it is not there.
 *
 * @returns {string} the path of its executable.
 * @throws {NoPythonError}
 */
function environment() {
  const folder = path.join(cacheFolder(), `arclog-${version}`);
  const python = pythonIn(folder);
  // A Python that was upgraded or removed leaves a link to nothing behind.
  if (fs.existsSync(python)) return python;
  const made = fs.mkdtempSync(path.join(makeFolder(path.dirname(folder)), `arclog-${version}.`));
  try {
    make(made);
    fs.rmSync(folder, { recursive: true, force: true });
    fs.renameSync(made, folder);
  } catch (error) {
    if (!fs.existsSync(python)) throw error;
  } finally {
    fs.rmSync(made, { recursive: true, force: true });
  }
  return python;
}

/** Make an environment with the wheel in a folder that is empty. */
function make(folder) {
  const wheel = findWheel();
  const python = findPython();
  console.error(`arc: making a Python environment, once (${python ? python.join(' ') : 'uv'}) ...`);
  if (python) {
    run([...python, '-m', 'venv', folder]);
    run([pythonIn(folder), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wheel]);
  } else {
    run(['uv', 'venv', '--quiet', '--allow-existing', '--python', `>=${OLDEST.join('.')}`, folder]);
    run(['uv', 'pip', 'install', '--quiet', '--python', pythonIn(folder), wheel]);
  }
}

/** The words that start a Python that is new enough; null where only uv is there. */
function findPython() {
  const named = process.env.ARC_PYTHON;
  const known = WINDOWS ? [['py', '-3'], ['python']] : ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11'].map((name) => [name]);
  const found = (named ? [[named]] : known).find(isNewEnough);
  if (found) return found;
  if (named) throw new NoPythonError(`ARC_PYTHON names ${named}, which is no Python ${OLDEST.join('.')} or newer`);
  if (spawnSync('uv', ['--version']).status === 0) return null;
  throw new NoPythonError(`Arc needs Python ${OLDEST.join('.')} or newer, or uv: ${HOW_TO_GET_PYTHON}`);
}

function isNewEnough([program, ...words]) {
  const test = `import sys, venv, ensurepip; sys.exit(sys.version_info < (${OLDEST.join(', ')}))`;
  return spawnSync(program, [...words, '-c', test], { stdio: 'ignore' }).status === 0;
}

function findWheel() {
  const folder = path.join(__dirname, '..', 'wheel');
  const wheels = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith('.whl')) : [];
  if (wheels.length !== 1) throw new NoPythonError(`this package was built without its wheel: build it with: make release`);
  return path.join(folder, wheels[0]);
}

function run([program, ...words]) {
  // What is said meanwhile is no output of the command.
  const done = spawnSync(program, words, { stdio: ['ignore', 2, 2] });
  if (done.status !== 0) throw new NoPythonError(`the Python environment could not be made: ${[program, ...words].join(' ')} failed`);
}

function cacheFolder() {
  if (process.env.XDG_CACHE_HOME) return path.join(process.env.XDG_CACHE_HOME, 'arclog');
  if (WINDOWS) return path.join(process.env.LOCALAPPDATA || path.join(os.homedir(), 'AppData', 'Local'), 'arclog');
  return path.join(os.homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache', 'arclog');
}

function makeFolder(folder) {
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

function pythonIn(folder) {
  return WINDOWS ? path.join(folder, 'Scripts', 'python.exe') : path.join(folder, 'bin', 'python');
}

module.exports = { environment, NoPythonError };
