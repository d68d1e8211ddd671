'use strict';
// Finds the program aseqd, which a package of its own holds for each architecture.

const { version } = require('../package.json');

/** Whether there can be an ALSA sequencer on this system. */
const supported = process.platform === 'linux';

/**
 * Returns the path of the program.
 *
 * Throws an Error that says what to do if its package is not installed, or if there is none for this machine.
 */
function findProgram() {
  const name = `@aseqd/${process.platform}-${process.arch}`;
  const known = Object.keys(require('../package.json').optionalDependencies ?? {});
  if (!known.includes(name)) {
    throw new Error(`there is no program for ${process.platform} on ${process.arch}; there is ${known.join(', ')}`);
  }
  let path;
  let found;
  try {
    path = require.resolve(`${name}/bin/aseqd`);
    found = require(`${name}/package.json`).version;
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    throw new Error(
      `the package ${name} is not installed. It is an optional dependency of aseqd: install without ` +
        '--omit=optional, and not with a node_modules folder of another machine. If the lock file was ' +
        `written without it, run: npm install --save-dev aseqd@${version}`,
    );
  }
  if (found !== version) {
    throw new Error(`the package ${name} has version ${found}, but aseqd has ${version}: install aseqd again`);
  }
  return path;
}

module.exports = { findProgram, supported, version };
