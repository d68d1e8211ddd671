// The file of rules: read, checked by the server at each pause of typing, and written.

import { Button, Name, html, useEffect, useRef, useState } from './ui.js';
import { ask, mayWrite, run, tell } from './actions.js';
import { fullName, side, state, ui, useTopics } from './store.js';

// The server checks a text this long after the last key, in ms.
const PAUSE = 250;
const KINDS = [
  ['comment', /#.*/y],
  ['table', /\[\[?[^\]\n]*\]\]?/y],
  ['string', /"(?:\\.|[^"\\\n])*"?|'[^'\n]*'?/y],
  ['key', /[A-Za-z_][\w-]*(?=\s*=)/y],
  ['value', /\b(?:true|false|-?\d[\d._]*)\b/y],
];

// Returns a text of TOML as pieces with the kinds of what they are.
export function pieces(text) {
  const found = [];
  let plain = '';
  for (let at = 0; at < text.length; ) {
    const line = at === 0 || text[at - 1] === '\n';
    const hit = KINDS.map(([kind, pattern]) => {
      if (kind === 'table' && !line) return undefined;
      pattern.lastIndex = at;
      const match = pattern.exec(text);
      return match?.[0] && [kind, match[0]];
    }).find(Boolean);
    if (!hit) {
      plain += text[at++];
      continue;
    }
    if (plain) found.push(['', plain]);
    plain = '';
    found.push(hit);
    at += hit[1].length;
  }
  if (plain) found.push(['', plain]);
  return found;
}

