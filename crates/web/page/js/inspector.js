// What is selected: a port with its connections and aliases, or a connection with its filter.

import { Button, Icon, Name, html, said, typed, useEffect, useLayoutEffect, useRef, useState } from './ui.js';
import { addAlias, cut, keep, mayWrite, mute, panic, removeAlias, run, select, tell } from './actions.js';
import { fullName, keyOf, set, state, ui, useTopics } from './store.js';
import { Filter } from './filter.js';
import { totals } from './activity.js';

export function Inspector() {
  useTopics('topology', 'ui', 'conn');
  const { port, link } = ui.selection ?? {};
  const close = () => select(undefined);
  const entry = port ? state.ports.get(port) : state.links.get(link);
  if (!entry) return null;
  return html`<${Frame} label=${port ? 'Selected port' : 'Selected connection'} close=${close}>
    ${port ? html`<${Port} key=${port} port=${entry} close=${close} />` : html`<${Cable} key=${link} link=${entry} close=${close} />`}<//>`;
}

// When the panel goes and has the focus, the focus goes back into the patch.
function Frame({ label, close, children }) {
  const box = useRef();
  useLayoutEffect(() => {
    const panel = box.current;
    return () => {
      if (panel.contains(document.activeElement)) document.querySelector('.port[tabindex="0"], .cell input[tabindex="0"], [data-source]')?.focus({ preventScroll: true });
    };
  }, []);
  return html`<aside class="inspector scroll" ref=${box} aria-label=${label} onKeyDown=${(event) => event.key === 'Escape' && close()}>${children}</aside>`;
}

function Head({ children, close }) {
  return html`<div class="row top-line">${children}<span class="grow"></span><${Button} icon="close" label="Close" class="ghost" onClick=${close} /></div>`;
}

function Count({ port }) {
  const [count, setCount] = useState(totals.get(port) ?? 0);
  useEffect(() => {
    const timer = setInterval(() => setCount(totals.get(port) ?? 0), 250);
    return () => clearInterval(timer);
  }, [port]);
  return html`<span>${count.toLocaleString('en')}</span>`;
}

function Cable({ link, close }) {
  const { from, to } = link;
  const [a, b] = [state.ports.get(from), state.ports.get(to)];
  const muted = Boolean(link.filter?.mute);
  const facts = [link.rule && ['Decided by', link.rule], link.link && ['Goes through', link.link], link.exclusive && ['Exclusive', 'yes'], link.stamp && ['Stamped', link.stamp]].filter(Boolean);
  return html`<${Head} close=${close}><h2>Connection</h2><//>
    <div class="ends"><${End} port=${a} /><span class="ends-cable" style=${{ '--hue': a.client.hue }} aria-hidden="true"></span><${End} port=${b} /></div>
    <div class="actions">
      <${Button} icon="cut" label="Cut this connection" class="danger" disabled=${!mayWrite()} onClick=${() => cut(from, to)}>Cut<//>
      <${Button} icon=${muted ? 'sound' : 'mute'} label=${muted ? 'Let events pass again' : 'Let no event pass'} aria-pressed=${String(muted)} disabled=${!mayWrite()} onClick=${() => mute(link)}>Mute<//>
      <${Button} icon="keep" label="Keep this connection by a rule: it comes back by itself" aria-pressed=${String(Boolean(link.kept))} disabled=${!mayWrite()} onClick=${() => keep(link, !link.kept)}>Keep<//>
      <${Button} icon="rules" label="Make a rule from this connection" disabled=${!mayWrite() || !state.rules.editable} onClick=${() => makeRule(from, to)}>Rule…<//>
    </div>
    <p class="small dim">Events sent: <${Count} port=${from} /></p>
    ${facts.length > 0 && html`<dl class="facts">${facts.map(([name, value]) => html`<dt key=${name}>${name}</dt><dd class="mono">${value}</dd>`)}</dl>`}
    <${Filter} key=${JSON.stringify(link.filter ?? null)} link=${link} />`;
}

