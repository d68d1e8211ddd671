// What the user can do. Each change can be undone; each failure is shown in the server's own words.

import { many, said } from './ui.js';
import { changed, fullName, keyOf, set, state, ui } from './store.js';

let connection;
export const use = (net) => (connection = net);
export const ask = (what, fields) => connection.ask(what, fields);

// Maximum number of steps that can be undone.
const STEPS = 200;
const history = [];
export const canUndo = () => history.length > 0;
export const lastStep = () => history.at(-1)?.label;

// Shows a sentence for some seconds, and says it to screen readers. `action` is [label, function].
export function tell(text, { bad = false, action } = {}) {
  const toast = { id: Symbol('toast'), text, bad, action };
  ui.toasts = [...ui.toasts.slice(-2), toast];
  changed('toasts');
  setTimeout(() => dismiss(toast), bad ? 9000 : 5000);
}
export function dismiss(toast) {
  ui.toasts = ui.toasts.filter((other) => other !== toast);
  changed('toasts');
}
export function say(text) {
  ui.said = text;
  changed('toasts');
}

// The commands that the server has not answered yet.
const asked = new Set();

// Runs a command; shows its error. Returns the value, or undefined.
export async function run(what, fields) {
  const answer = ask(what, fields);
  asked.add(answer);
  try {
    return await answer;
  } catch (error) {
    tell(error.message, { bad: true });
    return undefined;
  } finally {
    asked.delete(answer);
  }
}

function step(label, undo) {
  history.push({ label, undo });
  if (history.length > STEPS) history.shift();
  changed('ui');
}

// Undoes the last step. What was done just now becomes a step behind the server's answer, so that is waited for. The connection
// gives up a server that does not answer; then the steps stay until there is one.
export async function undo() {
  while (asked.size) {
    await Promise.allSettled(asked);
    await new Promise((done) => setTimeout(done));
  }
  if (history.length && state.phase !== 'open') return tell('Nothing was undone: the server does not answer', { bad: true });
  const last = history.pop();
  changed('ui');
  if (!last) return undefined;
  if (await last.undo()) tell(`Undone: ${last.label}`);
  else if (state.phase !== 'open') history.push(last);
  return undefined;
}
const undoAction = ['Undo', undo];
const pair = (from, to) => `${said(fullName(from))} \u2192 ${said(fullName(to))}`;

export const mayWrite = () => state.phase === 'open' && !state.hello.read_only;

export async function connect(from, to) {
  const [a, b] = [state.ports.get(from), state.ports.get(to)];
  if (!a?.sends || !b?.receives || state.links.has(keyOf(from, to))) return;
  const label = pair(from, to);
  if (await run('connect', { from, to })) {
    step(label, () => run('disconnect', { from, to }));
    say(`connected ${label}`);
  }
}

export async function cut(from, to) {
  const link = state.links.get(keyOf(from, to));
  if (!link) return;
  const label = pair(from, to);
  if (await run('disconnect', { from, to })) {
    const back = () => (link.filter ? run('filter', { from, to, filter: link.filter }) : run('connect', { from, to, exclusive: link.exclusive, stamp: link.stamp }));
    step(`cut ${label}`, back);
    tell(`Cut ${label}`, { action: undoAction });
  }
}

export const toggle = (from, to) => (state.links.has(keyOf(from, to)) ? cut(from, to) : connect(from, to));

export async function setFilter(from, to, filter, what = filter ? 'filter' : 'no filter') {
  const before = state.links.get(keyOf(from, to))?.filter ?? null;
  if (!(await run('filter', { from, to, filter }))) return false;
  const label = `${what} on ${pair(from, to)}`;
  step(label, () => run('filter', { from, to, filter: before }));
  say(label);
  return true;
}

export function mute(link) {
  const { mute: muted, ...rest } = link.filter ?? {};
  const filter = muted ? rest : { ...rest, mute: true };
  return setFilter(link.from, link.to, Object.keys(filter).length ? filter : null, muted ? 'sound' : 'mute');
}

export async function keep(link, on) {
  const { from, to } = link;
  if (await run('keep', { from, to, on })) {
    step(`${on ? 'keep' : 'do not keep'} ${pair(from, to)}`, () => run('keep', { from, to, on: !on }));
    tell(on ? `A rule keeps ${pair(from, to)}: it comes back by itself` : `The rule for ${pair(from, to)} is gone`, { action: undoAction });
  }
}

export async function addAlias(port, name) {
  if (await run('alias.set', { name, port })) {
    step(`alias ${said(name)}`, () => run('alias.remove', { name }));
    return true;
  }
  return false;
}

export async function removeAlias(port, name) {
  if (await run('alias.remove', { name })) step(`remove alias ${said(name)}`, () => run('alias.set', { name, port }));
}

export async function panic(to) {
  const value = await run('panic', to ? { to } : {});
  if (value) tell(to ? `All notes off on ${said(fullName(to))}` : `All notes off on ${many(value.ports ?? 0, 'port')}`);
}

// Makes many connections as one step. `done` is a list of { from, to, cut }.
export function stepOver(label, done) {
  step(label, async () => {
    for (const { from, to, cut: was } of [...done].reverse()) await run(was ? 'connect' : 'disconnect', { from, to });
    return true;
  });
}

export const select = (selection) => set({ selection });
