// The patch: as a graph, as a matrix, or as lists; beside it, what is selected.

import { Segments, html, many, useEffect, useState } from './ui.js';
import { remember, set, state, ui, useTopics } from './store.js';
import { Graph } from './graph.js';
import { Matrix } from './matrix.js';
import { Connect } from './connect.js';
import { Inspector } from './inspector.js';

const narrow = matchMedia('(max-width: 720px)');

export function Patch() {
  useTopics('ui', 'topology');
  const [small, setSmall] = useState(narrow.matches);
  useEffect(() => {
    const listener = () => setSmall(narrow.matches);
    narrow.addEventListener('change', listener);
    return () => narrow.removeEventListener('change', listener);
  }, []);
  const mode = ui.mode ?? (small ? 'connect' : 'graph');
  const View = { graph: Graph, matrix: Matrix, connect: Connect }[mode] ?? Graph;
  const choose = (next) => {
    set({ mode: next, selection: undefined });
    remember();
  };
  const counts = `${many(state.clients.size, 'client')}, ${many(state.links.size, 'connection')}`;
  return html`<div class="patch-bar"><${Segments} label="Show the patch as" value=${mode} onChange=${choose}
      options=${[['graph', 'Graph', 'graph'], ['matrix', 'Matrix', 'matrix'], ['connect', 'List', 'list']]} />
      <span class="grow"></span><span class="small dim counts">${counts}</span></div>
    <div class="patch-body"><${View} />${ui.selection && html`<${Inspector} />`}</div>`;
}
