// The graph: clients that send on the left, clients that receive on the right, cables between them.

import { Button, Empty, Icon, Name, colours, fit, html, said, still, useEffect, useFrames, useLayoutEffect, useMemo, useRef, useState } from './ui.js';
import { connect, cut, keep, mayWrite, mute, say, select } from './actions.js';
import { fullName, keyOf, side, state, ui, useTopics } from './store.js';
import { glowing, onActivity, travelling } from './activity.js';
import { LIFE, drawCables, drawGlow, drawLoose, nearest, point } from './cables.js';

// Heights in pixels, the same as in patch.css: places are computed, not measured.
const HEAD = 46;
const ROW = 34;
const FOOT = 8;
const SINGLE = 56;
const GAP = 14;
// How far beyond the view the cables are drawn, so that a turn of the wheel draws nothing.
const MARGIN = 500;
const TOP = 20;

// Returns where everything is, for a width and the groups of both sides.
export function layout(width, sources, sinks) {
  const margin = width < 560 ? 10 : 26;
  const column = Math.min(310, Math.round(width * (width < 560 ? 0.36 : 0.33)));
  const place = (groups, x, jack) => {
    let y = TOP;
    const cards = groups.map(({ client, ports }) => {
      const alone = ports.length === 1;
      const height = alone ? SINGLE : HEAD + ROW * ports.length + FOOT;
      const card = { client, x, y, height, alone, ports: ports.map((port, at) => ({ port, y: alone ? y + SINGLE / 2 : y + HEAD + ROW * (at + 0.5), x: jack })) };
      y += height + GAP;
      return card;
    });
    return { cards, bottom: y + TOP };
  };
  const left = place(sources, margin, margin + column);
  const right = place(sinks, width - margin - column, width - margin - column);
  const spots = (cards) => new Map(cards.flatMap((card) => card.ports.map((spot) => [spot.port.key, spot])));
  return { left: left.cards, right: right.cards, column, height: Math.max(left.bottom, right.bottom), out: spots(left.cards), in: spots(right.cards) };
}

// Returns the cables between ports that are shown.
function route(places) {
  const cables = [];
  for (const link of state.links.values()) {
    const [a, b] = [places.out.get(link.from), places.in.get(link.to)];
    if (a && b) cables.push({ key: link.key, link, from: link.from, to: link.to, x1: a.x + 5, y1: a.y, x2: b.x - 5, y2: b.y, hue: a.port.client.hue, muted: Boolean(link.filter?.mute), filtered: Boolean(link.filter) });
  }
  return cables;
}

const kindOf = (client) => (client.system ? 'system' : client.hardware ? 'device' : client.own ? 'keys' : 'program');

function Card({ card, which, column, armed, chosen, focusKey, handlers }) {
  const { client } = card;
  const port = ({ port: entry }) => {
    const busy = which === 'out' ? entry.out.size : entry.in.size;
    const lacks = entry.unwatched && which === 'out' ? `; ${entry.unwatched}` : '';
    const rest = `, ${entry.key}, ${which === 'out' ? 'sends' : 'receives'}, ${busy} connection${busy === 1 ? '' : 's'}${lacks}`;
    return html`<button type="button" key=${entry.key} class=${`port ${busy ? 'busy' : ''} ${chosen.has(entry.key) ? 'lit' : ''}`} data-port=${entry.key} data-side=${which}
      aria-pressed=${String(armed === `${which} ${entry.key}`)} title=${`${entry.title} (${entry.key})`} tabindex=${focusKey === entry.key ? 0 : -1} ...${handlers}>
      ${card.alone ? html`<span class="badge"><${Icon} name=${kindOf(client)} /></span>` : html`<span class="hidden"><bdi>${client.label}</bdi>: </span>`}
      <span class="port-text">
        ${card.alone && html`<${Name} text=${client.label} class="strong" title="" />`}
        <span class="row tight"><${Name} text=${entry.label} class=${card.alone ? 'small dim' : ''} title="" />${entry.aliases.map((alias) => html`<span class="tag mini" key=${alias}><${Name} text=${'@' + alias} title="" /></span>`)}</span>
      </span><span class="hidden">${rest}</span>
      <span class="address mono" aria-hidden="true" data-text=${card.alone ? entry.key : entry.id}></span><span class="jack" aria-hidden="true"></span></button>`;
  };
  return html`<div role="group" class=${`card ${which} ${card.alone ? 'alone' : ''}`} data-client=${client.id} aria-label=${`${said(client.label)}, client ${client.id}`}
      style=${{ '--hue': client.hue, transform: `translate(${card.x}px, ${card.y}px)`, width: `${column}px`, height: `${card.height}px` }}>
    ${!card.alone && html`<div class="card-head"><span class="badge"><${Icon} name=${kindOf(client)} /></span><${Name} text=${client.label} class="grow" /><span class="address mono">${client.id}</span></div>`}
    ${card.ports.map(port)}</div>`;
}

