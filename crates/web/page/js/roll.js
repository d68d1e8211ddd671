// Piano rolls on a canvas: of what sounds now, and of a recording.

import { colours, fit, html, many, useFrames, useRef, useEffect } from './ui.js';
import { noteName, record } from './events.js';
import { state } from './store.js';

// What the live roll shows, in ms.
const SPAN = 10000;
const BLACK = new Set([1, 3, 6, 8, 10]);

// Draws the lanes of the keys; returns where a key is.
function lanes(context, width, height, lowest, highest) {
  const { line, dim, font } = colours();
  const count = highest - lowest + 1;
  const lane = height / count;
  const y = (note) => (highest - note) * lane;
  context.clearRect(0, 0, width, height);
  context.font = `11px ${font}`;
  context.textBaseline = 'middle';
  for (let note = lowest; note <= highest; note++) {
    context.fillStyle = line;
    if (BLACK.has(note % 12)) {
      context.globalAlpha = 0.28;
      context.fillRect(0, y(note), width, lane);
    }
    if (note % 12 === 0) {
      context.globalAlpha = 0.9;
      context.fillRect(0, y(note) + lane - 0.5, width, 1);
      context.globalAlpha = 1;
      context.fillStyle = dim;
      context.fillText(noteName(note), 6, y(note) + lane / 2);
    }
  }
  context.globalAlpha = 1;
  return { y, lane };
}

function bar(context, x, y, width, height) {
  if (height < 4 || width < 4) return context.fillRect(x, y, Math.max(2, width), Math.max(2, height - 0.5));
  context.beginPath();
  context.roundRect(x, y + 0.5, width, height - 1, Math.min(4, height / 2));
  context.fill();
}

export function LiveRoll() {
  const canvas = useRef();
  const last = useRef({}).current;
  useFrames((frame) => {
    // Many notes are drawn 30 times a second: the eye sees no more, and a slow computer has time for the rest.
    if (record.notes.length > 400 && frame - last.frame < 30) return;
    last.frame = frame;
    const { context, width, height, changed } = fit(canvas.current);
    const now = Date.now() - record.skew;
    const { notes, version } = record;
    const moving = notes.length && (record.open.size || (notes.at(-1).end ?? now) > now - SPAN - 500);
    if (!changed && !moving && last.version === version && last.theme === colours()) return;
    Object.assign(last, { version, theme: colours() });
    const { hue, accent, line } = colours();
    const { y, lane } = lanes(context, width, height, Math.max(0, record.lowest - 2), Math.min(127, record.highest + 2));
    const left = 40;
    const x = (time) => left + ((time - now + SPAN) / SPAN) * (width - left - 12);
    context.fillStyle = line;
    for (let second = 1; second < SPAN / 1000; second++) context.fillRect(x(Math.floor(now / 1000) * 1000 - second * 1000), 0, 1, height);
    // All notes of one colour and strength are one path.
    const groups = new Map();
    const round = notes.length < 400;
    for (let at = notes.length - 1; at >= 0; at--) {
      const note = notes[at];
      const end = note.end ?? now;
      if (end < now - SPAN) continue;
      const key = `${state.ports.get(note.source)?.client.hue ?? 178} ${note.velocity >> 4}`;
      if (!groups.has(key)) groups.set(key, new Path2D());
      const from = Math.max(left, x(note.start));
      const wide = Math.max(2, x(end) - from);
      if (round && wide > 6 && lane > 4) groups.get(key).roundRect(from, y(note.note) + 0.5, wide, lane - 1, Math.min(4, lane / 2));
      else groups.get(key).rect(from, y(note.note), wide, Math.max(2, lane - 0.5));
    }
    for (const [key, path] of groups) {
      const [angle, strength] = key.split(' ');
      context.fillStyle = hue(angle);
      context.globalAlpha = 0.4 + (strength / 7) * 0.55;
      context.fill(path);
    }
    context.globalAlpha = 1;
    context.fillStyle = accent;
    context.fillRect(width - 12, 0, 2, height);
  }, []);
  return html`<canvas ref=${canvas} class="roll" role="img" aria-label="Piano roll of the last ten seconds. The list of events has the same as text."></canvas>`;
}

// A recording as a whole, or a part of it.
export function StillRoll({ take, from, span }) {
  const canvas = useRef();
  const draw = () => {
    const { context, width, height } = fit(canvas.current);
    const { hue, dim, line, font } = colours();
    const keys = take.notes.map((note) => note[4]);
    const lowest = Math.max(0, keys.reduce((a, b) => Math.min(a, b), 127) - 3);
    const highest = Math.min(127, keys.reduce((a, b) => Math.max(a, b), 0) + 3);
    const { y, lane } = lanes(context, width, height - 20, Math.min(lowest, 57), Math.max(highest, 63));
    const left = 40;
    const x = (time) => left + ((time - from) / span) * (width - left - 8);
    const step = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300].find((size) => (size / span) * width > 64) ?? 600;
    context.font = `11px ${font}`;
    for (let time = Math.ceil(from / step) * step; time <= from + span; time += step) {
      context.fillStyle = line;
      context.fillRect(x(time), 0, 1, height - 20);
      context.fillStyle = dim;
      context.fillText(clock(time, step < 1), x(time) + 4, height - 9);
    }
    context.save();
    context.beginPath();
    context.rect(left, 0, width - left, height);
    context.clip();
    for (const [start, length, track, channel, key, velocity] of take.notes) {
      if (start + length < from || start > from + span) continue;
      context.fillStyle = hue(trackHue(take.tracks.length > 1 ? track : channel));
      context.globalAlpha = 0.4 + (velocity / 127) * 0.6;
      bar(context, x(start), y(key), Math.max(2, (length / span) * (width - left - 8) - 1), lane);
    }
    context.restore();
    context.globalAlpha = 1;
  };
  useEffect(draw);
  useEffect(() => {
    const watch = new ResizeObserver(() => canvas.current && draw());
    watch.observe(canvas.current);
    return () => watch.disconnect();
  }, [take, from, span]);
  return html`<canvas ref=${canvas} class="roll" role="img" aria-label=${`Piano roll: ${many(take.notes.length, 'note')} in ${clock(take.seconds)}`}></canvas>`;
}

export const trackHue = (number) => (178 + number * 67) % 360;
export function clock(seconds, fine) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - minutes * 60).toFixed(fine ? 2 : 0).padStart(fine ? 5 : 2, '0')}`;
}
