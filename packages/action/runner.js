// The protocol between an action and the runner: environment variables, files, and lines that begin with `::`.
'use strict';
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');

/** An error for the user: its message is all that is printed. */
class Failure extends Error {}

/** Returns an input of the action, or ''. */
const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim();

/** Returns whether an input is true. Throws if it is neither true nor false. */
function inputIsTrue(name) {
  const value = input(name).toLowerCase() || 'false';
  if (value !== 'true' && value !== 'false') {
    throw new Failure(`the input ${name} is "${value}", neither true nor false`);
  }
  return value === 'true';
}

/** Prints a notice, which is shown on the page of the workflow run. */
const notice = (text) => console.log(`::notice title=aseqd::${text}`);

/** Sets an output of the action. */
const setOutput = (name, value) => fs.appendFileSync(process.env.GITHUB_OUTPUT, `${name}=${value}\n`);

/** Keeps a value for the step at the end of the job, which finds it with `state`. */
const setState = (name, value) => fs.appendFileSync(process.env.GITHUB_STATE, `${name}=${value}\n`);

/** Returns a value that `setState` has kept, or ''. */
const state = (name) => process.env[`STATE_${name}`] ?? '';

/** Runs a command as root: directly, or with sudo if that asks for no password. */
function asRoot(words, options) {
  const all = process.getuid() === 0 ? words : ['sudo', '-n', ...words];
  return spawnSync(all[0], all.slice(1), options);
}

module.exports = { Failure, asRoot, input, inputIsTrue, notice, setOutput, setState, state };
