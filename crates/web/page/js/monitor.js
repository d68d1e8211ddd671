// The monitor: what ports send, as a list, as a piano roll, and how late it was.

import { Button, Empty, Name, colours, fit, html, useEffect, useFrames, useLayoutEffect, useRef, useState } from './ui.js';
import { BINS, NAMES, describe, monitor, quantile, record, reset, setFilter, watch } from './events.js';
import { fullName, side, state, useTopics } from './store.js';
import { LiveRoll } from './roll.js';

const TYPES = [['note', 'Notes'], ['control', 'Controllers'], ['program', 'Programs'], ['bend', 'Bend'], ['pressure', 'Pressure'], ['sysex', 'SysEx'], ['clock', 'Clock'], ['other', 'Other']];
// Height of a line of the list, as in views.css.
const LINE = 27;
// The list is drawn anew at most ten times a second: nobody reads faster.
const PAUSE = 100;

export function Monitor() {
  useTopics('topology', 'conn');
  const [filter, change] = useState(monitor.filter);
  const [paused, setPaused] = useState(monitor.paused);
  useEffect(watch, []);
  const update = (changes) => {
    const next = { ...filter, ...changes };
    for (const key of Object.keys(next)) if (!next[key]) delete next[key];
    change(next);
    setFilter({ ...next, ports: next.ports ?? undefined });
  };
  const toggleType = (type) => {
    const now = filter.types ?? TYPES.map(([key]) => key);
    const types = now.includes(type) ? now.filter((key) => key !== type) : [...now, type];
    update({ types: types.length === TYPES.length ? undefined : types });
  };
  const pause = () => {
    monitor.paused = !paused;
    if (paused) record.held = 0;
    setPaused(!paused);
  };
  const chosen = filter.ports ?? [];
  return html`<div class="monitor-bar">
      <${Button} icon=${paused ? 'play' : 'pause'} label=${paused ? 'Continue' : 'Pause'} class=${paused ? 'primary' : ''} onClick=${pause}>${paused ? 'Continue' : 'Pause'}<//>
      <${Button} icon="trash" label="Clear" onClick=${reset}><span class="wide">Clear</span><//>
      <select class="pick" aria-label="Ports to watch" value="" onChange=${(event) => {
        if (event.target.value === '*') update({ ports: undefined });
        else if (event.target.value) update({ ports: [...new Set([...chosen, event.target.value])] });
        event.target.value = '';
      }}><option value="">${chosen.length ? 'Another port…' : 'All ports'}</option>${chosen.length > 0 && html`<option value="*">All ports</option>`}
        ${side('sends').map(({ client, ports }) => html`<optgroup key=${client.id} label=${client.label}>${ports.map((port) => html`<option key=${port.key} value=${port.key}>${port.label} (${port.key})</option>`)}</optgroup>`)}</select>
      <select class="pick short" aria-label="Channel" value=${filter.channels?.[0] ?? ''} onChange=${(event) => update({ channels: event.target.value === '' ? undefined : [Number(event.target.value)] })}>
        <option value="">All channels</option>${Array.from({ length: 16 }, (_, at) => html`<option key=${at} value=${at}>Channel ${at + 1}</option>`)}</select>
      <div class="types" role="group" aria-label="Types of events">${TYPES.map(([key, text]) => html`<button type="button" key=${key} aria-pressed=${String(!filter.types || filter.types.includes(key))} onClick=${() => toggleType(key)}>${text}</button>`)}</div></div>
    ${chosen.length > 0 && html`<ul class="row wrap chips" aria-label="Watched ports">${chosen.map((key) => html`<li key=${key} class="tag"><${Name} text=${fullName(key)} /><${Button} icon="close" class="ghost tiny" label=${`Do not watch ${fullName(key)}`} onClick=${() => update({ ports: chosen.length > 1 ? chosen.filter((other) => other !== key) : undefined })} /></li>`)}</ul>`}
    <div class="monitor-body"><section class="pane roll-pane" aria-label="Piano roll"><${LiveRoll} /></section>
      <section class="pane events-pane" aria-label="Events"><${List} paused=${paused} /></section>
      <section class="pane late-pane" aria-label="Lateness"><${Lateness} /></section></div>`;
}

// Draws the component again when events have come.
function useVersion() {
  const [, again] = useState(0);
  useEffect(() => {
    let seen = -1;
    const timer = setInterval(() => {
      if (seen !== record.version) again((seen = record.version));
    }, PAUSE);
    return () => clearInterval(timer);
  }, []);
}

const two = (number, digits = 2) => String(number).padStart(digits, '0');
function clockOf(time) {
  const date = new Date(time);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
}