export function Graph() {
  useTopics('topology', 'ui', 'conn');
  const box = useRef();
  const scroller = useRef();
  const base = useRef();
  const glow = useRef();
  const [width, setWidth] = useState(() => Math.max(320, innerWidth - (innerWidth > 720 ? 92 : 0)));
  const [, again] = useState();
  const [hovered, setHovered] = useState();
  const [focusKeys, setFocusKeys] = useState({});
  const live = useRef({ top: 0, dirty: true }).current;
  // The port that waits for another one, as "out 20:0". Keys may come faster than the page is drawn: it is known at once.
  const { armed } = live;
  const setArmed = (port) => {
    live.armed = port;
    again({});
  };

  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => {
      setWidth(box.current.clientWidth);
      live.stale = true;
      live.wake?.();
    });
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const sources = side('sends');
  const sinks = side('receives');
  const places = layout(width, sources, sinks);
  const cables = route(places);
  const selected = ui.selection?.link;
  const chosen = useMemo(() => {
    const link = state.links.get(selected ?? hovered);
    if (link) return new Set([link.from, link.to]);
    const port = state.ports.get(ui.selection?.port);
    return port ? new Set([port.key, ...port.out, ...port.in]) : new Set();
  }, [selected, hovered, ui.selection, state.seq]);
  const portFocus = ui.selection?.port;
  const focus = portFocus ? (cable) => cable.from === portFocus || cable.to === portFocus : selected ? (cable) => cable.key === selected : undefined;
  Object.assign(live, { places, cables, hovered, selected, stale: true });
  live.byFrom = new Map();
  for (const cable of cables) {
    if (!live.byFrom.has(cable.from)) live.byFrom.set(cable.from, []);
    live.byFrom.get(cable.from).push(cable);
  }

  // The cables are drawn anew after a change, or far from where they were drawn; the glow while something glows.
  const wake = useFrames((now) => {
    const field = scroller.current;
    const top = field.scrollTop;
    const tall = Math.min(field.clientHeight + 2 * MARGIN, Math.max(live.places.height, field.clientHeight));
    const outside = top < live.from || top + field.clientHeight > live.from + tall;
    if (live.stale || outside || tall !== live.tall || live.theme !== colours()) {
      const from = Math.max(0, Math.min(top - MARGIN, live.places.height - tall));
      Object.assign(base.current.style, { top: `${from}px`, height: `${tall}px` });
      const { context, width: wide } = fit(base.current);
      Object.assign(live, { stale: false, from, tall, theme: colours() });
      drawCables(context, { cables: live.cables, width: wide, height: tall, top: from, focus: live.focus, selected: live.selected, hovered: live.hovered });
    }
    if (top !== live.top) Object.assign(live, { top, dirty: true });
    const [w, h] = [field.clientWidth, field.clientHeight];
    const lit = [];
    for (const [port, level] of glowing(now)) for (const cable of live.byFrom.get(port) ?? []) if (!cable.muted) lit.push([cable, level]);
    const moving = [];
    if (!still.matches) {
      for (const { port, at } of travelling(now, LIFE)) {
        if (moving.length > 150) break;
        for (const cable of live.byFrom.get(port) ?? []) if (!cable.muted) moving.push([cable, (now - at) / LIFE]);
      }
    }
    if (!lit.length && !moving.length && !live.dirty && !live.drag) return false;
    const over = fit(glow.current);
    live.dirty = drawGlow(over.context, { lit, pulses: moving, width: w, height: h, top, dirty: true });
    if (live.drag) {
      drawLoose(over.context, live.drag.cable, top, live.drag.hue, Boolean(live.drag.target));
      live.dirty = true;
    }
    return true;
  });
  useEffect(() => onActivity(wake), []);
  live.wake = wake;
  live.focus = focus;

  const start = (key) => {
    const [which, port] = key.split(' ');
    return { which, port };
  };
  const choose = (which, key) => {
    const was = live.armed && start(live.armed);
    if (was && was.which !== which) {
      const [from, to] = which === 'in' ? [was.port, key] : [key, was.port];
      setArmed(undefined);
      if (state.links.has(keyOf(from, to))) select({ link: keyOf(from, to) });
      else if (mayWrite()) connect(from, to);
      return;
    }
    if (was?.port === key) {
      setArmed(undefined);
      select(undefined);
      return;
    }
    setArmed(`${which} ${key}`);
    select({ port: key });
    if (mayWrite()) say(`${said(fullName(key))}: choose a port on the other side to connect it, or press Escape`);
  };

  // Dragging: from a port, with the pointer captured by it, to a port of the other side.
  const local = (event) => {
    const bounds = box.current.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top + scroller.current.scrollTop];
  };
  const portAt = (event, which) => {
    const target = document.elementFromPoint(event.clientX, event.clientY)?.closest?.('.port');
    return target?.dataset.side === which ? target.dataset.port : undefined;
  };
  const drop = () => {
    if (live.drag?.target) document.querySelector('.port.target')?.classList.remove('target');
    live.drag = undefined;
    live.press = undefined;
    live.dirty = true;
    box.current?.classList.remove('dragging');
  };
  const handlers = {
    onPointerDown: (event) => {
      live.dragged = undefined;
      if (event.button !== 0 || !mayWrite()) return;
      const { port, side: which } = event.currentTarget.dataset;
      live.press = { port, which, x: event.clientX, y: event.clientY, touch: event.pointerType === 'touch' };
    },
    onPointerMove: (event) => {
      const press = live.press;
      if (!press) return;
      if (!live.drag) {
        // A finger that moves up or down scrolls; one that moves sideways pulls a cable.
        const [dx, dy] = [Math.abs(event.clientX - press.x), Math.abs(event.clientY - press.y)];
        if (Math.hypot(dx, dy) < 6 || (press.touch && dx < dy)) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        box.current.classList.add('dragging');
      }
      const spot = places[press.which === 'out' ? 'out' : 'in'].get(press.port);
      if (!spot) return drop();
      const [x, y] = local(event);
      const forward = press.which === 'out';
      const cable = forward ? { x1: spot.x + 5, y1: spot.y, x2: Math.max(x, spot.x + 10), y2: y } : { x1: Math.min(x, spot.x - 10), y1: y, x2: spot.x - 5, y2: spot.y };
      document.querySelector('.port.target')?.classList.remove('target');
      const target = portAt(event, forward ? 'in' : 'out');
      if (target) document.querySelector(`.port[data-side="${forward ? 'in' : 'out'}"][data-port="${target}"]`)?.classList.add('target');
      wake();
      live.drag = { cable: { ...cable, toX: x, toY: y }, hue: spot.port.client.hue, target };
      // Near an edge, the graph scrolls.
      const bounds = box.current.getBoundingClientRect();
      if (event.clientY > bounds.bottom - 40) scroller.current.scrollTop += 12;
      if (event.clientY < bounds.top + 40) scroller.current.scrollTop -= 12;
    },
    onPointerUp: (event) => {
      const { press, drag } = live;
      if (!press) return;
      drop();
      if (!drag) return;
      live.dragged = performance.now();
      const target = portAt(event, press.which === 'out' ? 'in' : 'out');
      if (target) connect(...(press.which === 'out' ? [press.port, target] : [target, press.port]));
    },
    onPointerCancel: drop,
    onClick: (event) => {
      if (performance.now() - (live.dragged ?? -1000) < 300) return;
      const { port, side: which } = event.currentTarget.dataset;
      choose(which, port);
    },
    onFocus: (event) => {
      const { port, side: which } = event.currentTarget.dataset;
      setFocusKeys((old) => (old[which] === port ? old : { ...old, [which]: port }));
    },
    onKeyDown: (event) => {
      const { port, side: which } = event.currentTarget.dataset;
      const keys = (cards) => cards.flatMap((card) => card.ports.map((spot) => spot.port.key));
      const [here, there] = which === 'out' ? [places.left, places.right] : [places.right, places.left];
      const all = keys(here);
      const at = all.indexOf(port);
      const go = (key, where = which) => {
        event.preventDefault();
        box.current.querySelector(`.port[data-side="${where}"][data-port="${key}"]`)?.focus();
      };
      if (event.key === 'ArrowDown' && at + 1 < all.length) go(all[at + 1]);
      else if (event.key === 'ArrowUp' && at > 0) go(all[at - 1]);
      else if (event.key === 'Home') go(all[0]);
      else if (event.key === 'End') go(all.at(-1));
      else if ((event.key === 'ArrowRight' && which === 'out') || (event.key === 'ArrowLeft' && which === 'in')) {
        const spot = places[which].get(port);
        const spots = there.flatMap((card) => card.ports);
        if (spots.length) go(spots.reduce((a, b) => (Math.abs(a.y - spot.y) <= Math.abs(b.y - spot.y) ? a : b)).port.key, which === 'out' ? 'in' : 'out');
      } else if (event.key === 'Escape') {
        setArmed(undefined);
        select(undefined);
      }
    },
  };

  const overCable = (event) => {
    if (live.drag || event.target.closest('.port, .cable-menu')) return undefined;
    const [x, y] = local(event);
    return nearest(live.cables, x, y, event.pointerType === 'touch' ? 18 : 9);
  };
  const first = (cards, which) => {
    const keys = cards.flatMap((card) => card.ports.map((spot) => spot.port.key));
    return keys.includes(focusKeys[which]) ? focusKeys[which] : keys[0];
  };
  const focusOut = first(places.left, 'out');
  const focusIn = first(places.right, 'in');
  const shown = cables.find((cable) => cable.key === selected) ?? cables.find((cable) => cable.key === hovered);
  const empty = !sources.length && !sinks.length;
  return html`<div class="graph" ref=${box}>
    <canvas class="cables" ref=${glow} aria-hidden="true"></canvas>
    <div class="graph-scroll scroll" ref=${scroller} tabindex="-1" onScroll=${wake}
      onPointerMove=${(event) => {
        if (live.press || event.pointerType === 'touch' || event.target.closest('.cable-menu')) return;
        const key = overCable(event)?.key;
        scroller.current.classList.toggle('over', Boolean(key));
        if (key !== hovered) setHovered(key);
      }}
      onPointerLeave=${() => setHovered(undefined)}
      onClick=${(event) => {
        if (event.target.closest('.port, .cable-menu')) return;
        const cable = overCable(event);
        setArmed(undefined);
        if (cable) select({ link: cable.key });
        else if (ui.selection) select(undefined);
      }}>
      <div class="graph-field" style=${{ height: `${places.height}px` }}><canvas class="cables" ref=${base} aria-hidden="true"></canvas>
        <div role="group" aria-label="Ports that send">${places.left.map((card) => html`<${Card} key=${card.client.id} card=${card} which="out" column=${places.column} armed=${armed} chosen=${chosen} focusKey=${focusOut} handlers=${handlers} />`)}</div>
        <div role="group" aria-label="Ports that receive">${places.right.map((card) => html`<${Card} key=${card.client.id} card=${card} which="in" column=${places.column} armed=${armed} chosen=${chosen} focusKey=${focusIn} handlers=${handlers} />`)}</div>
        ${shown && html`<${CableMenu} cable=${shown} fixed=${shown.key === selected} />`}
      </div>
      ${empty && (ui.query
        ? html`<${Empty} icon="search" title="No port has such a name"><p>The search looks in the names of clients and ports, their aliases and addresses.</p><//>`
        : html`<${Empty} icon="patch" title="Nothing is plugged in yet"><p>Programs and devices appear here as soon as they open a port.</p><//>`)}
    </div></div>`;
}

// What can be done with one cable, at its middle.
function CableMenu({ cable, fixed }) {
  const [x, y] = point(cable, 0.5);
  const { link } = cable;
  const what = `${said(fullName(link.from))} to ${said(fullName(link.to))}`;
  const style = { transform: `translate(${Math.round(x)}px, ${Math.round(y)}px) translate(-50%, -50%)` };
  if (!mayWrite()) return null;
  return html`<div class=${`cable-menu ${fixed ? 'fixed' : ''}`} style=${style} role="group" aria-label=${what}>
    <${Button} icon="cut" label=${`Cut ${what}`} class="ghost danger-ink" onClick=${() => cut(link.from, link.to)} />
    ${fixed && html`<${Button} icon=${cable.muted ? 'sound' : 'mute'} label=${`${cable.muted ? 'Let pass' : 'Mute'} ${what}`} class="ghost" onClick=${() => mute(link)} />
      <${Button} icon="keep" label=${`${link.kept ? 'No longer keep' : 'Keep'} ${what}`} class="ghost" aria-pressed=${String(Boolean(link.kept))} onClick=${() => keep(link, !link.kept)} />`}
  </div>`;
}
