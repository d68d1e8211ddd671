// The filter of one connection: which channels pass, and what changes on the way.

import { Button, html, useState } from './ui.js';
import { mayWrite, setFilter } from './actions.js';

const CHANNELS = Array.from({ length: 16 }, (_, at) => at + 1);

export function Filter({ link }) {
  const was = link.filter ?? {};
  const velocity = typeof was.velocity === 'object' ? was.velocity : {};
  const [draft, setDraft] = useState({
    channels: [].concat(was.channels ?? []),
    to: was.to_channel ?? '',
    transpose: was.transpose ?? 0,
    fixed: typeof was.velocity === 'number' ? was.velocity : '',
    scale: velocity.scale ?? '',
    add: velocity.add ?? '',
    min: velocity.min ?? '',
    max: velocity.max ?? '',
    controllers: Object.entries(was.controllers ?? {}).map(([from, to]) => ({ from, to: to === false ? '' : String(to) })),
  });
  const [touched, setTouched] = useState(false);
  const change = (changes) => {
    setDraft({ ...draft, ...changes });
    setTouched(true);
  };
  const apply = async (event) => {
    event.preventDefault();
    const filter = filterOf(draft, was.mute);
    if (await setFilter(link.from, link.to, filter)) setTouched(false);
  };
  const number = (key, label, rest) => html`<label>${label}<input type="number" value=${draft[key]} ...${rest} onInput=${(event) => change({ [key]: event.target.value })} /></label>`;
  const row = (at, changes) => change({ controllers: draft.controllers.map((entry, index) => (index === at ? { ...entry, ...changes } : entry)) });
  return html`<form class="filter stack" onSubmit=${apply} aria-label="Filter">
    <div class="row"><h3 class="grow">Filter</h3>${link.filter && html`<span class="tag good">in force</span>`}</div>
    <fieldset class="stack tight"><legend class="small soft">Channels that pass${draft.channels.length ? '' : ' (all)'}</legend>
      <div class="channels">${CHANNELS.map((channel) => {
        const chosen = draft.channels.includes(channel);
        return html`<button type="button" key=${channel} aria-pressed=${String(chosen)} aria-label=${`Channel ${channel}`} onClick=${() => change({ channels: chosen ? draft.channels.filter((other) => other !== channel) : [...draft.channels, channel].sort((a, b) => a - b) })}>${channel}</button>`;
      })}</div></fieldset>
    <div class="two">
      <label>To channel<select value=${draft.to} onChange=${(event) => change({ to: event.target.value })}><option value="">as it is</option>${CHANNELS.map((channel) => html`<option key=${channel} value=${channel}>${channel}</option>`)}</select></label>
      ${number('transpose', 'Transpose, semitones', { min: -127, max: 127, step: 1 })}</div>
    <fieldset class="stack tight"><legend class="small soft">Velocity</legend><div class="five">
      ${number('fixed', 'Fixed', { min: 1, max: 127, placeholder: '–' })}${number('scale', 'Scale', { min: 0, max: 10, step: 0.05, placeholder: '1', disabled: draft.fixed !== '' })}${number('add', 'Add', { min: -127, max: 127, placeholder: '0', disabled: draft.fixed !== '' })}
      ${number('min', 'Least', { min: 1, max: 127, placeholder: '1', disabled: draft.fixed !== '' })}${number('max', 'Most', { min: 1, max: 127, placeholder: '127', disabled: draft.fixed !== '' })}</div></fieldset>
    <fieldset class="stack tight"><legend class="small soft">Controllers</legend>
      ${draft.controllers.map((entry, at) => html`<div class="row" key=${at}><input type="number" min="0" max="127" aria-label="Controller" value=${entry.from} onInput=${(event) => row(at, { from: event.target.value })} />
        <span aria-hidden="true">→</span><input type="number" min="0" max="127" placeholder="stop" aria-label="Becomes controller, or nothing to stop it" value=${entry.to} onInput=${(event) => row(at, { to: event.target.value })} />
        <${Button} icon="close" label="Remove this line" class="ghost" onClick=${() => change({ controllers: draft.controllers.filter((_, index) => index !== at) })} /></div>`)}
      <${Button} icon="plus" label="Change a controller" onClick=${() => change({ controllers: [...draft.controllers, { from: '1', to: '11' }] })}>Controller<//></fieldset>
    <div class="row"><button type="submit" class="primary grow" disabled=${!mayWrite() || !touched}>Apply</button>
      <button type="button" disabled=${!mayWrite() || !link.filter} onClick=${() => setFilter(link.from, link.to, null)}>Remove</button></div>
    <p class="small dim">A filter is a rule: it is kept, and comes back with the two ports.</p></form>`;
}

// Returns the filter that a form means, or null if everything passes as it is.
export function filterOf(draft, mute) {
  const filter = {};
  if (mute) filter.mute = true;
  if (draft.channels.length && draft.channels.length < 16) filter.channels = draft.channels;
  if (draft.to !== '') filter.to_channel = Number(draft.to);
  if (Number(draft.transpose)) filter.transpose = Number(draft.transpose);
  if (draft.fixed !== '') filter.velocity = Number(draft.fixed);
  else {
    const parts = ['scale', 'add', 'min', 'max'].filter((key) => draft[key] !== '').map((key) => [key, Number(draft[key])]);
    if (parts.length) filter.velocity = Object.fromEntries(parts);
  }
  const controllers = draft.controllers.filter(({ from }) => from !== '').map(({ from, to }) => [from, to === '' ? false : Number(to)]);
  if (controllers.length) filter.controllers = Object.fromEntries(controllers);
  return Object.keys(filter).length ? filter : null;
}