function List({ paused }) {
  useVersion();
  const box = useRef();
  const [view, setView] = useState({ top: 0, height: 400 });
  const look = () => setView({ top: box.current.scrollTop, height: box.current.clientHeight });
  useLayoutEffect(() => {
    const observer = new ResizeObserver(look);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const { events } = record;
  const first = Math.max(0, Math.floor(view.top / LINE) - 4);
  const count = Math.ceil(view.height / LINE) + 8;
  const shown = [];
  for (let at = first; at < Math.min(events.length, first + count); at++) shown.push(events[events.length - 1 - at]);
  return html`<div class="events-head"><span><b>${record.total.toLocaleString('en')}</b> events</span>
      ${record.dropped > 0 && html`<span class="warn">${record.dropped.toLocaleString('en')} not shown, since this page was too slow</span>`}
      ${paused && html`<span class="tag">paused${record.held ? `, ${record.held.toLocaleString('en')} more` : ''}</span>`}
      ${monitor.error && html`<span class="bad">${monitor.error}</span>`}</div>
    <div class="events scroll" ref=${box} onScroll=${look} tabindex="0" role="region" aria-label="List of events, the newest first">
      ${events.length
        ? html`<table><thead><tr><th scope="col">Time</th><th scope="col">From</th><th scope="col">Event</th><th scope="col" class="n">Ch</th><th scope="col">Data</th><th scope="col" class="n">Late</th></tr></thead>
          <tbody class="gap"><tr aria-hidden="true"><td colspan="6" style=${{ height: `${first * LINE}px` }}></td></tr></tbody>
          <tbody>${shown.map((event) => {
            const [channel, text] = describe(event);
            const port = state.ports.get(event.source);
            return html`<tr key=${event.number} class=${`type-${event.type}`} style=${{ '--hue': port?.client.hue ?? 178 }}><td class="mono dim">${clockOf(event.time)}</td><td><i class="spot"></i><${Name} text=${port ? fullName(event.source) : event.source} /></td><td class="mono kind">${event.ump ? 'UMP' : (NAMES[event.type] ?? `type ${event.type}`)}</td><td class="mono n">${channel}</td><td class="mono data">${text}</td><td class="mono n dim">${event.late === undefined ? '' : micro(event.late)}</td></tr>`;
          })}</tbody><tbody class="gap"><tr aria-hidden="true"><td colspan="6" style=${{ height: `${Math.max(0, events.length - first - shown.length) * LINE}px` }}></td></tr></tbody></table>`
        : html`<${Empty} icon="monitor" title="Waiting for events"><p>What the ports send is shown here.${monitor.unwatched.length ? ` Ports that cannot be watched: ${monitor.unwatched.map(fullName).join(', ')}.` : ''}</p><//>`}</div>`;
}

const micro = (late) => (late >= 10000 ? `${(late / 1000).toFixed(1)} ms` : `${Math.round(late)} µs`);

function Lateness() {
  useVersion();
  const canvas = useRef();
  const last = useRef({}).current;
  useFrames(() => {
    const { context, width, height, changed } = fit(canvas.current);
    if (!changed && last.version === record.version && last.theme === colours()) return;
    Object.assign(last, { version: record.version, theme: colours() });
    const { accent, line, dim, warn, danger, font } = colours();
    context.clearRect(0, 0, width, height);
    const floor = height - 20;
    const most = Math.max(1, ...record.bins);
    const wide = (width - 8) / BINS;
    context.font = `11px ${font}`;
    for (const [power, text] of [[0, '1 µs'], [1, '10'], [2, '100'], [3, '1 ms'], [4, '10'], [5, '100']]) {
      const x = 4 + power * 10 * wide;
      context.fillStyle = line;
      context.fillRect(x, 4, 1, floor - 4);
      context.fillStyle = dim;
      context.fillText(text, x + 3, height - 6);
    }
    record.bins.forEach((count, bin) => {
      if (!count) return;
      // The root, so that a few late events are seen beside thousands that are on time.
      const tall = Math.max(3, Math.sqrt(count / most) * (floor - 10));
      context.fillStyle = bin < 30 ? accent : bin < 40 ? warn : danger;
      context.beginPath();
      context.roundRect(4 + bin * wide + 0.5, floor - tall, Math.max(1.5, wide - 1.5), tall, [3, 3, 0, 0]);
      context.fill();
    });
    context.fillStyle = line;
    context.fillRect(4, floor, width - 8, 1);
  }, []);
  const [median, high] = [quantile(0.5), quantile(0.99)];
  const known = record.late > 0;
  const value = (number) => (number === undefined ? '–' : micro(number));
  return html`<div class="late-head"><h2>Lateness</h2><dl><div><dt>median</dt><dd>${value(median)}</dd></div><div><dt>99 %</dt><dd>${value(high)}</dd></div><div><dt>most</dt><dd>${known ? micro(record.worst) : '–'}</dd></div></dl></div>
    <canvas ref=${canvas} class="histogram" role="img" aria-label=${known ? `Histogram of lateness: median ${value(median)}, 99 % ${value(high)}, most ${micro(record.worst)}` : 'Histogram of lateness: nothing measured yet'}></canvas>`;
}
