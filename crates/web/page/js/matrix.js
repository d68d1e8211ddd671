// The patch as a matrix: a row for each port that sends, a column for each that receives. All of it works by keyboard and
// with a screen reader. Only what is in view, and the cell that has the focus, are in the page.

import { Empty, Name, html, said, useLayoutEffect, useRef, useState } from './ui.js';
import { mayWrite, select, toggle } from './actions.js';
import { fullName, keyOf, side, state, useTopics } from './store.js';
import { useDots } from './connect.js';

// Width and height of a cell in pixels, as in patch.css.
const CELL = 38;
// Cells that are kept in the page beyond each edge of the view.
const SPARE = 3;

export function Matrix() {
  useTopics('topology', 'ui', 'conn');
  const box = useRef();
  const [view, setView] = useState({ x: 0, y: 0, width: 1200, height: 800 });
  const [, again] = useState();
  // Keys may come faster than the page is drawn: the place is known at once.
  const at = useRef({ row: 0, column: 0 }).current;
  const setAt = (place) => again(Object.assign(at, place) && {});
  const focus = useRef(false);
  useDots(box);
  const flat = (groups) => groups.flatMap(({ client, ports }) => ports.map((port, index) => ({ port, client, first: index === 0 })));
  const rows = flat(side('sends'));
  const columns = flat(side('receives'));
  const narrow = view.width < 560;
  const headWidth = narrow ? 136 : 250;
  const headHeight = narrow ? 134 : 166;

  const look = () => {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = box.current;
    setView((old) => {
      const next = { x: Math.floor(scrollLeft / CELL), y: Math.floor(scrollTop / CELL), width: clientWidth, height: clientHeight };
      return Object.keys(next).every((key) => next[key] === old[key]) ? old : next;
    });
  };
  useLayoutEffect(() => {
    const watch = new ResizeObserver(look);
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const row = Math.min(at.row, rows.length - 1);
  const column = Math.min(at.column, columns.length - 1);
  useLayoutEffect(() => {
    if (!focus.current) return;
    focus.current = false;
    const left = column * CELL;
    const top = row * CELL;
    const field = box.current;
    const [wide, high] = [field.clientWidth - headWidth, field.clientHeight - headHeight];
    if (left < field.scrollLeft) field.scrollLeft = left;
    if (left + CELL > field.scrollLeft + wide) field.scrollLeft = left + CELL - wide;
    if (top < field.scrollTop) field.scrollTop = top;
    if (top + CELL > field.scrollTop + high) field.scrollTop = top + CELL - high;
    field.querySelector(`input[data-row="${row}"][data-column="${column}"]`)?.focus({ preventScroll: true });
  });

  if (!rows.length || !columns.length) return html`<div class="matrix" ref=${box}><${Empty} icon="matrix" title="No two ports to connect"><p>Programs and devices appear here as soon as they open a port.</p><//></div>`;
  const some = (count, first, size, own) => {
    const from = Math.max(0, first - SPARE);
    const to = Math.min(count, first + Math.ceil(size / CELL) + SPARE);
    const list = Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
    if (!list.includes(own)) list.push(own);
    return list;
  };
  const seenRows = some(rows.length, view.y, view.height, row);
  const seenColumns = some(columns.length, view.x, view.width, column);

  const onKeyDown = (event) => {
    const row = Math.min(at.row, rows.length - 1);
    const column = Math.min(at.column, columns.length - 1);
    const page = Math.max(1, Math.floor((view.height - headHeight) / CELL) - 1);
    const moves = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], PageDown: [page, 0], PageUp: [-page, 0] };
    let next;
    if (moves[event.key]) next = { row: row + moves[event.key][0], column: column + moves[event.key][1] };
    else if (event.key === 'Home') next = { row: event.ctrlKey ? 0 : row, column: 0 };
    else if (event.key === 'End') next = { row: event.ctrlKey ? rows.length - 1 : row, column: columns.length - 1 };
    else if (event.key === 'Enter') {
      event.preventDefault();
      const key = keyOf(rows[row].port.key, columns[column].port.key);
      if (state.links.has(key)) select({ link: key });
      else if (mayWrite()) toggle(rows[row].port.key, columns[column].port.key);
      return;
    } else if (event.key === 'Escape') return select(undefined);
    if (!next) return;
    event.preventDefault();
    focus.current = true;
    setAt({ row: Math.max(0, Math.min(rows.length - 1, next.row)), column: Math.max(0, Math.min(columns.length - 1, next.column)) });
  };
  const cell = (r, c) => {
    const [from, to] = [rows[r].port, columns[c].port];
    const link = state.links.get(keyOf(from.key, to.key));
    const mark = link?.filter?.mute ? 'muted' : link?.filter ? 'filtered' : '';
    return html`<div role="gridcell" key=${to.key} aria-colindex=${c + 2} class=${`cell ${r === row && c === column ? 'at' : ''} ${columns[c].first ? 'first' : ''}`} style=${{ left: `${headWidth + c * CELL}px` }}>
      <input type="checkbox" data-row=${r} data-column=${c} class=${mark} tabindex=${r === row && c === column ? 0 : -1} checked=${Boolean(link)} aria-disabled=${mayWrite() ? undefined : 'true'}
        style=${{ '--hue': rows[r].client.hue }} aria-label=${`${said(fullName(from.key))} to ${said(fullName(to.key))}${mark && `, ${mark}`}`}
        onFocus=${() => (r !== at.row || c !== at.column) && setAt({ row: r, column: c })}
        onChange=${(event) => {
          event.target.checked = Boolean(link);
          if (mayWrite()) toggle(from.key, to.key);
        }} /></div>`;
  };
  return html`<div class="matrix scroll" ref=${box} onScroll=${look} onKeyDown=${onKeyDown}>
    <div role="grid" aria-label="Connections: a row for each port that sends, a column for each that receives" aria-rowcount=${rows.length + 1} aria-colcount=${columns.length + 1} class="grid"
      style=${{ minWidth: '100%', width: `${headWidth + columns.length * CELL + 70}px`, height: `${headHeight + rows.length * CELL + 20}px` }}>
      <div role="row" aria-rowindex="1" class="heads" style=${{ height: `${headHeight}px` }}>
        <div role="columnheader" aria-colindex="1" class="corner" style=${{ width: `${headWidth}px` }}><span class="corner-to">receives</span><span class="corner-from">sends</span></div>
        ${seenColumns.map((c) => html`<div role="columnheader" key=${columns[c].port.key} aria-colindex=${c + 2} class=${`head ${c === column ? 'at' : ''} ${columns[c].first ? 'first' : ''}`} style=${{ left: `${headWidth + c * CELL}px`, '--hue': columns[c].client.hue }} title=${`${columns[c].client.label}: ${columns[c].port.title} (${columns[c].port.key})`}>
          <span><${Name} text=${columns[c].client.label} class="strong" title="" /><${Name} text=${columns[c].port.label} class="small dim" title="" /></span></div>`)}
      </div>
      ${seenRows.map((r) => html`<div role="row" key=${rows[r].port.key} aria-rowindex=${r + 2} class=${`line ${r === row ? 'at' : ''} ${rows[r].first ? 'first' : ''}`} style=${{ top: `${headHeight + r * CELL}px` }}>
        <div role="rowheader" aria-colindex="1" class="row-head" style=${{ width: `${headWidth}px`, '--hue': rows[r].client.hue }} title=${`${rows[r].client.label}: ${rows[r].port.title} (${rows[r].port.key})`}>
          <span class="dot" data-dot=${rows[r].port.key}></span><span class="stack flat"><${Name} text=${rows[r].client.label} class="strong" title="" />${rows[r].port.label !== rows[r].client.label && html`<${Name} text=${rows[r].port.label} class="small dim" title="" />`}</span></div>
        ${seenColumns.map((c) => cell(r, c))}</div>`)}
    </div></div>`;
}
