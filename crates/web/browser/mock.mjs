// A server that speaks the protocol of docs/web.md, with a world of its own: for tests of the page without a sequencer.
//
//   node mock.mjs [studio|large]     serves the page, prints its address; `large` has 500 ports and 2,000 connections

import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { encode } from './wire.mjs';
import { TAKES, large, studio } from './worlds.mjs';

// How much later the server is heard, in ms.
export const DELAY = Number(process.env.ASEQD_WEB_DELAY ?? 0);

export const PAGE = process.env.ASEQD_PAGE ?? fileURLToPath(new URL('../page', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
export const CSP = "default-src 'self'; connect-src 'self' ws:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const OWN = 129;

export class Mock {
  constructor(world = studio()) {
    Object.assign(this, { clients: new Map(), links: new Map(), queues: [], rules: { running: false, path: '/home/me/.config/aseqd/rules.toml', editable: true } });
    this.text = world.rules ?? '';
    this.delay = DELAY;
    this.silent = false; // keeps connections, and says nothing
    for (const client of world.clients) this.clients.set(client.id, client);
    for (const link of world.connections) this.links.set(`${link.from}>${link.to}`, link);
    this.queues = world.queues ?? [];
    this.players = (world.players ?? []).map((player) => ({ type: 'player', ...player }));
    this.rules.running = world.running ?? false;
    this.patches = new Map(world.patches ?? []);
    this.pages = new Set();
    this.sent = []; // what `send` got
    this.commands = [];
    this.refuse = undefined; // a function from a command to a sentence
    this.server = Math.random().toString(16).slice(2);
    this.token = undefined;
    this.prefix = ''; // the path that a proxy has it below
  }

  async listen(port = 0) {
    this.http = createServer((request, response) => {
      const path = normalize(new URL(request.url, 'http://x').pathname).replace(this.prefix, '');
      const file = join(PAGE, path === '/' ? 'index.html' : path);
      if (!TYPES[extname(file)] || !existsSync(file)) return response.writeHead(404).end();
      response.writeHead(200, { 'content-type': TYPES[extname(file)], 'content-security-policy': CSP, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' });
      createReadStream(file).pipe(response);
      return undefined;
    });
    this.sockets = new WebSocketServer({ server: this.http, path: `${this.prefix}/ws` });
    this.sockets.on('connection', (socket) => this.enter(socket));
    await new Promise((done) => this.http.listen(port, '127.0.0.1', done));
    this.port = this.http.address().port;
    this.url = `http://127.0.0.1:${this.port}${this.prefix}/`;
    return this;
  }

  async close() {
    clearInterval(this.playing);
    for (const { socket } of this.pages) socket.close(1001, 'the server ends');
    for (const socket of this.sockets.clients) socket.terminate();
    this.http.closeAllConnections();
    await new Promise((done) => this.http.close(done));
  }

  enter(socket) {
    const send = socket.send.bind(socket);
    socket.send = (data) => !this.silent && (this.delay ? setTimeout(() => socket.readyState === socket.OPEN && send(data), this.delay) : send(data));
    const page = { socket, seq: 0, activity: true, monitors: new Map(), next: 1 };
    const say = (message) => socket.send(JSON.stringify(message));
    socket.on('message', (data) => {
      const message = JSON.parse(data);
      if (message.type === 'hello') {
        if (this.token && message.token !== this.token) return socket.close(4001, 'the token is wrong');
        say({ type: 'hello', protocol: 1, version: '0.1.0', server: this.server, read_only: this.readOnly ?? false, own: OWN, keyboard: `${OWN}:0`, recordings: true, device: '/dev/snd/seq', limits: { message: 262144, rate: 200 } });
        this.pages.add(page);
        this.snapshot(page);
        for (const player of this.players) say(player);
        return undefined;
      }
      this.commands.push(message);
      let answer;
      try {
        const refused = this.refuse?.(message);
        if (refused) throw new Error(refused);
        answer = { type: 'answer', id: message.id, ok: true, value: this.command(message, page) };
      } catch (error) {
        answer = { type: 'answer', id: message.id, ok: false, error: error.message };
      }
      say(answer);
      return undefined;
    });
    socket.on('close', () => this.pages.delete(page));
  }

  snapshot(page) {
    page.socket.send(JSON.stringify({ type: 'snapshot', seq: ++page.seq, clients: [...this.clients.values()], connections: [...this.links.values()], queues: this.queues, rules: this.rules }));
  }

  delta(changes) {
    for (const page of this.pages) page.socket.send(JSON.stringify({ type: 'delta', seq: ++page.seq, ...changes }));
  }

  // The world changes.
  appear(client) {
    this.clients.set(client.id, client);
    this.delta({ clients: [client] });
  }
  vanish(id) {
    this.clients.delete(id);
    const cut = [];
    for (const [key, link] of this.links) {
      if ([link.from, link.to].some((port) => port.startsWith(`${id}:`))) {
        this.links.delete(key);
        cut.push([link.from, link.to]);
      }
    }
    this.delta({ gone: [id], cut });
  }
  connect(from, to, more = {}) {
    const link = { from, to, ...more };
    this.links.set(`${from}>${to}`, link);
    this.delta({ connections: [link] });
  }
  cut(from, to) {
    this.links.delete(`${from}>${to}`);
    this.delta({ cut: [[from, to]] });
  }

  has(from, to) {
    return this.links.get(`${from}>${to}`);
  }

  find(address) {
    const [client, port] = address.split(':').map(Number);
    return this.clients.get(client)?.ports.find(({ id }) => id === port);
  }

  command(command, page) {
    const { do: what, from, to } = command;
    const link = from && this.has(from, to);
    switch (what) {
      case 'connect':
        if (!this.find(from)?.sends || !this.find(to)?.receives) throw new Error(`cannot connect ${from} to ${to}: one of the ports does not allow it`);
        this.connect(from, to);
        return undefined;
      case 'disconnect':
        if (!link) throw new Error(`cannot disconnect ${from} from ${to}: they are not connected`);
        this.cut(from, to);
        return undefined;
      case 'filter': {
        const { filter: _, link: __, ...rest } = link ?? { from, to };
        this.connect(from, to, command.filter ? { ...rest, filter: command.filter, link: '131:2', kept: true } : rest);
        return undefined;
      }
      case 'keep':
        this.connect(from, to, { ...link, kept: command.on, rule: command.on ? 'rules.toml:12' : undefined });
        return undefined;
      case 'rules.get':
        return { text: this.text, path: this.rules.path, ...this.check(this.text), profiles: [], others: ['/etc/aseqd/rules.d/10-studio.toml'] };
      case 'rules.check':
        return this.check(command.text);
      case 'rules.set':
        if (command.was !== this.text) throw new Error('the file has changed in the meantime');
        this.text = command.text;
        return this.check(this.text);
      case 'rules.make': {
        const name = (address) => this.clients.get(Number(address.split(':')[0])).name.replace(/["\\\u0000-\u001f]/g, '?');
        return { text: `[[rule]]\nfrom = "${name(from)}"\nto = "${name(to)}"\n` };
      }
      case 'rules.run':
        this.rules = { ...this.rules, running: command.on };
        this.delta({ rules: this.rules });
        return undefined;
      case 'alias.set':
      case 'alias.remove':
        for (const client of this.clients.values()) {
          for (const port of client.ports) {
            const before = port.aliases ?? [];
            port.aliases = before.filter((name) => name !== command.name);
            if (what === 'alias.set' && command.port === `${client.id}:${port.id}`) port.aliases.push(command.name);
            if (String(before) !== String(port.aliases)) this.delta({ clients: [client] });
          }
        }
        return undefined;
      case 'patch.list':
        return { patches: [...this.patches].map(([name, links]) => ({ name, connections: links.length })) };
      case 'patch.save':
        this.patches.set(command.name, [...this.links.values()].map(({ from: a, to: b }) => [a, b]));
        return { connections: this.links.size };
      case 'patch.restore': {
        const done = [];
        const wanted = this.patches.get(command.name);
        for (const [a, b] of wanted) if (!this.has(a, b)) (this.connect(a, b), done.push({ from: a, to: b }));
        if (command.exact) for (const one of [...this.links.values()]) if (!wanted.some(([a, b]) => a === one.from && b === one.to)) (this.cut(one.from, one.to), done.push({ from: one.from, to: one.to, cut: true }));
        return { done, failed: [], missing: 0 };
      }
      case 'patch.remove':
        this.patches.delete(command.name);
        return undefined;
      case 'panic':
        return { ports: command.to ? 1 : [...this.clients.values()].flatMap(({ ports }) => ports.filter((port) => port.receives)).length };
      case 'send':
        if (!/^([0-9a-f]{2})+$/i.test(command.midi)) throw new Error('no whole bytes in hexadecimal');
        this.sent.push(command);
        return undefined;
      case 'activity':
        page.activity = command.on;
        return undefined;
      case 'monitor.open':
        page.monitors.set(page.next, command);
        return { monitor: page.next++, unwatched: [] };
      case 'monitor.set':
        page.monitors.set(command.monitor, command);
        return { monitor: command.monitor, unwatched: [] };
      case 'monitor.close':
        page.monitors.delete(command.monitor);
        return undefined;
      case 'transport': {
        const player = this.players.find((one) => one.port === command.port);
        if (!player) throw new Error(`there is no player at ${command.port}`);
        Object.assign(player, { play: { state: 'playing' }, pause: { state: 'paused' }, seek: { time: command.seconds }, song: { song: command.song, time: 0 } }[command.action]);
        for (const { socket } of this.pages) socket.send(JSON.stringify(player));
        return undefined;
      }
      case 'recording.list':
        return { recordings: TAKES.map(({ name, bytes, modified }) => ({ name, bytes, modified })) };
      case 'recording.load':
        return TAKES.find(({ name }) => name === command.name).take();
      case 'resync':
        this.snapshot(page);
        return undefined;
      case 'ping':
        return undefined;
      default:
        throw new Error(`no such command: ${what}`);
    }
  }

  // A check that knows only lines of TOML.
  check(text) {
    const problems = [];
    const warnings = [];
    text.split('\n').forEach((line, at) => {
      if (!/^\s*(#.*|\[\[?[\w.]+\]\]?|[\w.]+\s*=\s*\S.*)?\s*$/.test(line)) problems.push({ line: at + 1, column: 1, message: 'this is no table, and no KEY = VALUE' });
      if (/"Launchpad X"/.test(line)) warnings.push({ line: at + 1, message: 'nothing here is called "Launchpad X"' });
    });
    return { problems, warnings, rules: text.split('[[rule]]').length - 1 };
  }

  activity(ports, lost = 0) {
    const text = JSON.stringify({ type: 'activity', ports, lost });
    for (const page of this.pages) if (page.activity) page.socket.send(text);
  }

  // Sends events to the monitors: { source, type, data, more, late }.
  events(list, dropped = 0) {
    const now = Date.now() * 1000;
    for (const page of this.pages) {
      for (const [number, filter] of page.monitors) {
        const wanted = list.filter(({ source }) => !filter.ports || filter.ports.includes(source));
        if (wanted.length) page.socket.send(encode(number, wanted, now, dropped));
      }
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await new Mock(process.argv[2] === 'large' ? large() : studio()).listen(Number(process.env.PORT ?? 0));
  console.log(mock.url);
  const { band } = await import('./band.mjs');
  band(mock, process.argv[2] === 'large' ? 5000 : 40);
}
