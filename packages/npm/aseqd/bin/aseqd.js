#!/usr/bin/env node
'use strict';
// Starts the program of the package for this machine.

const { findProgram, supported } = require('../lib/program.js');

const args = process.argv.slice(2);
// The status of `aseqd run` if it fails itself is 127, as for a shell.
const failed = (error) => {
  process.stderr.write(`aseqd: ${error.message}\n`);
  process.exit(args[0] === 'run' ? 127 : 1);
};
if (supported) {
  let program;
  try {
    program = findProgram();
  } catch (error) {
    failed(error);
  }
  require('../lib/start.js').start(program, args, failed);
} else {
  require('../lib/elsewhere.js').elsewhere(args);
}
