// The frame of all views: brand, search, undo, panic, settings; the way from view to view; what is told.

import { Button, Icon, Segments, html, typed, useEffect, useLayoutEffect, useRef, useState } from './ui.js';
import { canUndo, dismiss, lastStep, mayWrite, panic, undo } from './actions.js';
import { changed, remember, set, state, ui, useTopics } from './store.js';
import { Patch } from './patch.js';
import { Transport } from './transport.js';

const VIEWS = [
  ['patch', 'Patch', 'patch'],
  ['monitor', 'Monitor', 'monitor'],
  ['keyboard', 'Keyboard', 'keys'],
  ['rules', 'Rules', 'rules'],
  ['patches', 'Patches', 'saved'],
  ['recordings', 'Takes', 'tape'],
];

// Views that are not seen first are loaded when they are needed.
const LATER = {
  monitor: () => import('./monitor.js').then((module) => module.Monitor),
  keyboard: () => import('./keyboard.js').then((module) => module.Keyboard),
  rules: () => import('./rules.js').then((module) => module.Rules),
  patches: () => import('./patches.js').then((module) => module.Patches),
  recordings: () => import('./recordings.js').then((module) => module.Recordings),
};
const loaded = { patch: Patch };

export function go(view) {
  history.replaceState(null, '', `#/${view}`);
  set({ view });
}

function Settings() {
  const [open, setOpen] = useState(false);
  const box = useRef();
  // Before the screen is drawn, since keys and clicks may follow at once.
  useLayoutEffect(() => {
    if (!open) return undefined;
    const away = (event) => !box.current?.contains(event.target) && setOpen(false);
    const escape = (event) => event.key === 'Escape' && (setOpen(false), box.current.querySelector('button').focus());
    addEventListener('pointerdown', away);
    addEventListener('keydown', escape);
    return () => {
      removeEventListener('pointerdown', away);
      removeEventListener('keydown', escape);
    };
  }, [open]);
  const { hello } = state;
  const choose = (changes) => {
    set(changes);
    remember();
    changed('topology');
  };
  return html`<div class="settings" ref=${box}>
    <${Button} icon="settings" label="Settings" class="ghost" aria-expanded=${String(open)} aria-controls="settings" onClick=${() => setOpen(!open)} />
    ${open && html`<div id="settings" class="box popover stack" role="group" aria-label="Settings">
      <div class="stack tight"><span class="small soft" id="theme-label">Colours</span>
        <${Segments} label="Colours" value=${ui.theme} onChange=${(theme) => choose({ theme })} options=${[['auto', 'Automatic'], ['light', 'Light'], ['dark', 'Dark']]} /></div>
      <label class="inline"><input type="checkbox" class="switch" checked=${ui.system} onChange=${(event) => choose({ system: event.target.checked })} /><span>Show ports of the system</span></label>
      <p class="small dim">aseqd ${hello.version}<br />${hello.device}${hello.read_only ? html`<br />read only` : ''}</p>
      ${state.lost > 0 && html`<p class="small warn">Events were lost ${state.lost} times, since the server read too slowly.</p>`}
    </div>`}</div>`;
}

function Top() {
  useTopics('ui', 'conn', 'hello');
  const open = state.phase === 'open';
  const last = lastStep();
  return html`<header class="top">
    <a class="brand" href="#/patch" aria-label="aseqd patchbay"><svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><path class="a" d="M7 9c10 0 8 14 18 14" /><path class="b" d="M7 23c10 0 8-14 18-14" /><circle class="a" cx="7" cy="9" r="3.4" /><circle class="b" cx="7" cy="23" r="3.4" /><circle class="b" cx="25" cy="9" r="3.4" /><circle class="a" cx="25" cy="23" r="3.4" /></svg><span class="wide">aseqd</span></a>
    <span class=${`status ${open ? 'good' : 'off'}`} role="status"><i aria-hidden="true"></i><span class="wide">${open ? (state.hello.read_only ? 'read only' : 'live') : state.phase === 'closed' ? 'reconnecting…' : state.phase === 'refused' ? 'refused' : 'connecting…'}</span></span>
    <div class="search"><${Icon} name="search" /><input id="search" type="search" placeholder="Search ports" aria-label="Search ports" autocomplete="off" spellcheck=${false} value=${ui.query}
      onInput=${(event) => set({ query: event.target.value })} onKeyDown=${(event) => event.key === 'Escape' && (set({ query: '' }), event.target.blur())} /><kbd class="wide" aria-hidden="true">/</kbd></div>
    <${Button} icon="undo" label=${last ? `Undo: ${last}` : 'Nothing to undo'} class="ghost" disabled=${!canUndo() || !mayWrite()} onClick=${undo} />
    <${Button} icon="panic" label="Panic: end all notes on all ports" class="danger" disabled=${!mayWrite()} onClick=${() => panic()}><span class="wide">Panic</span><//>
    <${Settings} /></header>`;
}