export async function makeRule(from, to) {
  const value = await run('rules.make', { from, to });
  if (!value) return;
  ui.draft = value.text;
  history.replaceState(null, '', '#/rules');
  set({ view: 'rules', selection: undefined });
}

function End({ port }) {
  return html`<button type="button" class="end" style=${{ '--hue': port.client.hue }} onClick=${() => select({ port: port.key })} >
    <${Name} text=${port.client.label} class="strong" /><${Name} text=${port.label} class="small dim" /><span class="mono small dim">${port.key}</span></button>`;
}

function Port({ port, close }) {
  const [alias, setAlias] = useState('');
  const { client } = port;
  const list = (title, keys, pair) => keys.length > 0 && html`<section class="stack tight"><h3>${title}</h3><ul class="stack tight">${keys.map((key) => {
    const [from, to] = pair(key);
    return html`<li key=${key} class="row link-row"><button type="button" class="ghost grow left" onClick=${() => select({ link: keyOf(from, to) })}><i class="jack small-jack" style=${{ '--hue': state.ports.get(from)?.client.hue }}></i><${Name} text=${fullName(key)} /></button>
      <${Button} icon="cut" label=${`Cut ${said(fullName(from))} to ${said(fullName(to))}`} class="ghost" disabled=${!mayWrite()} onClick=${() => cut(from, to)} /></li>`;
  })}</ul></section>`;
  const add = async (event) => {
    event.preventDefault();
    const name = typed(event);
    if (name && (await addAlias(port.key, name))) setAlias('');
  };
  const facts = [['Address', port.key], ['Client', client.kind === 'kernel' ? (client.card != null ? `kernel, card ${client.card}` : 'kernel') : client.pid ? `process ${client.pid}` : 'program'], client.usb && ['USB', client.usb], client.midi && ['MIDI', `${client.midi}.0, UMP`], port.group && ['Group', port.group]].filter(Boolean);
  return html`<${Head} close=${close}><span class="badge big" style=${{ '--hue': client.hue }}><${Icon} name=${client.hardware ? 'device' : 'program'} /></span><div class="stack flat"><h2><${Name} text=${client.label} /></h2><${Name} text=${port.title} class="small soft" /></div><//>
    <dl class="facts">${facts.map(([name, value]) => html`<dt key=${name}>${name}</dt><dd class="mono">${value}</dd>`)}${port.sends && html`<dt>Events sent</dt><dd class="mono"><${Count} port=${port.key} /></dd>`}</dl>
    ${port.unwatched && html`<p class="small warn">${port.unwatched}</p>`}
    ${list('Sends to', [...port.out], (key) => [port.key, key])}
    ${list('Receives from', [...port.in], (key) => [key, port.key])}
    ${!port.out.size && !port.in.size && html`<p class="small dim">Not connected. Pull a cable from the port, or choose a port on the other side.</p>`}
    <section class="stack tight"><h3>Aliases</h3>
      ${port.aliases.length > 0 && html`<ul class="row wrap">${port.aliases.map((name) => html`<li key=${name} class="tag"><${Name} text=${'@' + name} /><${Button} icon="close" label=${`Remove the alias ${said(name)}`} class="ghost tiny" disabled=${!mayWrite()} onClick=${() => removeAlias(port.key, name)} /></li>`)}</ul>`}
      <form class="row" onSubmit=${add}><input type="text" class="grow" maxlength="63" placeholder="Another name for it" aria-label="New alias" value=${alias} onInput=${(event) => setAlias(event.target.value)} />
        <button type="submit" disabled=${!mayWrite()}>Add</button></form></section>
    <div class="row wrap">${port.receives && html`<${Button} icon="keys" label="Play this port with the virtual keyboard" disabled=${!mayWrite()} onClick=${() => play(port.key)}>Play it<//>
      <${Button} icon="panic" label="End all notes on this port" disabled=${!mayWrite()} onClick=${() => panic(port.key)}>Panic<//>`}</div>`;
}

function play(key) {
  ui.playTo = key;
  history.replaceState(null, '', '#/keyboard');
  set({ view: 'keyboard' });
  tell(`The keyboard plays ${said(fullName(key))}`);
}
