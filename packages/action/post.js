// Ends the server that `serve: true` has started, at the end of the job, and prints what it has said.
'use strict';
const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { asRoot, notice, state } = require('./runner.js');

// Maximum time for the server to end, in ms. It needs a few milliseconds; a machine that swaps needs more.
const END_TIMEOUT = 5000;

/** Returns whether a process is left. One that has ended but has not been waited for has no command line. */
function isRunning(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('serve');
  } catch {
    return false;
  }
}

async function main() {
  const pid = state('server');
  if (!pid) return;
  if (isRunning(pid)) {
    asRoot(['kill', pid], { stdio: 'inherit' });
  } else {
    notice('the sequencer of "serve: true" had ended before the job did');
  }
  for (const begun = Date.now(); isRunning(pid); await sleep(20)) {
    if (Date.now() - begun > END_TIMEOUT) {
      notice(`aseqd serve does not end within ${END_TIMEOUT / 1000} s, and is killed`);
      asRoot(['kill', '-KILL', pid], { stdio: 'inherit' });
      break;
    }
  }
  console.log(fs.readFileSync(state('log'), 'utf8').trim());
}

main();