export function Rules() {
  useTopics('topology', 'conn');
  const [was, setWas] = useState();
  const [text, setText] = useState('');
  const [file, setFile] = useState({});
  const [result, setResult] = useState({ problems: [], warnings: [] });
  const area = useRef();
  const back = useRef();
  const dirty = was !== undefined && text !== was;

  const load = async () => {
    const value = await run('rules.get');
    if (!value) return;
    setWas(value.text);
    setFile(value);
    setResult({ problems: value.problems ?? [], warnings: value.warnings ?? [] });
    const { draft } = ui;
    ui.draft = undefined;
    setText(draft ? joined(value.text, draft) : value.text);
    if (draft) setTimeout(() => area.current?.scrollTo(0, area.current.scrollHeight), 60);
  };
  useEffect(() => {
    load();
  }, []);
  useEffect(() => {
    if (!dirty) return undefined;
    const timer = setTimeout(() => ask('rules.check', { text }).then((value) => setResult({ problems: value.problems ?? [], warnings: value.warnings ?? [], rules: value.rules })).catch((error) => setResult({ problems: [{ message: error.message }], warnings: [] })), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  const save = async () => {
    try {
      const value = await ask('rules.set', { text, was });
      setWas(text);
      setResult({ problems: value.problems ?? [], warnings: value.warnings ?? [] });
      tell('The rules are saved');
    } catch (error) {
      tell(error.message, { bad: true });
    }
  };
  const goTo = ({ line, column = 1 }) => {
    if (!line) return;
    const lines = text.split('\n');
    const at = lines.slice(0, line - 1).reduce((sum, part) => sum + part.length + 1, 0) + column - 1;
    area.current.focus();
    area.current.setSelectionRange(at, at);
    area.current.scrollTop = Math.max(0, (line - 6) * 21);
  };
  const lines = text.split('\n').length;
  const marks = new Map([...(result.warnings ?? []).map((entry) => [entry.line, 'warns']), ...(result.problems ?? []).map((entry) => [entry.line, 'fails'])]);
  // What is typed before the text is here would be lost.
  const edit = state.rules.editable && mayWrite() && was !== undefined;
  const inForce = [...state.links.values()].filter((link) => link.rule);
  const add = async (from, to) => {
    const value = await run('rules.make', { from, to });
    if (value) setText((old) => joined(old, value.text));
  };
  return html`<div class="rules"><section class="editor-side"><div class="row wrap editor-bar">
        <h2>Rules</h2><span class="mono small dim path" title=${file.path}>${file.path}</span><span class="grow"></span>
        <label class="inline"><span>Carry out</span><input type="checkbox" class="switch" role="switch" checked=${Boolean(state.rules.running)} disabled=${!mayWrite()} onChange=${(event) => { const on = event.target.checked; event.target.checked = Boolean(state.rules.running); run('rules.run', { on }); }} /></label>
        <button type="button" disabled=${!dirty} onClick=${() => setText(was)}>Revert</button>
        <${Button} icon="check" label="Save the rules" class="primary" disabled=${!edit || !dirty || result.problems.length > 0} onClick=${save}>Save<//></div>
      <div class="editor"><pre class="numbers" aria-hidden="true" ref=${back}>${Array.from({ length: lines }, (_, at) => html`<span key=${at} class=${marks.get(at + 1) ?? ''}>${at + 1}${'\n'}</span>`)}</pre>
        <div class="paper"><pre class="colour" aria-hidden="true">${pieces(text).map(([kind, part], at) => (kind ? html`<span key=${at} class=${`t-${kind}`}>${part}</span>` : part))}${'\n'}</pre>
          <textarea ref=${area} class="code scroll" aria-label="Text of the rules" aria-invalid=${String(result.problems.length > 0)} aria-describedby="rule-problems" spellcheck=${false} autocapitalize="off" wrap="off" readonly=${!edit} value=${text}
            onInput=${(event) => setText(event.target.value)} onScroll=${(event) => {
              const { scrollTop, scrollLeft } = event.target;
              event.target.previousElementSibling.style.transform = `translate(${-scrollLeft}px, ${-scrollTop}px)`;
              back.current.style.transform = `translateY(${-scrollTop}px)`;
            }}></textarea></div></div>
      <ul id="rule-problems" class="problems scroll" aria-live="polite" tabindex="0" aria-label="Problems">
        ${result.problems.map((entry, at) => html`<li key=${at}><button type="button" class="ghost bad left" onClick=${() => goTo(entry)}>${entry.line ? `Line ${entry.line}: ` : ''}${entry.message}</button></li>`)}
        ${result.warnings.map((entry, at) => html`<li key=${`w${at}`}><button type="button" class="ghost warn left" onClick=${() => goTo(entry)}>${entry.line ? `Line ${entry.line}: ` : ''}${entry.message}</button></li>`)}
        ${!result.problems.length && !result.warnings.length && html`<li class="row good-line"><svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M5 12.5l4.5 4.5L19 7.5" /></svg>${dirty ? 'No mistakes. Not saved yet.' : 'No mistakes.'}</li>`}</ul></section>
    <section class="rule-side scroll stack"><${Maker} add=${add} disabled=${!edit} />
      <section class="box stack tight"><h2>In force now</h2>${inForce.length
        ? html`<ul class="stack tight">${inForce.map((link) => html`<li key=${link.key} class="force"><span class="row tight"><${Name} text=${fullName(link.from)} /><span class="dim" aria-label="to">→</span><${Name} text=${fullName(link.to)} /></span><span class="mono small dim">${link.rule}${link.kept ? ', kept here' : ''}</span></li>`)}</ul>`
        : html`<p class="small dim">No rule decides about any connection. ${state.rules.running ? '' : 'Rules are not carried out here.'}</p>`}
        ${file.others?.length > 0 && html`<p class="small dim">Also read: ${file.others.map((path) => html`<span class="mono" key=${path}>${path} </span>`)}</p>`}</section></section></div>`;
}

const joined = (text, more) => `${text.trimEnd()}${text.trim() ? '\n\n' : ''}${more.trim()}\n`;

function Maker({ add, disabled }) {
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const choice = (label, value, change, which) => html`<label>${label}<select value=${value} onChange=${(event) => change(event.target.value)}><option value="">choose…</option>${side(which).map(({ client, ports }) => html`<optgroup key=${client.id} label=${client.label}>${ports.map((port) => html`<option key=${port.key} value=${port.key}>${fullName(port.key)}</option>`)}</optgroup>`)}</select></label>`;
  return html`<form class="box stack" onSubmit=${(event) => { event.preventDefault(); add(from, to); }}><h2>New rule</h2>${choice('From', from, setFrom, 'sends')}${choice('To', to, setTo, 'receives')}
    <${Button} icon="plus" label="Add a rule to the text" type="submit" disabled=${disabled || !from || !to}>Add to the text<//>
    <p class="small dim">A rule connects its ports whenever they are there. The last rule that means two ports decides.</p></form>`;
}
