// Installs the released aseqd for the steps that follow. action.yml describes the inputs and outputs.
//
// JavaScript, because only that gives an action a step at the end of the job, runs on every system, and needs neither
// curl nor certificates in the job's container. It uses Node's own modules only.
'use strict';
const { spawn, spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { gunzipSync } = require('node:zlib');
const { Failure, asRoot, input, inputIsTrue, notice, setOutput, setState } = require('./runner.js');

// Target of the static program, by Node's name of the processor.
const TARGETS = { x64: 'x86_64-unknown-linux-musl', arm64: 'aarch64-unknown-linux-musl' };
// Maximum time for one download, in ms. The archive has about 2 MB.
const DOWNLOAD_TIMEOUT = 60_000;
// Attempts for one download. Release servers fail now and then; three in a row mean more than that.
const DOWNLOAD_ATTEMPTS = 3;
// Maximum time until `aseqd serve` answers, in ms. It takes a few milliseconds on an idle machine.
const SERVE_TIMEOUT = 10_000;

/** Returns the version of this action and the URL of its releases. */
function release() {
  // packages/action/build writes release.json. Without it, the action is used from the source tree.
  const own = path.join(__dirname, 'release.json');
  if (fs.existsSync(own)) return JSON.parse(fs.readFileSync(own, 'utf8'));
  const manifest = fs.readFileSync(path.join(__dirname, '../../Cargo.toml'), 'utf8');
  const value = (key) => new RegExp(`^${key} = "(.*)"$`, 'm').exec(manifest)[1];
  return { version: value('version'), base: `${value('repository')}/releases/download` };
}

/** Returns the bytes at a URL. */
async function download(url) {
  if (url.startsWith('file:')) {
    try {
      return fs.readFileSync(new URL(url));
    } catch (error) {
      throw new Failure(`${url} cannot be read: ${error.message}`);
    }
  }
  let why;
  for (let attempt = 1; attempt <= DOWNLOAD_ATTEMPTS; attempt += 1) {
    if (attempt > 1) await sleep(1000 * (attempt - 1));
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT) });
      if (answer.ok) return Buffer.from(await answer.arrayBuffer());
      why = `the server answers ${answer.status} ${answer.statusText}`;
      // The server has understood, and does not have it.
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) break;
    } catch (error) {
      why = error.cause?.message ?? error.message;
    }
  }
  throw new Failure(`${url} cannot be downloaded: ${why}`);
}

/** Downloads the program into a folder, once its checksum is right, and returns its path. */
async function install(version, target, folder) {
  const own = release();
  const base = (input('base-url') || own.base).replace(/\/+$/, '');
  const name = `aseqd-${version}-${target}.tar.gz`;
  const shipped = path.join(__dirname, 'SHA256SUMS');
  // The action carries the checksums of its own release. Others are taken from beside the program.
  const sums =
    version === own.version && fs.existsSync(shipped)
      ? fs.readFileSync(shipped, 'utf8')
      : (await download(`${base}/v${version}/SHA256SUMS`)).toString();
  const wanted = sums.split('\n').map((line) => line.trim().split(/\s+\*?/)).find((words) => words[1] === name)?.[0];
  if (!wanted) throw new Failure(`SHA256SUMS of version ${version} does not list ${name}`);
  const archive = await download(`${base}/v${version}/${name}`);
  const sum = createHash('sha256').update(archive).digest('hex');
  if (sum !== wanted) throw new Failure(`${name} has the wrong checksum: ${sum} instead of ${wanted}`);

  const member = `aseqd-${version}-${target}/aseqd`;
  const tar = spawnSync('tar', ['-xf', '-', '-C', folder, member], { input: gunzipSync(archive), encoding: 'utf8' });
  if (tar.error) throw new Failure(`tar cannot be run: ${tar.error.message}`);
  if (tar.status !== 0) throw new Failure(`${name} cannot be unpacked: ${tar.stderr.trim()}`);
  const program = path.join(folder, 'aseqd');
  fs.renameSync(path.join(folder, member), program);
  fs.rmdirSync(path.join(folder, path.dirname(member)));
  return program;
}

/** Puts a stand-in for aseqd on the PATH, which runs `aseqd run -- CMD` as CMD. */
function installStandIn(folder) {
  fs.copyFileSync(path.join(__dirname, 'stand-in.sh'), path.join(folder, 'aseqd'));
  fs.chmodSync(path.join(folder, 'aseqd'), 0o755);
}

/** Lets user namespaces mount, on Ubuntu 24.04 and later. Failing is no error: `aseqd run` has other doors. */
function tune() {
  const restrict = path.join(process.env.ASEQD_ACTION_PROC ?? '/proc', 'sys/kernel/apparmor_restrict_unprivileged_userns');
  if (fs.existsSync(restrict) && fs.readFileSync(restrict, 'utf8').trim() === '1') {
    const done = asRoot(['tee', restrict], { input: '0\n', stdio: ['pipe', 'ignore', 'ignore'] });
    if (done.status !== 0) notice('user namespaces stay restricted, so `aseqd run` uses another door than fuse');
  }
  if (!fs.existsSync('/dev/fuse')) asRoot(['modprobe', 'fuse'], { stdio: 'ignore' });
}

