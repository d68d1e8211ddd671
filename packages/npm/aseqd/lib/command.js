'use strict';
// The commands of the program that the module is built on.

const { execFile, spawn } = require('node:child_process');
const { createInterface } = require('node:readline');
const { findProgram, supported } = require('./program.js');

/** The sequencer, or the program aseqd, has refused something. */
class SequencerError extends Error {
  name = 'SequencerError';
}

// Node ends when the test ends; what still runs then is told to end, too.
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill();
});

function program() {
  if (!supported) {
    throw new SequencerError(
      `${process.platform} has no ALSA sequencer; skip this test if sequencer.available is false`,
    );
  }
  try {
    return findProgram();
  } catch (error) {
    throw new SequencerError(error.message);
  }
}

/** Makes an error of what a command has printed. */
function errorOf(words, stderr) {
  const text = stderr.trim().replace(/^aseqd: /gm, '');
  return new SequencerError(text || `aseqd ${words.join(' ')} has failed`);
}

/** Runs a command to its end and returns what it prints. */
function output(words) {
  return new Promise((resolve, reject) => {
    execFile(program(), words, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error) reject(errorOf(words, stderr));
      else resolve(stdout);
    });
  });
}

/** Time for a command to end when its standard input has ended, in ms. It is killed after it. */
const TIME_TO_END = 2000;

/**
 * Starts a command that stays, and waits until it prints the address of its port (`--verbose`). Calls `onLine` for
 * each line, with that address, and `onEnd` at the end, with an error unless `stop` was called.
 */
async function stay(words, onLine, onEnd) {
  const child = spawn(program(), words, { stdio: 'pipe' });
  running.add(child);
  let stopped = false;
  let stderr = '';
  const closed = new Promise((resolve) => child.on('close', resolve));
  const ready = new Promise((resolve, reject) => {
    child.on('error', reject);
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (/^\d+:\d+$/.test(line)) resolve(line);
      else stderr += `${line}\n`;
    });
    closed.then(() => reject(errorOf(words, stderr)));
  });
  // Errors of a pipe to a program that has ended: the end itself is told.
  child.stdin.on('error', () => {});
  let address;
  const early = [];
  createInterface({ input: child.stdout }).on('line', (line) => (address ? onLine(line, address) : early.push(line)));
  closed.then(() => {
    running.delete(child);
    onEnd(stopped ? null : errorOf(words, stderr));
  });
  address = await ready;
  for (const line of early) onLine(line, address);
  // From now on the command does not keep Node alive.
  child.unref();
  for (const stream of child.stdio) stream.unref();
  return {
    address,
    write: (text) => new Promise((resolve, reject) => {
      child.stdin.write(text, (error) => (error ? reject(errorOf(words, stderr)) : resolve()));
    }),
    /**
     * Ends the command, and resolves once its port is gone. A command that reads its standard input handles all of it
     * first; others are killed at once.
     */
    stop: async ({ reads }) => {
      stopped = true;
      child.ref();
      for (const stream of child.stdio) stream.ref?.();
      child.stdin.end();
      const timer = setTimeout(() => child.kill(), reads ? TIME_TO_END : 0);
      await closed;
      clearTimeout(timer);
    },
  };
}

module.exports = { output, SequencerError, stay };
