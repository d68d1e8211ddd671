// What all views share: elements, icons, names, and pieces of forms.

import { h, render, Fragment, options } from '../vendor/preact.js';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from '../vendor/hooks.js';
import htm from '../vendor/htm.js';

export { h, render, Fragment, useEffect, useLayoutEffect, useMemo, useRef, useState };
export const html = htm.bind(h);

// The page changes at most once in a frame. A hidden page has no frames.
let pending;
function draw() {
  const drawing = pending;
  pending = undefined;
  drawing?.work();
}
options.debounceRendering = (work) => {
  const drawing = { work };
  const due = () => drawing === pending && draw();
  pending = drawing;
  requestAnimationFrame(due);
  setTimeout(due, 50);
};
// What handles an event knows the state that was drawn last. So that two events within a frame, such as a click behind a key,
// do not undo one another, what the first has changed is drawn behind its handlers: events come here last.
for (const kind of ['change', 'click', 'input', 'keydown', 'keyup', 'pointerdown', 'pointerup', 'submit']) addEventListener(kind, draw);

const ICONS = {
  patch: 'M5 6h2c7 0 3 12 10 12h2M5 18h2c3 0 4-2 5-6s2-6 5-6h2M3.5 6a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0M3.5 18a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0M17.5 6a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0M17.5 18a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0',
  monitor: 'M3 12h4l2.5-7 5 14 2.5-7h4',
  keys: 'M3 5h18v14H3zM9 5v14M15 5v14M7.5 5v8h3V5M13.5 5v8h3V5',
  rules: 'M5 4h14v16H5zM9 9h6M9 13h6M9 17h3',
  saved: 'M6 3h12v18l-6-4.5L6 21z',
  tape: 'M3 6h18v12H3zM6 12a2 2 0 1 0 4 0 2 2 0 1 0-4 0M14 12a2 2 0 1 0 4 0 2 2 0 1 0-4 0M8 14h8',
  graph: 'M4 5h5v4H4zM4 15h5v4H4zM15 10h5v4h-5zM9 7c4 0 2 5 6 5M9 17c4 0 2-5 6-5',
  matrix: 'M4 4h16v16H4zM4 9.5h16M4 15h16M9.5 4v16M15 4v16',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.5 4.5',
  undo: 'M8 5 4 9l4 4M4 9h10a5.5 5.5 0 0 1 0 11h-3',
  panic: 'M12 3 2.5 20h19zM12 10v4M12 17h.01',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M13 7a2 2 0 1 0 4 0 2 2 0 1 0-4 0M7 17a2 2 0 1 0 4 0 2 2 0 1 0-4 0',
  close: 'M6 6l12 12M18 6 6 18',
  cut: 'M20 5 8.5 15.5M20 19 8.5 8.5M4 7a3 3 0 1 0 6 0 3 3 0 1 0-6 0M4 17a3 3 0 1 0 6 0 3 3 0 1 0-6 0',
  mute: 'M4 9.5h3.5L12 5v14l-4.5-4.5H4zM16 9.5l5 5M21 9.5l-5 5',
  sound: 'M4 9.5h3.5L12 5v14l-4.5-4.5H4zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11',
  filter: 'M4 5h16l-6 8v5l-4 2v-7z',
  keep: 'M8 3h8l-1 7 3 3v2H6v-2l3-3zM12 15v6',
  plus: 'M12 5v14M5 12h14',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  trash: 'M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13M10 11v5M14 11v5',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 4.5v15l12-7.5z',
  stop: 'M6 6h12v12H6z',
  next: 'M5 5v14l9-7zM18 5v14',
  previous: 'M19 5v14l-9-7zM6 5v14',
  forward: 'M4 6v12l8-6zM12 6v12l8-6z',
  back: 'M20 6v12l-8-6zM12 6v12l-8-6z',
  device: 'M3 9h18v8H3zM7 9v4M11 9v4M15 9v4M6 17v2M18 17v2',
  program: 'M3 5h18v14H3zM3 9h18M7 13l2 2-2 2M12 17h4',
  system: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3',
  arrow: 'M4 12h15M14 7l5 5-5 5',
  left: 'M15 5l-7 7 7 7',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M18.700 5.300l-1.400 1.400M6.700 17.300l-1.400 1.400',
  alias: 'M4 12V5h7l9 9-7 7zM8 9h.01',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
};

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;
}

