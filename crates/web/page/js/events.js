// Events of the monitor: read from the binary messages of the server, and kept for the view.

import { ask } from './actions.js';
import { on, state } from './store.js';

// How many events the list can go back. More would cost memory, and nobody reads them.
const KEPT = 5000;
// How many notes the piano roll can draw in a frame of the screen.
const NOTES = 3000;
// Lateness in steps of a tenth of a decade, from 1 us to 1 s.
export const BINS = 60;

export const NAMES = { 0: 'SYSTEM', 1: 'RESULT', 5: 'NOTE', 6: 'NOTEON', 7: 'NOTEOFF', 8: 'KEYPRESS', 10: 'CONTROLLER', 11: 'PGMCHANGE', 12: 'CHANPRESS', 13: 'PITCHBEND', 14: 'CONTROL14', 15: 'NONREGPARAM', 16: 'REGPARAM', 20: 'SONGPOS', 21: 'SONGSEL', 22: 'QFRAME', 23: 'TIMESIGN', 24: 'KEYSIGN', 30: 'START', 31: 'CONTINUE', 32: 'STOP', 33: 'SETPOS_TICK', 34: 'SETPOS_TIME', 35: 'TEMPO', 36: 'CLOCK', 37: 'TICK', 38: 'QUEUE_SKEW', 39: 'SYNC_POS', 40: 'TUNE_REQUEST', 41: 'RESET', 42: 'SENSING', 50: 'ECHO', 130: 'SYSEX' };
const LETTERS = ['C', 'C♯', 'D', 'D♯', 'E', 'F', 'F♯', 'G', 'G♯', 'A', 'A♯', 'B'];
export const noteName = (note) => `${LETTERS[note % 12]}${Math.floor(note / 12) - 1}`;

export const monitor = { id: undefined, paused: false, filter: {}, unwatched: [], error: undefined };
export const record = { events: [], total: 0, dropped: 0, held: 0, notes: [], open: new Map(), bins: new Uint32Array(BINS), late: 0, worst: 0, lowest: 48, highest: 84, skew: 0, version: 0 };

export function reset() {
  Object.assign(record, { events: [], total: 0, dropped: 0, held: 0, notes: [], late: 0, worst: 0, version: record.version + 1 });
  record.open.clear();
  record.bins.fill(0);
}

let wanted = false;
let opening;
async function open() {
  if (!wanted || opening || state.phase !== 'open') return;
  opening = true;
  const sent = JSON.stringify(monitor.filter);
  try {
    const value = await ask(monitor.id === undefined ? 'monitor.open' : 'monitor.set', { monitor: monitor.id, ...monitor.filter });
    monitor.id ??= value.monitor;
    monitor.unwatched = value.unwatched ?? [];
    monitor.error = undefined;
  } catch (error) {
    monitor.error = error.message;
  }
  opening = false;
  record.version++;
  if (!wanted) close();
  else if (sent !== JSON.stringify(monitor.filter)) open();
}

function close() {
  const { id } = monitor;
  monitor.id = undefined;
  if (id !== undefined && state.phase === 'open') ask('monitor.close', { monitor: id }).catch(() => {});
}

// After a new connection the monitor of before is gone.
on('hello', () => {
  monitor.id = undefined;
  record.open.clear();
  open();
});

export function watch() {
  wanted = true;
  open();
  return () => {
    wanted = false;
    if (!opening) close();
  };
}

export function setFilter(filter) {
  monitor.filter = filter;
  open();
}

export function takeEvents(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < 16 || view.getUint8(0) !== 1 || view.getUint16(2, true) !== monitor.id) return;
  record.dropped += view.getUint32(4, true);
  record.skew = Date.now() - Number(view.getBigUint64(8, true)) / 1000;
  for (let at = 16; at + 32 <= buffer.byteLength; ) {
    const size = view.getUint16(at, true);
    if (size < 32 || at + size > buffer.byteLength) break;
    take(view, at, size);
    at += size;
  }
  record.version++;
}

function take(view, at, size) {
  record.total++;
  const type = view.getUint8(at + 2);
  const flags = view.getUint8(at + 3);
  const late = flags & 1 ? view.getInt32(at + 16, true) : undefined;
  if (late !== undefined) {
    const bin = late <= 1 ? 0 : Math.min(BINS - 1, Math.floor(Math.log10(late) * 10));
    record.bins[bin]++;
    record.late++;
    record.worst = Math.max(record.worst, late);
  }
  if (monitor.paused) {
    record.held++;
    return;
  }
  const event = { number: record.total, type, source: `${view.getUint8(at + 4)}:${view.getUint8(at + 5)}`, time: Number(view.getBigUint64(at + 8, true)) / 1000, late, cut: Boolean(flags & 2), ump: Boolean(flags & 4), data: new Uint8Array(view.buffer.slice(at + 20, at + 32)), more: undefined };
  if (size > 32) event.more = new Uint8Array(view.buffer.slice(at + 32, at + size - view.getUint8(at + 7)));
  record.events.push(event);
  if (record.events.length > KEPT * 1.2) record.events.splice(0, record.events.length - KEPT);
  if (!event.ump && type >= 5 && type <= 7) takeNote(event);
}

function takeNote({ type, source, time, data }) {
  const [channel, note, velocity] = data;
  const key = `${source} ${channel} ${note}`;
  const sounding = record.open.get(key);
  if (sounding) {
    sounding.end = time;
    record.open.delete(key);
  }
  if (type === 7 || (type === 6 && velocity === 0)) return;
  const entry = { source, channel, note, velocity, start: time, end: type === 5 ? time + new DataView(data.buffer).getUint32(8, true) : undefined };
  record.notes.push(entry);
  if (entry.end === undefined) record.open.set(key, entry);
  if (record.notes.length > NOTES * 1.2) record.notes.splice(0, record.notes.length - NOTES);
  record.lowest = Math.min(record.lowest, note);
  record.highest = Math.max(record.highest, note);
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');

// Returns the channel, from 1, and the text of what an event says.
export function describe({ type, data, more, cut, ump }) {
  const view = new DataView(data.buffer);
  if (ump) return ['', hex(more ? [...data, ...more] : data)];
  const channel = data[0] + 1;
  const param = view.getUint32(4, true);
  const value = view.getInt32(8, true);
  if (type >= 5 && type <= 8) return [channel, `${noteName(data[1])} (${data[1]}), ${type === 8 ? 'pressure' : 'velocity'} ${data[2]}`];
  if (type === 10 || (type >= 14 && type <= 16)) return [channel, `${type === 10 ? 'controller' : 'parameter'} ${param}, value ${value}`];
  if (type >= 11 && type <= 13) return [channel, `value ${value}`];
  if (type >= 20 && type <= 29) return ['', `value ${value}`];
  if (more) return ['', `${more.length}${cut ? ' or more' : ''} bytes: ${hex(more.slice(0, 48))}${more.length > 48 ? ' …' : ''}`];
  return ['', ''];
}

// Returns the lateness that a part of all events does not exceed, in us.
export function quantile(part) {
  let left = record.late * part;
  for (let bin = 0; bin < BINS; bin++) {
    left -= record.bins[bin];
    if (left <= 0 && record.late) return Math.min(record.worst, 10 ** ((bin + 1) / 10));
  }
  return undefined;
}
