'use strict';
// Starts this Node program again under `aseqd run`, so that it and its children have a sequencer.

const { isMainThread } = require('node:worker_threads');
const { findProgram, supported } = require('./program.js');

// Set in the run, which its processes see.
const MARK = 'ASEQD_REGISTERED';
// Set for processes that have been told that aseqd does nothing here: see elsewhere.js.
const TOLD = 'ASEQD_TOLD';

/** Calls a function of start.js, unless this process is in a run already or the system has no ALSA. */
function again(start) {
  if (!supported) {
    if (!process.env[TOLD]) {
      process.env[TOLD] = '1';
      process.stderr.write(`aseqd: ${process.platform} has no ALSA sequencer, so the tests run without one\n`);
    }
    return false;
  }
  if (!isMainThread || process.env[MARK]) return false;
  const failed = (error) => {
    process.stderr.write(`aseqd: ${error.message}\n`);
    process.exit(127);
  };
  let program;
  try {
    program = findProgram();
  } catch (error) {
    failed(error);
  }
  // Another clock: virtual, step or xN.
  const clock = process.env.ASEQD_TIME ? ['--time', process.env.ASEQD_TIME] : [];
  const args = ['run', ...clock, '--', process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  start(program, args, failed, { env: { [MARK]: '1' } });
  return true;
}

module.exports = { again };
