// The transport of what plays: one bar for each player that tells where it is.

import { Button, Icon, Name, clean, html, useState } from './ui.js';
import { mayWrite, run } from './actions.js';
import { state, useTopics } from './store.js';

const SKIP = 5; // seconds

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

function Player({ player }) {
  // Where the handle is while it is moved.
  const [held, hold] = useState();
  const { port, time, length, bar, beat, song = 0, songs = 1 } = player;
  const playing = player.state === 'playing';
  const name = clean(player.name || 'player');
  const act = (action, more) => run('transport', { port, action, ...more });
  const seek = (seconds) => act('seek', { seconds: Math.max(0, Math.min(length ?? 86399, seconds)) });
  const key = (icon, label, work, { kind = 'ghost', off = false } = {}) => html`<${Button} icon=${icon} label=${label} class=${kind} disabled=${off || !mayWrite()} onClick=${work} />`;
  const bpm = state.queues.find((queue) => queue.client === Number(port.split(':')[0]))?.bpm;
  const place = [bar !== undefined && `${bar}:${beat}`, bpm && `${Math.round(bpm * (player.speed ?? 1) * 10) / 10} bpm`, !playing && 'paused'].filter(Boolean).join(' · ');
  const known = time !== undefined;
  return html`<div class="row player" role="group" aria-label=${`Player: ${name}`}>
    <span class=${`disc ${playing ? 'turning' : ''}`} aria-hidden="true"><${Icon} name="tape" /></span>
    <span class="stack flat what"><span class="row tight"><${Name} text=${name} class="strong" />${player.marker && html`<span class="tag mini"><${Name} text=${clean(player.marker)} /></span>`}</span><span class="small dim mono">${place}</span></span>
    ${known && html`<span class="row tight grow along"><output class="small mono dim">${clock(held ?? time)}</output>
      <input type="range" min="0" max=${Math.max(1, length)} step="1" value=${held ?? time} disabled=${!mayWrite()} aria-label="Position" aria-valuetext=${`${clock(held ?? time)} of ${clock(length)}${bar !== undefined ? `, bar ${bar}, beat ${beat}` : ''}`}
        onInput=${(event) => hold(Number(event.target.value))} onChange=${(event) => (seek(Number(event.target.value)), setTimeout(() => hold(undefined), 400))} />
      <span class="small mono dim">${clock(length)}</span></span>`}
    <span class="row tight">${songs > 1 && key('previous', 'Previous song', () => act('song', { song: Math.max(0, song - 1) }))}
      ${known && key('back', `Back ${SKIP} seconds`, () => seek(time - SKIP))}
      ${playing ? key('pause', 'Pause', () => act('pause'), { kind: 'primary' }) : key('play', 'Go on', () => act('play'), { kind: 'primary' })}
      ${known && key('forward', `Forward ${SKIP} seconds`, () => seek(time + SKIP))}
      ${songs > 1 && key('next', 'Next song', () => act('song', { song: song + 1 }), { off: song + 1 >= songs })}
      ${key('stop', 'Stop, and end the player', () => act('end'))}</span></div>`;
}

export function Transport() {
  useTopics('topology', 'conn', 'players');
  if (!state.players.size || state.phase !== 'open') return null;
  return html`<section class="transport" aria-label="Players">${[...state.players.values()].map((player) => html`<${Player} key=${player.port} player=${player} />`)}</section>`;
}
