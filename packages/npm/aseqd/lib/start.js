'use strict';
// Starts a program in the place of this one: its streams, signals and exit status are this program's.

const { spawn, spawnSync } = require('node:child_process');
const { constants } = require('node:os');

// Signals that a terminal sends to all processes in its foreground, the program included.
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT', 'SIGHUP'];
const FORWARDED = [...FROM_TERMINAL, 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'];

/** Replaces this process by the program, if Node can: from 22.15 on. Returns otherwise. */
function replace(program, args, env) {
  if (!process.execve || process.platform === 'win32') return;
  // Node warns that this function is experimental.
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    process.execve(program, [program, ...args], { ...process.env, ...env });
  } catch {
    process.emitWarning = emitWarning;
  }
}

/**
 * Replaces this process by the program if Node can, and starts it otherwise. Calls `failed` with the error if the
 * program cannot be started. This process ends when the program ends; until then, it only forwards signals.
 */
function start(program, args, failed, options = {}) {
  replace(program, args, options.env);
  const child = spawn(program, args, {
    stdio: 'inherit',
    ...options,
    env: { ...process.env, ...options.env },
  });
  const terminal = [0, 1, 2].some((fd) => require('node:tty').isatty(fd));
  for (const signal of FORWARDED) {
    if (!(signal in constants.signals)) continue;
    process.on(signal, () => {
      if (!terminal || !FROM_TERMINAL.includes(signal)) child.kill(signal);
    });
  }
  child.on('error', failed);
  child.on('exit', (status, signal) => {
    if (signal === null) process.exit(status);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // A signal that does not end Node, such as SIGUSR1, which starts its debugger.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  });
}

/** Does the same, and does not return. If Node cannot replace this process, a signal to it alone does not reach CMD. */
function startAndWait(program, args, failed, options = {}) {
  replace(program, args, options.env);
  const env = { ...process.env, ...options.env };
  const { error, status, signal } = spawnSync(program, args, { stdio: 'inherit', ...options, env });
  if (error) failed(error);
  process.exit(status ?? 128 + constants.signals[signal]);
}

module.exports = { start, startAndWait };
