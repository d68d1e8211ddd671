// What the page knows: clients, ports and connections as the server says them, and what the user has chosen.

import { clean, hueOf, useLayoutEffect, useState } from './ui.js';

export const state = {
  phase: 'connecting', // connecting, open, closed, refused
  why: undefined,
  hello: {},
  seq: undefined,
  known: false, // whether a snapshot has come
  clients: new Map(),
  ports: new Map(), // by address
  links: new Map(), // by FROM>TO
  queues: [],
  players: new Map(), // by the address of their port
  rules: {},
  lost: 0,
};

// How long a connection stays selected without being there, in ms.
const GRACE = 2000;

const saved = read();
export const ui = {
  view: 'patch',
  mode: saved.mode, // graph, matrix, connect; undefined: as the screen suits
  query: '',
  selection: undefined, // { port } or { link }
  system: saved.system ?? false,
  theme: saved.theme ?? 'auto',
  toasts: [],
  said: '',
};

function read() {
  try {
    return JSON.parse(localStorage.getItem('aseqd') ?? '{}') ?? {};
  } catch {
    return {};
  }
}

export function remember() {
  try {
    localStorage.setItem('aseqd', JSON.stringify({ mode: ui.mode, system: ui.system, theme: ui.theme }));
  } catch {
    // A browser that keeps nothing: the choice holds until the page is closed.
  }
}

// Listeners by topic: conn, topology, ui, toasts.
const listeners = new Map();
export function on(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(listener);
  return () => listeners.get(topic).delete(listener);
}
export function changed(topic) {
  for (const listener of listeners.get(topic) ?? []) listener();
}

// Draws the component again after a change of one of the topics.
export function useTopics(...topics) {
  const [, again] = useState(0);
  // Before the screen is drawn: no change is missed in between.
  useLayoutEffect(() => {
    const listener = () => again((n) => n + 1);
    const stops = topics.map((topic) => on(topic, listener));
    return () => stops.forEach((stop) => stop());
  }, []);
}

export function set(changes) {
  Object.assign(ui, changes);
  changed('ui');
}

export const keyOf = (from, to) => `${from}>${to}`;

function addClient(raw) {
  dropClient(raw.id);
  const client = { ...raw, label: clean(raw.name), ports: [] };
  client.hue = hueOf(client.label);
  client.hardware = client.kind === 'kernel' && !client.system && (raw.card != null || (raw.ports ?? []).some((port) => port.hardware));
  for (const port of raw.ports ?? []) {
    const key = `${raw.id}:${port.id}`;
    const entry = { ...port, key, client, label: clean(port.short || port.name), title: clean(port.name), aliases: (port.aliases ?? []).map(clean), out: new Set(), in: new Set() };
    entry.search = `${client.label} ${entry.title} ${entry.label} ${entry.aliases.join(' ')} ${key}`.toLowerCase();
    client.ports.push(entry);
    state.ports.set(key, entry);
  }
  state.clients.set(raw.id, client);
}

function dropClient(id) {
  const old = state.clients.get(id);
  for (const port of old?.ports ?? []) state.ports.delete(port.key);
  state.clients.delete(id);
}

function join() {
  for (const port of state.ports.values()) {
    port.out.clear();
    port.in.clear();
  }
  for (const link of state.links.values()) {
    state.ports.get(link.from)?.out.add(link.to);
    state.ports.get(link.to)?.in.add(link.from);
  }
}

function addLink(raw) {
  state.links.set(keyOf(raw.from, raw.to), { ...raw, key: keyOf(raw.from, raw.to) });
}

function settle(message) {
  if (message.queues) state.queues = message.queues.map((queue) => ({ ...queue, label: clean(queue.name) }));
  if (message.rules) state.rules = message.rules;
  state.seq = message.seq;
  for (const [key, link] of state.links) {
    if (!state.ports.has(link.from) || !state.ports.has(link.to)) state.links.delete(key);
  }
  for (const key of state.players.keys()) if (!state.ports.has(key)) state.players.delete(key);
  join();
  const { port, link } = ui.selection ?? {};
  if (port && !state.ports.has(port)) set({ selection: undefined });
  // A connection that gets a filter is cut and made again: it stays selected meanwhile.
  if (link && !state.links.has(link)) setTimeout(() => ui.selection?.link === link && !state.links.has(link) && set({ selection: undefined }), GRACE);
  changed('topology');
}

// Takes a message of the server. Returns false if a delta is missing: the caller asks for a snapshot.
export function take(message) {
  if (message.type === 'snapshot') {
    state.clients.clear();
    state.ports.clear();
    state.links.clear();
    message.clients.forEach(addClient);
    message.connections.forEach(addLink);
    state.queues = [];
    settle(message);
    if (!state.known) {
      state.known = true;
      changed('conn');
    }
  } else if (message.type === 'delta') {
    if (message.seq !== state.seq + 1) return false;
    for (const id of message.gone ?? []) dropClient(id);
    for (const [from, to] of message.cut ?? []) state.links.delete(keyOf(from, to));
    for (const client of message.clients ?? []) addClient(client);
    for (const link of message.connections ?? []) addLink(link);
    settle(message);
  } else if (message.type === 'player') {
    state.players.set(message.port, message);
    changed('players');
  }
  return true;
}

const rank = (client) => (client.system ? 3 : client.own ? 2 : client.hardware ? 0 : 1);

// Returns the clients of one side with their ports, as the search and the settings leave them.
export function side(which) {
  const words = ui.query.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (port) => words.every((word) => port.search.includes(word));
  const near = (port) => [...(which === 'sends' ? port.out : port.in)].some((key) => state.ports.has(key) && fits(state.ports.get(key)));
  const groups = [];
  for (const client of [...state.clients.values()].sort((a, b) => rank(a) - rank(b) || a.id - b.id)) {
    if (client.system && !ui.system) continue;
    const ports = client.ports.filter((port) => port[which] && (!words.length || fits(port) || near(port)));
    if (ports.length) groups.push({ client, ports });
  }
  return groups;
}

// How a port is written in one line.
export function fullName(key) {
  const port = state.ports.get(key);
  if (!port) return key;
  return port.client.ports.length === 1 || port.label === port.client.label ? port.client.label : `${port.client.label}: ${port.label}`;
}
