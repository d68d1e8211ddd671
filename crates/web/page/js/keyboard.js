// The virtual keyboard: by mouse, by several fingers, by the keys of the computer; wheels, pedal, SysEx.

import { Button, html, typed, useLayoutEffect, useRef, useState } from './ui.js';
import { ask, mayWrite, run, say, tell } from './actions.js';
import { fullName, side, state, ui, useTopics } from './store.js';
import { noteName } from './events.js';

// Places on the keyboard of a computer, whatever letters are there: two rows, as in most programs.
const PLACES = ['KeyA', 'KeyW', 'KeyS', 'KeyE', 'KeyD', 'KeyF', 'KeyT', 'KeyG', 'KeyY', 'KeyH', 'KeyU', 'KeyJ', 'KeyK', 'KeyO', 'KeyL', 'KeyP', 'Semicolon', 'Quote'];
const BLACK = new Set([1, 3, 6, 8, 10]);
const byte = (value) => value.toString(16).padStart(2, '0');

const settings = { octave: 4, channel: 0, velocity: 100, program: '', mod: 0, bend: 8192, pedal: false };
const sounding = new Map(); // note -> { channel, to }

function send(bytes, to) {
  ask('send', { midi: bytes.map(byte).join(''), ...(to ? { to } : {}) }).catch((error) => tell(error.message, { bad: true }));
}
function noteOn(note, velocity) {
  if (!mayWrite() || note < 0 || note > 127 || sounding.has(note)) return;
  sounding.set(note, { channel: settings.channel, to: ui.playTo });
  send([0x90 | settings.channel, note, Math.max(1, Math.min(127, Math.round(velocity)))], ui.playTo);
}
function noteOff(note) {
  const was = sounding.get(note);
  if (!was) return;
  sounding.delete(note);
  if (mayWrite()) send([0x80 | was.channel, note, 64], was.to);
}
// Sends a value that moves at most once in a frame: the last one counts.
const moving = new Map();
function glide(name, bytes) {
  if (!moving.size) {
    setTimeout(() => {
      for (const message of moving.values()) send(message, ui.playTo);
      moving.clear();
    }, 25);
  }
  moving.set(name, bytes);
}

