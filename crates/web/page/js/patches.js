// Saved patches: all connections of one moment, made again later.

import { Button, Empty, Icon, Name, clean, html, many, said, typed, useEffect, useState } from './ui.js';
import { mayWrite, run, stepOver, tell } from './actions.js';
import { state, useTopics } from './store.js';

export function Patches() {
  useTopics('topology', 'conn');
  const [patches, setPatches] = useState();
  const [name, setName] = useState('');
  const [sure, setSure] = useState();
  const load = async () => {
    const value = await run('patch.list');
    if (value) setPatches(value.patches);
  };
  useEffect(() => {
    load();
  }, [state.hello.server]);
  const save = async (event) => {
    event.preventDefault();
    const as = typed(event);
    const value = as && (await run('patch.save', { name: as }));
    if (!value) return;
    tell(`Saved ${many(value.connections, 'connection')} as ${said(as)}`);
    setName('');
    load();
  };
  const restore = async (patch, exact) => {
    const value = await run('patch.restore', { name: patch, exact });
    if (!value) return;
    const done = value.done ?? [];
    if (done.length) stepOver(`restore ${said(clean(patch))}`, done);
    const made = done.filter((entry) => !entry.cut).length;
    const missing = value.missing ? `, ${value.missing} whose ports are not there` : '';
    tell(`${said(clean(patch))}: ${made} made, ${done.length - made} cut${missing}`);
    for (const failed of value.failed ?? []) tell(failed, { bad: true });
  };
  const remove = async (patch) => {
    setSure(undefined);
    if (await run('patch.remove', { name: patch })) load();
  };
  return html`<div class="page scroll"><div class="column stack">
    <form class="box stack" onSubmit=${save}><h2>Save this patch</h2><div class="row wrap"><input type="text" class="grow" maxlength="63" placeholder="Name" aria-label="Name of the patch" value=${name} onInput=${(event) => setName(event.target.value)} />
      <${Button} icon="saved" label="Save all connections of now" type="submit" class="primary" disabled=${!mayWrite()}>Save ${many(state.links.size, 'connection')}<//></div></form>
    ${patches && !patches.length && html`<${Empty} icon="saved" title="No patch is saved yet"><p>A patch has all connections of one moment. It finds its ports by their names.</p><//>`}
    <ul class="stack">${(patches ?? []).map((patch) => html`<li key=${patch.name} class="box row wrap saved"><span class="badge big"><${Icon} name="saved" /></span><div class="stack flat grow"><${Name} text=${clean(patch.name)} class="strong" /><span class="small dim">${many(patch.connections, 'connection')}</span></div>
      ${sure === patch.name
        ? html`<span class="row"><${Button} icon="trash" label=${`Delete ${said(clean(patch.name))}`} class="danger" onClick=${() => remove(patch.name)}>Delete<//><button type="button" onClick=${() => setSure(undefined)}>No</button></span>`
        : html`<span class="row wrap"><${Button} icon="check" label=${`Make the connections of ${said(clean(patch.name))}`} class="primary" disabled=${!mayWrite()} onClick=${() => restore(patch.name, false)}>Restore<//>
          <${Button} label=${`Restore ${said(clean(patch.name))}, and cut all others`} disabled=${!mayWrite()} onClick=${() => restore(patch.name, true)}>Only these<//>
          <${Button} icon="trash" label=${`Delete ${said(clean(patch.name))}…`} class="ghost" disabled=${!mayWrite()} onClick=${() => setSure(patch.name)} /></span>`}</li>`)}</ul></div></div>`;
}
