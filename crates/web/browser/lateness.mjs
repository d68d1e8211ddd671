// How late events are beside a page: aseqd run -- node lateness.mjs [ROUNDS], with ASEQD_BIN.
//
// In each round a song of 5,000 events a second is played for some seconds beside nothing, beside `aseqd web` that nobody looks at,
// beside a page that reads everything without drawing it, as if the browser was on another machine, and beside Chromium.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { launch, open, until } from './browser.mjs';

const { ASEQD_BIN } = process.env;
const ROUNDS = Number(process.argv[2] ?? 5);
const SECONDS = 6;
const RATE = 5000; // events a second
const folder = mkdtempSync(join(tmpdir(), 'aseqd-lateness-'));

// One track at 1,000 ticks a second, with notes on 16 channels in each tick.
function song() {
  const bytes = [0, 0xff, 0x51, 3, 0x07, 0xa1, 0x20];
  const each = RATE / 1000;
  for (let tick = 0; tick < SECONDS * 1000; tick++) {
    for (let at = 0; at < each; at++) bytes.push(at ? 0 : 1, 0x90 | (tick + at) % 16, 40 + (tick % 40), (tick >> 1) % 2 ? 64 : 0);
  }
  bytes.push(0, 0xff, 0x2f, 0);
  const head = Buffer.alloc(22);
  head.write('MThd');
  head.writeUInt32BE(6, 4);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(1, 10);
  head.writeUInt16BE(500, 12);
  head.write('MTrk', 14);
  head.writeUInt32BE(bytes.length, 18);
  writeFileSync(join(folder, 'song.mid'), Buffer.concat([head, Buffer.from(bytes)]));
}

function start(...args) {
  const child = spawn(ASEQD_BIN, args, { env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder } });
  const program = { child, out: '', errors: '', gone: new Promise((done) => child.on('exit', done)) };
  // Of what a monitor prints, the last line has all.
  child.stdout.on('data', (data) => (program.out = (program.out + data).slice(-1000)));
  child.stderr.on('data', (data) => (program.errors += data));
  program.end = async (signal = 'SIGINT') => {
    child.kill(signal);
    await program.gone;
  };
  return program;
}

async function measured() {
  const monitor = start('monitor', '--lateness', '--verbose', 'Midi Through');
  await until('the monitor', () => /\d+:\d+/.test(monitor.errors));
  await start('play', '--quiet', '-p', 'Midi Through', join(folder, 'song.mid')).gone;
  await monitor.end();
  await until('the last line', () => /lateness of .*\n$/.test(monitor.out));
  const found = /events, none lost; lateness of (\d+): median (-?\d+) us, 99% (-?\d+) us, most (-?\d+) us/.exec(monitor.out);
  if (!found) throw new Error(`the monitor has not heard all: ${monitor.out}`);
  const [count, median, p99, most] = found.slice(1).map(Number);
  return { count, median, p99, most };
}

async function web() {
  const program = start('web');
  program.url = await until('the address of the page', () => /https?:\/\/\S+/.exec(program.out)?.[0]);
  return program;
}

const MODES = {
  'no server of pages': () => measured(),
  'no page': async () => {
    const program = await web();
    const found = await measured();
    await program.end('SIGTERM');
    return found;
  },
  'a page, not drawn': async () => {
    const program = await web();
    const url = new URL(program.url);
    const socket = new WebSocket(`ws://${url.host}/ws`, { origin: url.origin });
    await new Promise((done, failed) => socket.on('open', done).on('error', failed));
    socket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
    let bytes = 0;
    socket.on('message', (data) => (bytes += data.length));
    await until('a snapshot', () => bytes > 500);
    socket.send(JSON.stringify({ id: 1, do: 'activity', on: true }));
    socket.send(JSON.stringify({ id: 2, do: 'monitor.open' }));
    const before = bytes;
    const found = await measured();
    if (bytes - before < RATE * SECONDS * 8) throw new Error(`the page has read only ${bytes - before} bytes`);
    socket.close();
    await program.end('SIGTERM');
    return found;
  },
  'Chromium here, patch': (browser) => drawn(browser),
  'Chromium here, monitor': (browser) => drawn(browser, 'Monitor'),
};

async function drawn(browser, view) {
  const program = await web();
  const page = await open(browser, program.url);
  if (view) await page.locator('nav').getByRole('link', { name: view, exact: true }).click();
  const found = await measured();
  await page.context().close();
  await program.end('SIGTERM');
  return found;
}

const middle = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

song();
const browser = await launch();
const table = new Map(Object.keys(MODES).map((name) => [name, []]));
try {
  for (let round = 0; round < ROUNDS; round++) for (const [name, mode] of Object.entries(MODES)) table.get(name).push(await mode(browser));
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
const base = middle(table.get('no page').map(({ p99 }) => p99));
console.log(`lateness of ${RATE} events a second in us, medians of ${ROUNDS} rounds of ${SECONDS} s; the ratio is that to "no page"`);
console.log(`${'beside'.padEnd(24)} median    99%   most  ratio of 99%`);
for (const [name, rows] of table) {
  const [median, p99, most] = ['median', 'p99', 'most'].map((key) => middle(rows.map((row) => row[key])));
  console.log(`${name.padEnd(24)} ${String(median).padStart(6)} ${String(p99).padStart(6)} ${String(most).padStart(6)}  ${(p99 / base).toFixed(2)}`);
}