export function Keyboard() {
  useTopics('topology', 'conn', 'ui');
  const [values, setValues] = useState({ ...settings });
  const [down, setDown] = useState(new Set());
  const [bytes, setBytes] = useState('F0 7E 7F 06 01 F7');
  const [size, setSize] = useState({ width: 1000 });
  const box = useRef();
  const pointers = useRef(new Map()).current;
  const held = useRef(new Map()).current;
  const change = (changes) => {
    Object.assign(settings, changes);
    setValues({ ...settings });
  };
  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => setSize({ width: box.current.clientWidth }));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const press = (note, velocity = settings.velocity) => {
    noteOn(note, velocity);
    setDown(new Set(sounding.keys()));
  };
  const release = (note) => {
    noteOff(note);
    setDown(new Set(sounding.keys()));
  };
  const silence = () => {
    for (const note of [...sounding.keys()]) noteOff(note);
    pointers.clear();
    held.clear();
    setDown(new Set());
  };
  const octave = (step) => change({ octave: Math.max(0, Math.min(8, settings.octave + step)) });
  // Before the screen is drawn: a key may follow at once.
  useLayoutEffect(() => {
    const typing = (event) => event.target.closest?.('input:not([type="checkbox"], [type="range"]), textarea, select') || event.ctrlKey || event.metaKey || event.altKey;
    const onDown = (event) => {
      if (typing(event) || event.repeat) return;
      const at = PLACES.indexOf(event.code);
      if (at >= 0) {
        event.preventDefault();
        const note = (settings.octave + 1) * 12 + at;
        held.set(event.code, note);
        press(note);
      } else if (event.code === 'KeyZ') octave(-1);
      else if (event.code === 'KeyX') octave(1);
    };
    const onUp = (event) => {
      const note = held.get(event.code);
      held.delete(event.code);
      if (note !== undefined) release(note);
    };
    addEventListener('keydown', onDown);
    addEventListener('keyup', onUp);
    addEventListener('blur', silence);
    return () => {
      removeEventListener('keydown', onDown);
      removeEventListener('keyup', onUp);
      removeEventListener('blur', silence);
      silence();
    };
  }, []);

  const octaves = Math.max(1, Math.min(4, Math.floor(size.width / (size.width < 560 ? 300 : 330))));
  const low = (values.octave + 1) * 12;
  const high = Math.min(127, low + octaves * 12);
  const notes = Array.from({ length: Math.max(0, high - low + 1) }, (_, at) => low + at);
  const whites = notes.filter((note) => !BLACK.has(note % 12));
  const keyAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest?.('.key');
  const strength = (event, key) => {
    const bounds = key.getBoundingClientRect();
    return 40 + Math.min(1, Math.max(0, (event.clientY - bounds.top) / bounds.height)) * (values.velocity - 40);
  };
  const onPointerDown = (event) => {
    const key = keyAt(event);
    if (!key || event.button !== 0) return;
    event.preventDefault();
    key.focus({ preventScroll: true });
    if (event.target.hasPointerCapture?.(event.pointerId)) event.target.releasePointerCapture(event.pointerId);
    const note = Number(key.dataset.note);
    pointers.set(event.pointerId, note);
    press(note, strength(event, key));
  };
  const onPointerMove = (event) => {
    if (!pointers.has(event.pointerId)) return;
    const key = keyAt(event);
    const note = key ? Number(key.dataset.note) : undefined;
    const before = pointers.get(event.pointerId);
    if (note === before) return;
    if (before !== undefined) release(before);
    pointers.set(event.pointerId, note);
    if (note !== undefined) press(note, strength(event, key));
  };
  const onPointerUp = (event) => {
    const note = pointers.get(event.pointerId);
    pointers.delete(event.pointerId);
    if (note !== undefined) release(note);
  };
  const onKey = (event) => {
    const note = Number(event.target.dataset?.note);
    if (event.type === 'keydown' && (event.key === ' ' || event.key === 'Enter') && !event.repeat) {
      event.preventDefault();
      press(note);
    } else if (event.type === 'keyup' && (event.key === ' ' || event.key === 'Enter')) release(note);
    else if (event.type === 'keydown' && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
      event.preventDefault();
      box.current.querySelector(`[data-note="${note + (event.key === 'ArrowRight' ? 1 : -1)}"]`)?.focus();
    }
  };
  const label = (note) => {
    const code = PLACES[note - low];
    return code ? { Semicolon: ';', Quote: "'" }[code] ?? code.slice(3) : '';
  };
  const left = (note) => (whites.filter((white) => white < note).length / whites.length) * 100;
  const own = state.ports.get(state.hello.keyboard);
  const reaches = own ? [...own.out].map(fullName) : [];
  const set = (key, number) => glide(key, key === 'mod' ? [0xb0 | settings.channel, 1, number] : [0xe0 | settings.channel, number & 127, number >> 7]);
  const sendBytes = async (event) => {
    event.preventDefault();
    const midi = typed(event).replace(/[\s,]/g, '');
    if (await run('send', { midi, ...(ui.playTo ? { to: ui.playTo } : {}) })) say('sent');
  };
  const controller = (number, value) => send([0xb0 | settings.channel, number, value], ui.playTo);
  return html`<div class="keyboard scroll">
    <div class="box play-bar"><label class="to">Plays<select value=${ui.playTo ?? ''} onChange=${(event) => { silence(); ui.playTo = event.target.value || undefined; change({}); }}>
        <option value="">what the port “keyboard” is connected to</option>${side('receives').map(({ client, ports }) => html`<optgroup key=${client.id} label=${client.label}>${ports.map((port) => html`<option key=${port.key} value=${port.key}>${fullName(port.key)} (${port.key})</option>`)}</optgroup>`)}</select></label>
      <label>Channel<select value=${values.channel} onChange=${(event) => { silence(); change({ channel: Number(event.target.value) }); }}>${Array.from({ length: 16 }, (_, at) => html`<option key=${at} value=${at}>${at + 1}</option>`)}</select></label>
      <label>Program<input type="number" min="1" max="128" placeholder="–" value=${values.program} onChange=${(event) => { const program = Number(event.target.value); change({ program: event.target.value }); if (program >= 1 && program <= 128) send([0xc0 | settings.channel, program - 1], ui.playTo); }} /></label>
      <div class="octaves" role="group" aria-label="Octave"><span class="small soft">Octave</span><div class="row tight"><button type="button" aria-label="Octave down" onClick=${() => octave(-1)}>−</button><output class="mono">C${values.octave}</output><button type="button" aria-label="Octave up" onClick=${() => octave(1)}>+</button></div></div>
      <label class="grow slide">Velocity ${values.velocity}<input type="range" min="1" max="127" value=${values.velocity} onInput=${(event) => change({ velocity: Number(event.target.value) })} /></label></div>
    ${!ui.playTo && html`<p class="small soft reach">${reaches.length ? `Heard by ${reaches.join(', ')}.` : 'Nothing hears it yet: connect the port “keyboard” in the patch, or choose what it plays.'}</p>`}
    <div class="deck"><div class="wheels">
        <label>Bend<input type="range" class="upright" min="0" max="16383" value=${values.bend} aria-valuetext=${String(values.bend - 8192)} disabled=${!mayWrite()} onInput=${(event) => { change({ bend: Number(event.target.value) }); set('bend', settings.bend); }} onChange=${() => { change({ bend: 8192 }); set('bend', 8192); }} /></label>
        <label>Mod<input type="range" class="upright" min="0" max="127" value=${values.mod} disabled=${!mayWrite()} onInput=${(event) => { change({ mod: Number(event.target.value) }); set('mod', settings.mod); }} /></label></div>
      <div class="piano" ref=${box} role="group" aria-label=${`Piano, ${noteName(low)} to ${noteName(high)}`} onPointerDown=${onPointerDown} onPointerMove=${onPointerMove} onPointerUp=${onPointerUp} onPointerCancel=${onPointerUp} onPointerLeave=${onPointerUp} onKeyDown=${onKey} onKeyUp=${onKey}>
        ${notes.map((note) => {
          const black = BLACK.has(note % 12);
          const style = black ? { left: `calc(${left(note)}% - ${29 / whites.length}%)`, width: `${58 / whites.length}%` } : { left: `${left(note)}%`, width: `${100 / whites.length}%` };
          return html`<button type="button" key=${note} class=${`key ${black ? 'black' : 'white'} ${down.has(note) ? 'down' : ''}`} style=${style} data-note=${note} aria-label=${noteName(note)} aria-pressed=${String(down.has(note))} tabindex=${note === low ? 0 : -1} disabled=${!mayWrite()}><span class="hint" data-text=${label(note)}></span>${note % 12 === 0 && html`<span class="c" data-text=${noteName(note)}></span>`}</button>`;
        })}</div></div>
    <div class="box row wrap below"><${Button} icon="keys" label="Sustain pedal" aria-pressed=${String(values.pedal)} disabled=${!mayWrite()} onClick=${() => { change({ pedal: !settings.pedal }); controller(64, settings.pedal ? 127 : 0); }}>Sustain<//>
      <${Button} icon="mute" label="End all notes on this channel" disabled=${!mayWrite()} onClick=${() => { silence(); controller(123, 0); controller(120, 0); }}>All off<//>
      <form class="row grow bytes" onSubmit=${sendBytes}><label class="inline grow"><span class="small">Bytes</span><input type="text" class="mono" spellcheck=${false} aria-label="MIDI messages in hexadecimal" value=${bytes} onInput=${(event) => setBytes(event.target.value)} /></label><button type="submit" disabled=${!mayWrite()}>Send</button></form></div>
    <p class="small dim hints"><kbd>A</kbd> to <kbd>'</kbd> play, <kbd>Z</kbd> and <kbd>X</kbd> change the octave. The lower on a key, the louder.</p></div>`;
}
