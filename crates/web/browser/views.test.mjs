// The other views: rules, monitor, keyboard, patches, takes, transport.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { launch, open, until } from './browser.mjs';
import { Mock } from './mock.mjs';
import { control, note } from './wire.mjs';

let browser;
let mock;
before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(async () => (mock = await new Mock().listen()));
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await mock.close();
});

const view = async (page, name) => {
  await page.locator('nav').getByRole('link', { name, exact: true }).click();
  await page.locator('main :is(button, input, p)').first().waitFor();
};
const sent = () => mock.sent.map(({ midi, to }) => (to ? `${midi} ${to}` : midi));

test('a rule is made from a cable, checked while it is typed, and kept', async () => {
  const page = await open(browser, mock.url);
  await page.locator('.port[data-side="out"][data-port="134:0"]').click();
  await page.locator('.inspector .link-row button').first().click();
  await page.getByRole('button', { name: 'Rule…' }).click();
  const text = page.getByLabel('Text of the rules');
  await until('draft', async () => /from = "VMPK Output"/.test(await text.inputValue()));
  const good = await text.inputValue();
  await text.fill(`${good}nonsense here\n`);
  await page.locator('.problems .bad').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Save' }).isDisabled(), true);
  assert.match(await page.locator('.problems .bad').textContent(), /^Line \d+: /);
  await text.fill(good);
  await page.locator('.problems .bad').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Save' }).click();
  await until('saved', () => mock.text === good);
  // Somebody else has written the file in the meantime.
  mock.text += '# mine\n';
  await text.fill(`${good}# theirs\n`);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.toast.bad', { hasText: 'has changed in the meantime' }).waitFor();
  await page.getByRole('switch', { name: 'Carry out' }).click();
  await until('stopped', () => mock.rules.running === false);
  assert.deepEqual(page.errors, []);
});

test('keep makes a rule for a connection, and undo removes it', async () => {
  const page = await open(browser, mock.url);
  await page.locator('.port[data-side="out"][data-port="129:0"]').click();
  await page.locator('.inspector .link-row button').first().click();
  const keep = page.locator('.inspector').getByRole('button', { name: /^Keep/ });
  await keep.click();
  await until('kept', () => mock.has('129:0', '133:0').kept);
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await until('not kept', () => !mock.has('129:0', '133:0').kept);
});

test('the monitor shows events, filters, pauses, and tells what it has not shown', async () => {
  const page = await open(browser, mock.url);
  await view(page, 'Monitor');
  const command = await until('monitor.open', () => mock.commands.find((entry) => entry.do === 'monitor.open'));
  assert.equal(command.types, undefined);
  await until('a monitor', () => [...mock.pages][0].monitors.size);
  mock.events([note('20:0', 0, 60, 100, 140), control('24:0', 9, 64, 127), { source: '28:0', type: 130, data: [], more: [0xf0, 0x7e, 0x7f, 6, 1, 0xf7], late: 20 }], 3);
  const row = (text) => page.locator('.events tr', { hasText: text });
  await row('C4 (60), velocity 100').waitFor();
  await row('controller 64, value 127').waitFor();
  await row('6 bytes: F0 7E 7F 06 01 F7').waitFor();
  await page.locator('.events-head', { hasText: '3 not shown' }).waitFor();
  assert.match(await row('C4 (60)').textContent(), /nanoKEY2NOTEON1C4 \(60\), velocity 100140 µs/);
  assert.match(await page.locator('.histogram').getAttribute('aria-label'), /median \d+ µs/);
  await page.locator('.monitor-bar').getByRole('button', { name: 'Pause' }).click();
  mock.events([note('20:0', 0, 61, 100)]);
  await page.locator('.events-head', { hasText: 'paused, 1 more' }).waitFor();
  assert.equal(await row('C♯4').count(), 0);
  await page.locator('.monitor-bar').getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'Clock' }).click();
  await page.getByLabel('Ports to watch').selectOption('20:0');
  const last = await until('monitor.set', () => mock.commands.findLast((entry) => entry.do === 'monitor.set' && entry.ports));
  assert.deepEqual([last.ports, last.types.includes('clock'), last.types.length], [['20:0'], false, 7]);
  await view(page, 'Patch');
  await until('monitor.close', () => mock.commands.some((entry) => entry.do === 'monitor.close'));
  assert.deepEqual(page.errors, []);
});

test('the monitor comes back after the server has restarted', async () => {
  const page = await open(browser, mock.url);
  await view(page, 'Monitor');
  await until('a monitor', () => [...mock.pages][0]?.monitors.size);
  const { port } = mock;
  await mock.close();
  mock = await new Mock().listen(port);
  await until('a monitor again', () => [...mock.pages][0]?.monitors.size);
  mock.events([note('20:0', 0, 60, 100)]);
  await page.locator('.events tr', { hasText: 'C4 (60)' }).waitFor();
});

