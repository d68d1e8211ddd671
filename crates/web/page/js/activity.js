// How busy each port is: a level from 0 to 1 that falls by half every 120 ms, and a number of events.

const HALF = 120;
const levels = new Map(); // port -> { level, at }
const pulses = []; // { port, at }
export const totals = new Map();
const listeners = new Set();

// Calls a function when something has been sent; returns a function that ends that.
export function onActivity(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function takeActivity({ ports }) {
  const now = performance.now();
  for (const [port, count] of Object.entries(ports)) {
    // 1 event glows, 100 in a twentieth of a second glow most.
    levels.set(port, { level: Math.min(1, 0.55 + Math.log10(count + 1) * 0.22), at: now });
    totals.set(port, (totals.get(port) ?? 0) + count);
    if (pulses.length < 400) pulses.push({ port, at: now });
  }
  for (const listener of listeners) listener();
}

export function levelOf(port, now) {
  const entry = levels.get(port);
  return entry ? entry.level * 2 ** -((now - entry.at) / HALF) : 0;
}

// Returns the ports that glow, and forgets the others.
export function glowing(now) {
  const found = [];
  for (const port of levels.keys()) {
    const level = levelOf(port, now);
    if (level < 0.03) levels.delete(port);
    else found.push([port, level]);
  }
  return found;
}

// Pulses that travel along the cables for `life` ms.
export function travelling(now, life) {
  while (pulses.length && now - pulses[0].at > life) pulses.shift();
  return pulses;
}

export function forgetActivity() {
  levels.clear();
  pulses.length = 0;
}
