// The transport of what plays: one bar for each player that can be controlled.

import { Button, Icon, Name, html } from './ui.js';
import { mayWrite, run } from './actions.js';
import { state, useTopics } from './store.js';

export function Transport() {
  useTopics('topology', 'conn');
  const players = [...state.clients.values()].filter((client) => client.transport);
  if (!players.length || state.phase !== 'open') return null;
  return html`<section class="transport" aria-label="Players">${players.map((client) => {
    const queue = state.queues.find((entry) => entry.client === client.id);
    const playing = queue ? queue.running : true;
    const act = (action) => run('transport', { client: client.id, action });
    const key = (icon, label, action, kind = 'ghost') => html`<${Button} icon=${icon} label=${label} class=${kind} disabled=${!mayWrite()} onClick=${() => act(action)} />`;
    return html`<div key=${client.id} class="row player" role="group" aria-label=${client.label}>
      <span class=${`disc ${playing ? 'turning' : ''}`} aria-hidden="true"><${Icon} name="tape" /></span>
      <span class="stack flat"><${Name} text=${client.label} class="strong" /><span class="small dim">${playing ? 'playing' : 'paused'}${queue?.bpm ? ` · ${Math.round(queue.bpm * 10) / 10} bpm` : ''}</span></span>
      <span class="grow"></span>
      ${key('previous', 'Previous song', 'previous')}${key('back', 'Back', 'back')}
      ${playing ? key('pause', 'Pause', 'pause', 'primary') : key('play', 'Continue', 'continue', 'primary')}
      ${key('forward', 'Forward', 'forward')}${key('next', 'Next song', 'next')}${key('stop', 'Stop', 'stop')}</div>`;
  })}</section>`;
}