test('the keyboard plays by mouse, by keys of the computer and by its own keys', async () => {
  const page = await open(browser, mock.url);
  await view(page, 'Keyboard');
  const key = page.locator('.key[data-note="64"]');
  const box = await key.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height - 4);
  await page.mouse.down();
  await until('note on', () => sent().some((midi) => /^9040(6\d|5\d)$/.test(midi)));
  // Across the keys, each is released before the next one sounds.
  await page.mouse.move(box.x + box.width * 1.5, box.y + box.height - 4, { steps: 3 });
  await until('glissando', () => sent().includes('804040') && sent().some((midi) => midi.startsWith('9041')));
  await page.mouse.up();
  await until('note off', () => sent().includes('804140'));
  mock.sent.length = 0;
  await page.getByLabel('Plays').selectOption('130:0');
  await page.locator('h1').evaluate(() => document.activeElement.blur());
  await page.keyboard.down('KeyA');
  await page.keyboard.down('KeyW');
  await page.keyboard.up('KeyA');
  await page.keyboard.press('KeyX');
  await page.keyboard.up('KeyW');
  await until('keys', () => sent().length === 4);
  // The octave has changed in between: each note still ends.
  assert.deepEqual(sent(), ['903c64 130:0', '903d64 130:0', '803c40 130:0', '803d40 130:0']);
  mock.sent.length = 0;
  await until('the octave', () => page.locator('.key').first().getAttribute('data-note').then((note) => note === '72'));
  await page.locator('.key').first().focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await until('note by Enter', () => sent().join() === '904964 130:0,804940 130:0');
  mock.sent.length = 0;
  await page.getByLabel('MIDI messages in hexadecimal').fill('f0 7e 7f 06 01 f7');
  await page.keyboard.press('Enter');
  await until('bytes', () => sent().includes('f07e7f0601f7 130:0'));
  await page.keyboard.press('Tab');
  assert.deepEqual(page.errors, []);
});

test('notes end when the keyboard is left', async () => {
  const page = await open(browser, mock.url);
  await view(page, 'Keyboard');
  await page.locator('.key').first().waitFor();
  await page.keyboard.down('KeyS');
  await until('note on', () => sent().length === 1);
  await view(page, 'Patch');
  await until('note off', () => sent().includes('803e40'));
});

test('patches are saved, restored, undone and removed', async () => {
  const page = await open(browser, mock.url);
  await view(page, 'Patches');
  await page.getByLabel('Name of the patch').fill('tonight');
  await page.keyboard.press('Enter');
  const saved = page.locator('.saved', { hasText: 'tonight' });
  await saved.waitFor();
  mock.cut('20:0', '130:0');
  mock.connect('24:1', '28:0');
  await saved.getByRole('button', { name: 'Only these' }).click();
  await until('restored', () => mock.has('20:0', '130:0') && !mock.has('24:1', '28:0'));
  await page.locator('.toast', { hasText: '1 made, 1 cut' }).waitFor();
  await page.getByRole('button', { name: /^Undo: restore/ }).click();
  await until('undone', () => !mock.has('20:0', '130:0') && mock.has('24:1', '28:0'));
  await saved.getByRole('button', { name: /^Delete/ }).click();
  await saved.getByRole('button', { name: /^Delete/ }).click();
  await saved.waitFor({ state: 'detached' });
  assert.deepEqual(page.errors, []);
});

test('takes are listed and drawn', async () => {
  const page = await open(browser, mock.url);
  await view(page, 'Takes');
  await page.locator('.take', { hasText: 'long-jam.mid' }).click();
  await page.locator('h2', { hasText: 'long-jam.mid' }).waitFor();
  assert.match(await page.locator('.take-view .roll').getAttribute('aria-label'), /notes in 10:00/);
  await page.getByRole('button', { name: 'More detail' }).click();
  await page.getByRole('button', { name: 'Later' }).click();
  await page.getByRole('button', { name: 'Less detail' }).click();
  assert.deepEqual(page.errors, []);
});

test('what plays can be paused, and panic ends all notes', async () => {
  const page = await open(browser, mock.url);
  const player = page.getByRole('group', { name: 'Player: prelude.mid' });
  await player.getByText('17:3 · 96 bpm').waitFor();
  await player.getByText('Verse 2').waitFor();
  await player.getByRole('button', { name: 'Pause' }).press('Enter');
  await player.getByRole('button', { name: 'Go on' }).press('Enter');
  const slider = player.getByRole('slider', { name: 'Position' });
  assert.equal(await slider.getAttribute('aria-valuetext'), '0:41 of 3:07, bar 17, beat 3');
  await slider.fill('60');
  await player.getByText('1:00').waitFor();
  await player.getByRole('button', { name: 'Next song' }).click();
  await player.getByRole('button', { name: 'Stop, and end the player' }).click();
  await until('transport', () => mock.commands.filter((entry) => entry.do === 'transport').length === 5);
  assert.deepEqual(mock.commands.filter((entry) => entry.do === 'transport').map(({ id, do: what, ...rest }) => rest), [
    { port: '132:1', action: 'pause' },
    { port: '132:1', action: 'play' },
    { port: '132:1', action: 'seek', seconds: 60 },
    { port: '132:1', action: 'song', song: 1 },
    { port: '132:1', action: 'end' },
  ]);
  await page.getByRole('button', { name: 'Panic' }).click();
  await page.locator('.toast', { hasText: 'All notes off on' }).waitFor();
  assert.deepEqual(mock.commands.at(-1), { id: mock.commands.at(-1).id, do: 'panic' });
});

test('a proxy may have it below a path', async (t) => {
  const other = Object.assign(new Mock(), { prefix: '/studio' });
  await other.listen();
  t.after(() => other.close());
  const page = await open(browser, other.url);
  await page.locator('.card').first().waitFor();
  assert.deepEqual(page.errors, []);
});
