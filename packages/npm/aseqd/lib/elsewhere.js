'use strict';
// The program on systems that have no ALSA sequencer: `aseqd run -- CMD` runs CMD as it is.

const { start } = require('./start.js');
const { version } = require('./program.js');

// Set for commands that have been told that aseqd does nothing here.
const TOLD = 'ASEQD_TOLD';
// Options whose value is the next argument.
const WITH_VALUE = ['--via', '--join', '--clients', '--color', '--ump'];

/** Splits the arguments: the name of our command, and the command that it runs. */
function parse(args) {
  let own;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === '--') return { own, command: args.slice(i + 1) };
    if (WITH_VALUE.includes(arg)) i++;
    else if (arg.startsWith('-')) {
      if (['-V', '--version', '-h', '--help'].includes(arg)) return { own: arg, command: [] };
    } else if (own === undefined) {
      own = arg;
      if (own !== 'run') return { own, command: [] };
    } else return { own, command: args.slice(i) };
  }
  return { own, command: [] };
}

/** Quotes an argument for cmd.exe, which starts npm.cmd and its like. */
function quoted(argument, twice) {
  const inner = argument.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\*)$/, '$1$1');
  const escape = (text) => text.replace(/[()\][%!^"`<>&|;, *?]/g, '^$&');
  const once = escape(`"${inner}"`);
  return twice ? escape(once) : once;
}

function elsewhere(args, system = process.platform) {
  const { own, command } = parse(args);
  const exit = (status, message) => {
    if (message) process.stderr.write(`aseqd: ${message}\n`);
    process.exit(status);
  };
  if (own === '-V' || own === '--version') {
    process.stdout.write(`aseqd ${version}\n`);
    return;
  }
  if (own !== 'run' || command.length === 0) {
    const help = own === undefined || own === '-h' || own === '--help';
    exit(help ? 2 : 1, `there is no ALSA sequencer on ${system}. Here, only this works: aseqd run -- CMD`);
  }
  if (!process.env[TOLD]) {
    process.stderr.write(`aseqd: ${system} has no ALSA sequencer, so the command runs without one\n`);
  }
  const env = { [TOLD]: '1' };
  const [name] = command;
  const failed = (error) => {
    if (error.code === 'ENOENT') exit(127, `${name}: command not found`);
    exit(126, `${name} cannot be started: ${error.message}`);
  };
  if (process.platform === 'win32' && !/\.(exe|com)$/i.test(name)) {
    // Scripts such as npm.cmd need cmd.exe, which reads their arguments a second time.
    const line = [quoted(name, false), ...command.slice(1).map((word) => quoted(word, true))].join(' ');
    const shell = process.env.comspec || 'cmd.exe';
    start(shell, ['/d', '/s', '/c', `"${line}"`], failed, { env, windowsVerbatimArguments: true });
    return;
  }
  start(pathOf(name), command.slice(1), failed, { env });
}

/** Returns the path of a command: process.execve does not look for it in PATH. */
function pathOf(name) {
  const { join, delimiter } = require('node:path');
  const { accessSync, constants, statSync } = require('node:fs');
  if (name.includes('/') || process.platform === 'win32') return name;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder || '.', name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // It is not in this folder.
    }
  }
  return name;
}

module.exports = { elsewhere, parse, quoted };
