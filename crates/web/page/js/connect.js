// The patch as lists, for phones: choose what sends, then switch on what receives.

import { Button, Empty, Icon, Name, html, said, useEffect, useFrames, useRef, useState } from './ui.js';
import { mayWrite, select, toggle } from './actions.js';
import { fullName, keyOf, side, state, ui, useTopics } from './store.js';
import { glowing, onActivity } from './activity.js';

// Lights the dots of ports that send.
export function useDots(box) {
  const lit = useRef(new Map()).current;
  // The dots of each port are looked up once after each change of the page.
  const dots = useRef();
  dots.current = undefined;
  const wake = useFrames((now) => {
    if (!dots.current) {
      dots.current = new Map();
      for (const dot of box.current?.querySelectorAll('[data-dot]') ?? []) {
        const { dot: port } = dot.dataset;
        dots.current.set(port, [...(dots.current.get(port) ?? []), dot]);
        dot.style.setProperty('--level', lit.get(port) ?? 0);
      }
    }
    const fresh = new Map(glowing(now));
    for (const port of new Set([...lit.keys(), ...fresh.keys()])) {
      const level = Math.round((fresh.get(port) ?? 0) * 5) / 5;
      if (level === lit.get(port)) continue;
      if (level) lit.set(port, level);
      else lit.delete(port);
      for (const dot of dots.current.get(port) ?? []) dot.style.setProperty('--level', level);
    }
    return lit.size > 0;
  });
  useEffect(() => onActivity(wake), []);
}

export function Connect() {
  useTopics('topology', 'ui', 'conn');
  const box = useRef();
  const [chosen, setChosen] = useState();
  useDots(box);
  const sources = side('sends');
  const sinks = side('receives');
  const source = state.ports.get(chosen);
  const kind = (client) => (client.system ? 'system' : client.hardware ? 'device' : client.own ? 'keys' : 'program');
  const head = (client) => html`<h3 class="list-head" style=${{ '--hue': client.hue }}><span class="badge"><${Icon} name=${kind(client)} /></span><${Name} text=${client.label} class="grow" /><span class="mono dim small">${client.id}</span></h3>`;
  const back = () => {
    setChosen(undefined);
    select(undefined);
    setTimeout(() => box.current?.querySelector(`[data-source="${chosen}"]`)?.focus(), 60);
  };
  return html`<div class=${`lists ${source ? 'second' : ''}`} ref=${box}>
    <section class="scroll list" aria-label="Ports that send"><h2 class="list-title">From</h2>
      ${sources.map(({ client, ports }) => html`<div key=${client.id} class="group">${head(client)}<ul>${ports.map((port) => html`<li key=${port.key}>
        <button type="button" class="item" data-source=${port.key} aria-pressed=${String(chosen === port.key)} style=${{ '--hue': client.hue }} onClick=${() => (setChosen(port.key), setTimeout(() => box.current?.querySelector('.sinks [data-sink]')?.focus({ preventScroll: true }), 80))}>
          <span class="dot" data-dot=${port.key}></span><span class="stack flat grow"><${Name} text=${port.label} />${port.aliases.length > 0 && html`<span class="small soft">${port.aliases.map((alias) => '@' + alias).join(' ')}</span>`}</span>
          <span class="tag" aria-label=${`${port.out.size} connections`}>${port.out.size}</span><${Icon} name="arrow" /></button></li>`)}</ul></div>`)}
      ${!sources.length && html`<${Empty} icon="patch" title="Nothing here sends"><p>Programs and devices appear here as soon as they open a port.</p><//>`}</section>
    <section class="scroll list sinks" aria-label="Ports that receive">${source
      ? html`<div class="list-title row"><${Button} icon="left" label="Back" class="ghost back" onClick=${back} /><h2 class="grow row tight">To, from <${Name} text=${fullName(chosen)} /></h2>
          <${Button} icon="settings" label=${`About ${said(fullName(chosen))}`} class="ghost" onClick=${() => select({ port: chosen })} /></div>
        ${sinks.map(({ client, ports }) => html`<div key=${client.id} class="group">${head(client)}<ul>${ports.map((port) => {
          const link = state.links.get(keyOf(chosen, port.key));
          return html`<li key=${port.key} class="row item-row"><label class="item grow" style=${{ '--hue': client.hue }}><span class="grow row tight"><${Name} text=${port.label} />${link?.filter && html`<span class="tag">${link.filter.mute ? 'muted' : 'filtered'}</span>`}${link?.kept && html`<span class="tag good">kept</span>`}</span>
            <input type="checkbox" class="switch" role="switch" data-sink=${port.key} aria-label=${`${said(fullName(chosen))} to ${said(fullName(port.key))}`} checked=${Boolean(link)} disabled=${!mayWrite()}
              onChange=${(event) => { event.target.checked = Boolean(link); toggle(chosen, port.key); }} /></label>
            <${Button} icon="filter" label=${`Edit the connection to ${said(fullName(port.key))}`} class="ghost" disabled=${!link} onClick=${() => select({ link: keyOf(chosen, port.key) })} /></li>`;
        })}</ul></div>`)}`
      : html`<${Empty} icon="arrow" title="Choose what sends"><p>Then switch on the ports that should receive it.</p><//>`}</section></div>`;
}
