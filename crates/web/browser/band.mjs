// Plays in a mock, as programs would: notes, controllers, clocks now and then.

import { control, note } from './wire.mjs';

const SCALE = [0, 2, 3, 5, 7, 10, 12, 14, 15, 17, 19];

// Sends about `rate` events a second from all ports that send; returns a function that ends it.
export function band(mock, rate) {
  const ports = [...mock.clients.values()].filter(({ system }) => !system).flatMap((client) => client.ports.filter((port) => port.sends && !port.unwatched).map((port) => `${client.id}:${port.id}`));
  const open = [];
  let step = 0;
  const timer = setInterval(() => {
    step++;
    const events = [];
    const count = rate / 20 < 1 ? Number(step % Math.round(20 / rate) === 0) : Math.round(rate / 20);
    for (let at = 0; at < count; at++) {
      const source = rate > 200 ? ports[(step * count + at) % ports.length] : ports[Math.floor(Math.random() ** 2 * ports.length)];
      const kind = Math.random();
      if (kind < 0.5 || !open.length) {
        const key = 48 + SCALE[Math.floor(Math.random() * SCALE.length)] + 12 * Math.floor(Math.random() * 2);
        open.push([source, 0, key]);
        events.push(note(source, 0, key, 40 + Math.floor(Math.random() * 87)));
      } else if (kind < 0.9 || open.length > 24) {
        const [from, channel, key] = open.shift();
        events.push(note(from, channel, key, 0));
      } else events.push(control(source, 0, 1, Math.floor(Math.random() * 128)));
    }
    const counts = {};
    for (const { source } of events) counts[source] = (counts[source] ?? 0) + 1;
    if (events.length) {
      mock.activity(counts);
      mock.events(events);
    }
  }, 50);
  return () => clearInterval(timer);
}