// Names come from other programs. They are only ever text, and cannot change the direction of the text beside them.
export function Name({ text, class: kind = '', title }) {
  return html`<bdi class=${`name ${kind}`} title=${title ?? text}>${text}</bdi>`;
}

// A name within a label that is a plain string: between the characters that isolate its direction.
export const said = (name) => `\u2068${name}\u2069`;

// Returns a number with its noun: 1 port, 2 ports.
export const many = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

// Returns a name without what could disturb the text around it: controls, line ends, marks of direction.
export function clean(name) {
  const text = String(name ?? '').replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, '\ufffd').slice(0, 128);
  return text.trim() || '(no name)';
}

// Returns the angle of a colour: the same one for the same name, and another one for other names while there are some.
const given = new Map();
export function hueOf(name) {
  if (given.has(name)) return given.get(name);
  let hash = 7;
  for (let at = 0; at < name.length; at++) hash = (hash * 33 + name.charCodeAt(at)) >>> 0;
  const taken = new Set(given.size < HUES.length ? given.values() : []);
  for (let turn = 0; turn < HUES.length && taken.has(HUES[hash % HUES.length]); turn++) hash++;
  if (given.size > 1000) given.clear();
  given.set(name, HUES[hash % HUES.length]);
  return given.get(name);
}
const HUES = [178, 30, 300, 88, 245, 350, 140, 62, 210, 275, 8, 112];

export function Button({ icon, label, children, class: kind = '', ...rest }) {
  const only = icon && !children;
  return html`<button type="button" class=${`${kind} ${only ? 'icon-only' : ''}`} aria-label=${only ? label : undefined}
    title=${label} ...${rest}>${icon && html`<${Icon} name=${icon} />`}${children}</button>`;
}

// Returns what is in the field of a form that is sent. It may be newer than what was drawn last.
export const typed = (event) => event.target.querySelector('input').value.trim();

// A row of buttons of which one is chosen.
export function Segments({ label, options: choices, value, onChange }) {
  return html`<div class="segments" role="group" aria-label=${label}>${choices.map(
    ([key, text, icon]) => html`<button type="button" key=${key} aria-pressed=${String(value === key)} onClick=${() => onChange(key)}>
      ${icon && html`<${Icon} name=${icon} />`}<span>${text}</span></button>`,
  )}</div>`;
}

export function Empty({ icon, title, children }) {
  return html`<div class="empty"><${Icon} name=${icon} /><h3>${title}</h3>${children}</div>`;
}

// Runs a function for each frame of the screen while the view is there, until it returns false: a page on which nothing
// moves costs nothing. Returns a function that begins again; each drawing of the component does so, too.
export function useFrames(work) {
  const loop = useRef({}).current;
  loop.work = work;
  loop.wake ??= () => {
    if (loop.ended) return;
    loop.at ??= requestAnimationFrame((now) => {
      loop.at = undefined;
      if (!loop.ended && loop.work(now) !== false) loop.wake();
    });
  };
  useLayoutEffect(loop.wake);
  useLayoutEffect(
    () => () => {
      loop.ended = true;
      cancelAnimationFrame(loop.at);
    },
    [],
  );
  return loop.wake;
}

// Gives a canvas as many pixels as the screen has there; returns its size in CSS pixels, and whether it changed.
export function fit(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = Math.min(devicePixelRatio || 1, 2);
  const [w, h2] = [Math.round(width * scale), Math.round(height * scale)];
  const changed = canvas.width !== w || canvas.height !== h2;
  if (changed) Object.assign(canvas, { width: w, height: h2 });
  const context = canvas.getContext('2d');
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return { context, width, height, changed };
}

// Colours of the theme, for canvases. They are read again after a change of the theme.
let theme;
export function colours() {
  if (!theme) {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(name).trim();
    theme = { text: value('--text'), soft: value('--soft'), dim: value('--dim'), line: value('--line'), line2: value('--line-2'), accent: value('--accent'), bg: value('--bg'), panel: value('--panel'), warn: value('--warn'), danger: value('--danger'), lightness: value('--hue-l'), chroma: value('--hue-c'), font: value('--font') };
    theme.hue = (angle) => `oklch(${theme.lightness} ${theme.chroma} ${angle})`;
  }
  return theme;
}
export const forgetColours = () => (theme = undefined);
export const still = matchMedia('(prefers-reduced-motion: reduce)');