function Toasts() {
  useTopics('toasts');
  return html`<div class="toasts">
    <div class="hidden" aria-live="polite">${ui.said}</div>
    <div role="log" aria-label="Messages" aria-live="polite">${ui.toasts.map((toast) => html`<div key=${toast.id} class=${`toast ${toast.bad ? 'bad' : ''}`}>
      <span class="grow">${toast.text}</span>
      ${toast.action && html`<button type="button" class="ghost" onClick=${() => (toast.action[1](), dismiss(toast))}>${toast.action[0]}</button>`}
      <${Button} icon="close" label="Dismiss" class="ghost" onClick=${() => dismiss(toast)} /></div>`)}</div></div>`;
}

function Refused() {
  const wrong = state.why?.code === 4001;
  const [text, setText] = useState('');
  if (!wrong) return html`<main class="refused"><div class="box stack"><h1>Another version</h1><p class="soft">This page and the server do not speak the same version. Load the page again.</p><button class="primary" onClick=${() => location.reload()}>Load again</button></div></main>`;
  return html`<main class="refused"><form class="box stack" onSubmit=${(event) => {
    event.preventDefault();
    sessionStorage.setItem('token', typed(event));
    changed('token');
  }}><${Icon} name="lock" /><h1>A token is needed</h1><p class="soft">The server prints an address that has it. Open that, or put the token in here.</p>
    <label>Token<input type="password" autocomplete="off" value=${text} onInput=${(event) => setText(event.target.value)} /></label><button class="primary" type="submit">Enter</button></form></main>`;
}

export function App() {
  useTopics('ui', 'conn');
  const [, again] = useState(0);
  const name = VIEWS.some(([key]) => key === ui.view) ? ui.view : 'patch';
  // The mark `picture` says when the patch was first on the screen: in the task behind the frame that draws it.
  const picture = useRef();
  useLayoutEffect(() => {
    if (!state.known || picture.current) return;
    picture.current = new MessageChannel();
    picture.current.port1.onmessage = () => performance.mark('picture');
    requestAnimationFrame(() => picture.current.port2.postMessage(0));
  });
  useEffect(() => {
    document.title = `${VIEWS.find(([key]) => key === name)[1]} · aseqd`;
    if (!loaded[name]) LATER[name]().then((view) => ((loaded[name] = view), again((n) => n + 1)));
  }, [name]);
  if (state.phase === 'refused') return html`<${Refused} />`;
  const View = loaded[name];
  return html`<${Top} />
    <nav class="rail" aria-label="Views">${VIEWS.map(([key, text, icon]) => html`<a key=${key} href=${`#/${key}`} aria-current=${key === name ? 'page' : undefined}
      onClick=${(event) => (event.preventDefault(), go(key))}><${Icon} name=${icon} /><span>${text}</span></a>`)}</nav>
    <main class=${`view view-${name}`} id="main" aria-busy=${String(!state.known)}>${state.phase === 'closed' && state.known && html`<p class="stale" role="status">The server does not answer. It is tried again; what is shown may have changed meanwhile.</p>`}<h1 class="hidden">${VIEWS.find(([key]) => key === name)[1]}</h1>${View && state.known ? html`<${View} />` : html`<div class="empty"><span class="dim">${state.phase === 'closed' ? 'The server does not answer. It is tried again.' : ''}</span></div>`}</main>
    <${Transport} /><${Toasts} />`;
}
