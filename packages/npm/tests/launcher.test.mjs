// The program as npm installs it, here and on systems without ALSA.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve('aseqd/package.json'));
const launcher = join(folder, 'bin/aseqd.js');
const { parse, quoted } = require(join(folder, 'lib/elsewhere.js'));

const work = mkdtempSync(join(tmpdir(), 'aseqd-npm-'));
process.on('exit', () => rmSync(work, { recursive: true }));

/** Runs the launcher, with options of node before it. */
function aseqd(args, { node = [], ...options } = {}) {
  const ended = spawnSync(process.execPath, [...node, launcher, ...args], { encoding: 'utf8', ...options });
  return [ended.status ?? ended.signal, ended.stdout, ended.stderr];
}

/** Returns options with which node takes this machine for another one. */
function disguise(platform, arch = 'x64') {
  const file = join(work, `${platform}-${arch}.cjs`);
  const set = (name, value) => `Object.defineProperty(process, '${name}', { value: '${value}' });\n`;
  // A command that is run sees the real machine.
  writeFileSync(file, set('platform', platform) + set('arch', arch) + 'process.execve = undefined;\n');
  return { node: ['--require', file] };
}

test('streams and exit status are those of the command', () => {
  assert.deepEqual(aseqd(['run', '--', 'sh', '-c', 'cat; echo err >&2; exit 7'], { input: 'in' }), [7, 'in', 'err\n']);
  assert.deepEqual(aseqd(['run', '--', 'sh', '-c', 'kill -TERM $$'])[0], 143);
  assert.deepEqual(aseqd(['run', '--', '/no/such/command'])[0], 127);
  assert.deepEqual(aseqd(['nonsense'])[0], 2);
  assert.match(aseqd(['--version'])[1], /^aseqd \d/);
  assert.match(aseqd(['run', '--', process.execPath, launcher, 'ls'])[1], /Midi Through/);
});

// With and without process.execve, which newer versions of Node have.
for (const without of [false, true]) {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    test(`${signal} reaches the command${without ? ' without execve' : ''}`, async () => {
      const script = 'trap "echo $0; exit 9" TERM INT HUP; echo started; while :; do sleep 0.05; done';
      const options = without ? disguise('linux', process.arch).node : [];
      const child = spawn(process.execPath, [...options, launcher, 'run', '--', 'sh', '-c', script, 'heard'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout.on('data', (data) => {
        if (said === '') child.kill(signal);
        said += data;
      });
      const [status] = await once(child, 'close');
      assert.deepEqual([status, said], [9, 'started\nheard\n']);
    });
  }
}

for (const platform of ['darwin', 'win32']) {
  test(`on ${platform}, commands run as they are`, { skip: platform === 'win32' && 'cmd.exe is needed' }, () => {
    const machine = disguise(platform);
    const told = `aseqd: ${platform} has no ALSA sequencer, so the command runs without one\n`;
    const run = ['run', '--via', 'fuse', '-v', '--', 'sh', '-c'];
    assert.deepEqual(aseqd([...run, 'echo out; exit 3'], machine), [3, 'out\n', told]);
    // A run within a run says nothing.
    const nested = `'${process.execPath}' ${machine.node.join(' ')} '${launcher}' run sh -c 'exit 4'`;
    assert.deepEqual(aseqd([...run, nested], machine), [4, '', told]);
    assert.equal(aseqd(['run', '--', 'sh', '-c', 'kill -KILL $$'], machine)[0], 'SIGKILL');
    assert.deepEqual(aseqd(['run', '/no/such/command'], machine)[0], 127);
    assert.deepEqual(aseqd(['run', '--', '/'], machine)[0], 126);
  });
}

test('other commands say that they cannot work elsewhere', () => {
  for (const platform of ['darwin', 'win32']) {
    const [status, , stderr] = aseqd(['ls'], disguise(platform));
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`no ALSA sequencer on ${platform}`));
    assert.match(aseqd(['-V'], disguise(platform))[1], /^aseqd \d/);
  }
});

test('the arguments of a run are split as the program does', () => {
  assert.deepEqual(parse(['run', '--', 'a', '--', '-b']).command, ['a', '--', '-b']);
  assert.deepEqual(parse(['run', '--via', 'trap', 'a', '-b']).command, ['a', '-b']);
  assert.deepEqual(parse(['--color', 'never', 'run', '--clients=3', '-v', 'a']).command, ['a']);
  assert.deepEqual(parse(['run']).command, []);
  assert.deepEqual(parse(['ls', 'run', 'a']), { own: 'ls', command: [] });
  assert.equal(parse(['run', '--help', 'a']).own, '--help');
});

test('arguments are quoted for cmd.exe', () => {
  assert.equal(quoted('a b', false), '^"a^ b^"');
  assert.equal(quoted('say "hi"\\', false), '^"say^ \\^"hi\\^"\\\\^"');
  assert.equal(quoted('100%', true), '^^^"100^^^%^^^"');
});

test('a machine without a program is told which there are', () => {
  const [status, , stderr] = aseqd(['run', '--', 'true'], disguise('linux', 's390x'));
  assert.deepEqual([status, stderr.includes('no program for linux on s390x; there is @aseqd/linux-')], [127, true]);
  assert.equal(aseqd(['ls'], disguise('linux', 's390x'))[0], 1);
});

test('elsewhere, the module says that there is no sequencer', () => {
  const script = `
    const { sequencer } = require('aseqd');
    require('aseqd/register');
    require('aseqd/register');
    sequencer.ls().catch((error) => console.log(sequencer.available, error.message));`;
  const ended = spawnSync(process.execPath, [...disguise('darwin').node, '--eval', script], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  assert.equal(ended.stdout, 'false darwin has no ALSA sequencer; skip this test if sequencer.available is false\n');
  assert.equal(ended.stderr, 'aseqd: darwin has no ALSA sequencer, so the tests run without one\n');
});

for (const [kind, script] of [
  ['import', "import 'aseqd/register'; import { sequencer } from 'aseqd'; console.log((await sequencer.ls()).length);"],
  ['require', "require('aseqd/register'); require('aseqd').sequencer.ls().then((list) => console.log(list.length));"],
]) {
  test(`register by ${kind} starts the program again`, () => {
    const file = join(import.meta.dirname, `registered.${kind === 'import' ? 'mjs' : 'cjs'}`);
    writeFileSync(file, `${script}\nprocess.on('exit', () => process.exitCode = process.argv.length);`);
    for (const node of [[], disguise('linux', process.arch).node]) {
      const { ASEQD_REGISTERED: _, ...env } = process.env;
      const ended = spawnSync(process.execPath, [...node, file, 'a', 'b'], { env, encoding: 'utf8' });
      assert.deepEqual([ended.status, ended.stdout, ended.stderr], [4, '3\n', '']);
    }
  });
}
