// Recordings in the server's folder: listed, and shown as a piano roll.

import { Button, Empty, Icon, Name, clean, html, many, useEffect, useState } from './ui.js';
import { run } from './actions.js';
import { state, useTopics } from './store.js';
import { StillRoll, clock, trackHue } from './roll.js';

export function Recordings() {
  useTopics('conn');
  const [list, setList] = useState();
  const [take, setTake] = useState();
  const [zoom, setZoom] = useState(1);
  const [from, setFrom] = useState(0);
  const has = state.hello.recordings;
  const load = async () => {
    const value = has && (await run('recording.list'));
    if (value) setList(value.recordings);
  };
  useEffect(() => {
    load();
  }, [state.hello.server]);
  const show = async (name) => {
    const value = await run('recording.load', { name });
    if (!value) return;
    setTake({ ...value, tracks: (value.tracks ?? []).map(clean) });
    setZoom(1);
    setFrom(0);
  };
  if (!has) return html`<div class="page"><${Empty} icon="tape" title="No folder of recordings"><p>Start the server with <code>--recordings FOLDER</code> to see MIDI files that are in it.</p><//></div>`;
  const size = (bytes) => (bytes < 10000 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KiB`);
  const span = take ? Math.max(0.5, take.seconds) / zoom : 1;
  const move = (to) => setFrom(Math.max(0, Math.min((take?.seconds ?? 0) - span, to)));
  return html`<div class="takes"><section class="take-list scroll stack tight" aria-label="Recordings"><div class="row"><h2 class="grow">Takes</h2><button type="button" onClick=${load}>Look again</button></div>
      ${list && !list.length && html`<p class="small dim">The folder is empty. <code>aseqd record</code> makes a take.</p>`}
      <ul class="stack tight">${(list ?? []).map((entry) => html`<li key=${entry.name}><button type="button" class="take left" aria-pressed=${String(take?.name === entry.name)} onClick=${() => show(entry.name)}><span class="badge"><${Icon} name="tape" /></span><span class="stack flat grow"><${Name} text=${clean(entry.name)} class="strong" /><span class="small dim">${new Date(entry.modified * 1000).toISOString().slice(0, 16).replace('T', ' ')} · ${size(entry.bytes)}</span></span></button></li>`)}</ul></section>
    <section class="take-view" aria-label="Notes">${take
      ? html`<div class="row wrap take-head"><h2><${Name} text=${clean(take.name)} /></h2><span class="small dim">${clock(take.seconds)} · ${many(take.notes.length, 'note')}${take.more ? `, ${take.more.toLocaleString('en')} more` : ''}${take.tempo?.[0] ? ` · ${Math.round(take.tempo[0][1])} bpm` : ''}</span><span class="grow"></span>
          <div class="row tight"><button type="button" aria-label="Earlier" disabled=${from <= 0} onClick=${() => move(from - span / 2)}>←</button><button type="button" aria-label="Less detail" disabled=${zoom <= 1} onClick=${() => { setZoom(zoom / 2); setFrom(Math.max(0, Math.min(from, take.seconds - span * 2))); }}>−</button><output class="small mono zoom">${zoom}×</output><button type="button" aria-label="More detail" disabled=${zoom >= 256} onClick=${() => setZoom(zoom * 2)}>+</button><button type="button" aria-label="Later" disabled=${from + span >= take.seconds} onClick=${() => move(from + span / 2)}>→</button></div></div>
        ${take.tracks.length > 0 && html`<ul class="row wrap tracks">${take.tracks.map((track, at) => html`<li key=${at} class="tag" style=${{ '--hue': trackHue(at) }}><i class="spot"></i><${Name} text=${track} /></li>`)}</ul>`}
        <${StillRoll} take=${take} from=${from} span=${span} />`
      : html`<${Empty} icon="tape" title="Choose a take"><p>Its notes are shown here.</p><//>`}</section></div>`;
}