/** Installs alsa-utils, on Debian and Ubuntu. */
function installAlsaUtils() {
  if (spawnSync('aplaymidi', ['--version'], { stdio: 'ignore' }).status === 0) return;
  asRoot(['apt-get', 'update', '-qq'], { stdio: 'inherit' });
  const done = asRoot(
    ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'alsa-utils'],
    { stdio: 'inherit' },
  );
  if (done.status !== 0) throw new Failure('alsa-utils cannot be installed: this takes apt-get, and root or sudo');
}

/** Serves /dev/snd/seq in the background, and returns once it answers. */
async function serve(program, folder) {
  const root = process.getuid() === 0;
  const log = path.join(folder, 'serve.log');
  const out = fs.openSync(log, 'w');
  // The users of later steps are seldom in the group audio.
  const words = [program, 'serve', '--mode', '0666'];
  if (!root) words.unshift('sudo', '-n');
  const server = spawn(words[0], words.slice(1), { detached: true, stdio: ['ignore', out, out] });
  fs.closeSync(out);
  let ended = false;
  server.on('error', (error) => { ended = true; fs.appendFileSync(log, `${words[0]}: ${error.message}\n`); });
  server.on('exit', () => { ended = true; });
  const said = () => fs.readFileSync(log, 'utf8').trim().replaceAll('\n', '; ');
  for (const begun = Date.now(); !ended; await sleep(50)) {
    if (said().includes('serving ') && spawnSync(program, ['ls', '--device', '/dev/snd/seq']).status === 0) {
      server.unref();
      setState('server', server.pid);
      setState('log', log);
      return;
    }
    if (Date.now() - begun > SERVE_TIMEOUT) {
      asRoot(['kill', `${server.pid}`], { stdio: 'ignore' });
      throw new Failure(`aseqd serve does not answer within ${SERVE_TIMEOUT / 1000} s: ${said()}`);
    }
  }
  throw new Failure(
    `/dev/snd/seq cannot be served to the machine: ${said()}. Without root and mounts, leave out "serve" and use \`aseqd run -- CMD\``,
  );
}

/** Prints what works on this machine, adds it to the job's summary, and returns the door of `aseqd run`. */
function report(program, version) {
  const text = spawnSync(program, ['doctor', '--color', 'never'], { encoding: 'utf8' });
  console.log(text.stdout);
  if (process.env.GITHUB_STEP_SUMMARY) {
    fs.appendFileSync(process.env.GITHUB_STEP_SUMMARY, `### aseqd ${version}\n\n\`\`\`\n${text.stdout.trim()}\n\`\`\`\n`);
  }
  const tried = spawnSync(program, ['run', '--verbose', '--', program, 'ls'], { encoding: 'utf8' });
  if (tried.status !== 0) throw new Failure(`no program can use the sequencer here: ${tried.stderr.trim()}`);
  return JSON.parse(spawnSync(program, ['doctor', '--json'], { encoding: 'utf8' }).stdout).taken;
}

async function main() {
  const temporary = process.env.RUNNER_TEMP || os.tmpdir();
  const folder = fs.mkdtempSync(path.join(temporary, 'aseqd-'));
  // Programs of other users, such as those of `sudo -u`, run it, too.
  fs.chmodSync(folder, 0o755);
  const platform = process.env.ASEQD_ACTION_PLATFORM ?? process.platform;
  const arch = process.env.ASEQD_ACTION_ARCH ?? process.arch;
  if (platform !== 'linux' || !TARGETS[arch]) {
    const here = platform === 'linux' ? `Linux on ${arch}` : { darwin: 'macOS', win32: 'Windows' }[platform] ?? platform;
    notice(`aseqd does nothing on ${here}: \`aseqd run -- CMD\` runs CMD as it is`);
    installStandIn(folder);
    fs.appendFileSync(process.env.GITHUB_PATH, `${folder}\n`);
    return;
  }
  const version = (input('version') || release().version).replace(/^v/, '');
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) {
    throw new Failure(`the input version is "${version}", not a version such as 0.1.0`);
  }
  const program = await install(version, TARGETS[arch], folder);
  const ran = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (ran.status !== 0) throw new Failure(`aseqd does not run on this machine: ${ran.error?.message ?? ran.stderr.trim()}`);
  if (inputIsTrue('tune')) tune();
  if (inputIsTrue('alsa-utils')) installAlsaUtils();
  if (inputIsTrue('serve')) await serve(program, folder);
  const door = report(program, version);
  fs.appendFileSync(process.env.GITHUB_PATH, `${folder}\n`);
  setOutput('version', version);
  setOutput('door', door);
  setOutput('path', program);
}

// Node's fetch uses a proxy only if it is told so at its start (Node 24).
if ((process.env.https_proxy || process.env.HTTPS_PROXY) && !process.env.NODE_USE_ENV_PROXY) {
  const again = spawnSync(process.execPath, [__filename], { stdio: 'inherit', env: { ...process.env, NODE_USE_ENV_PROXY: '1' } });
  process.exitCode = again.status ?? 1;
} else {
  main().catch((error) => {
    const text = error instanceof Failure ? error.message : error.stack;
    console.log(`::error title=aseqd::${text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')}`);
    process.exitCode = 1;
  });
}
