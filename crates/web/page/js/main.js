// The beginning: connects to the server, and draws the page.

import { Connection } from './net.js';
import { html, render, forgetColours } from './ui.js';
import { forgetActivity, takeActivity } from './activity.js';
import { ask, tell, undo, use } from './actions.js';
import { changed, on, set, state, take, ui } from './store.js';
import { takeEvents } from './events.js';
import { App } from './shell.js';

// The token comes in the fragment, which no server sees. It leaves the address bar, and lives as long as the tab.
function token() {
  const given = /[#&]token=([^&]*)/.exec(location.hash)?.[1];
  if (given) {
    sessionStorage.setItem('token', decodeURIComponent(given));
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem('token') ?? '';
}

function paint() {
  if (ui.theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = ui.theme;
  forgetColours();
}
paint();
on('ui', paint);
matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => {
  forgetColours();
  changed('ui');
});

const view = /^#\/(\w+)/.exec(location.hash)?.[1];
if (view) ui.view = view;
addEventListener('hashchange', () => {
  const named = /^#\/(\w+)/.exec(location.hash)?.[1];
  if (named && named !== ui.view) set({ view: named });
});

// To draw the page without a patch, and soon after with it, is twice the work. So the server gets this time, in ms, to send
// it first.
const PATIENCE = 100;
let drawn = false;
function draw() {
  if (drawn) return;
  drawn = true;
  render(html`<${App} />`, document.getElementById('app'));
}
setTimeout(draw, PATIENCE);

let server;
let asked = false;
const net = new Connection({
  token: token(),
  onPhase(phase, why) {
    Object.assign(state, { phase, why });
    if (phase !== 'open') forgetActivity();
    changed('conn');
    if (phase !== 'open') draw();
  },
  onMessage(message) {
    if (message.type === 'hello') {
      state.hello = message;
      if (server !== undefined && server !== message.server) changed('server');
      server = message.server;
      changed('hello');
      if (document.hidden) watchActivity();
    } else if (message.type === 'activity') takeActivity(message);
    else if (message.type === 'notice') tell(String(message.text));
    else if (!take(message) && !asked) {
      asked = true;
      ask('resync').catch(() => {}).finally(() => (asked = false));
    }
    if (state.known) draw();
  },
  onEvents: takeEvents,
});
use(net);
addEventListener('online', () => net.hurry());
on('token', () => net.retry(token()));

// A page that nobody sees wants no activity.
const watchActivity = () => state.phase === 'open' && ask('activity', { on: !document.hidden }).catch(() => {});
document.addEventListener('visibilitychange', () => {
  watchActivity();
  if (!document.hidden) net.hurry();
});

addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input:not([type="checkbox"]), textarea, select');
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'z' && !typing) {
    event.preventDefault();
    undo();
  } else if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    document.querySelector('#search')?.focus();
  }
});
