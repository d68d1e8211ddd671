// The patch: connected by drag, by keys, in the matrix, on a phone; what comes and goes; names that want to break out.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { PHONE, launch, open, until } from './browser.mjs';
import { DELAY, Mock } from './mock.mjs';
import { HOSTILE, hostile } from './worlds.mjs';

let browser;
let mock;
before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(async () => (mock = await new Mock().listen()));
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await mock.close();
});

const port = (page, side, key) => page.locator(`.port[data-side="${side}"][data-port="${key}"]`);
// Waits until a connection is there, or is not: in the server, then on the page, which hears of it later.
async function has(page, from, to, yes = true) {
  await until(`${from} to ${to}: ${yes}`, () => Boolean(mock.has(from, to)) === yes);
  const shown = () => page.evaluate(async ([key, want]) => (await import('/js/store.js')).state.links.has(key) === want, [`${from}>${to}`, yes]);
  await until(`${from} to ${to} on the page: ${yes}`, shown);
}
const mode = (page, name) => page.locator('.patch-bar button', { hasText: name }).click();

async function drag(page, from, to) {
  const [a, b] = [await from.boundingBox(), await to.boundingBox()];
  await page.mouse.move(a.x + a.width / 2, a.y + a.height / 2);
  await page.mouse.down();
  await page.mouse.move(a.x + a.width + 60, a.y + a.height, { steps: 4 });
  await page.mouse.move(b.x + b.width / 2, b.y + b.height / 2, { steps: 6 });
  await page.mouse.up();
}

// A place on a cable in the graph, in pixels of the page: its middle, or another part of it.
async function place(page, from, to, t = 0.5) {
  const a = await port(page, 'out', from).locator('.jack').boundingBox();
  const b = await port(page, 'in', to).locator('.jack').boundingBox();
  const [x1, y1, x2, y2] = [a.x + 12, a.y + 7, b.x + 2, b.y + 7];
  const reach = Math.max(30, Math.min(180, (x2 - x1) / 2));
  const curve = (p, q, r, s) => (1 - t) ** 3 * p + 3 * (1 - t) ** 2 * t * q + 3 * (1 - t) * t ** 2 * r + t ** 3 * s;
  return [curve(x1, x1 + reach, x2 - reach, x2), curve(y1, y1, y2, y2)];
}

test('a drag from a port to a port connects them, in both directions', async () => {
  const page = await open(browser, mock.url);
  await drag(page, port(page, 'out', '24:1'), port(page, 'in', '28:0'));
  await has(page, '24:1', '28:0');
  await drag(page, port(page, 'in', '14:0'), port(page, 'out', '28:0'));
  await has(page, '28:0', '14:0');
  // A drag that ends nowhere connects nothing.
  const before = mock.commands.length;
  await drag(page, port(page, 'out', '24:1'), page.locator('.status'));
  await page.locator('.patch-bar .counts').waitFor();
  assert.equal(mock.commands.slice(before).filter((command) => command.do === 'connect').length, 0);
  assert.deepEqual(page.errors, []);
});

test('a click on a cable offers to cut it, and undo connects again', async () => {
  const page = await open(browser, mock.url);
  const [x, y] = await place(page, '20:0', '130:0');
  await page.mouse.move(x, y);
  await page.locator('.cable-menu button').first().click();
  await has(page, '20:0', '130:0', false);
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await has(page, '20:0', '130:0');
  await page.locator('.counts', { hasText: '10 connections' }).waitFor();
  // Selected by a click, a cable can be muted in its menu.
  await page.mouse.click(...(await place(page, '20:0', '130:0', 0.2)));
  await page.locator('.inspector h2', { hasText: 'Connection' }).waitFor();
  await page.locator('.cable-menu.fixed button').nth(1).click();
  await until('muted', () => mock.has('20:0', '130:0').filter?.mute);
  await page.keyboard.press('Control+z');
  await until('not muted', () => !mock.has('20:0', '130:0').filter);
  assert.deepEqual(page.errors, []);
});

test('the graph works by keyboard alone', async () => {
  const page = await open(browser, mock.url);
  await port(page, 'out', '20:0').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await until('the focus', () => page.evaluate(() => document.activeElement.dataset.port === '24:1'));
  await page.keyboard.press('Enter');
  await page.locator('.port[data-port="24:1"][aria-pressed="true"]').waitFor();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.side), 'in');
  const to = await page.evaluate(() => document.activeElement.dataset.port);
  await page.keyboard.press('Enter');
  await has(page, '24:1', to);
  // A second time selects the connection; its panel cuts it.
  await port(page, 'out', '24:1').focus();
  await page.keyboard.press('Enter');
  await port(page, 'in', to).focus();
  await page.keyboard.press('Enter');
  await page.locator('.inspector').getByRole('button', { name: 'Cut', exact: true }).focus();
  await page.keyboard.press('Enter');
  await has(page, '24:1', to, false);
  // The panel is gone; the focus is in the graph again.
  await until('the focus', () => page.evaluate(() => document.activeElement.classList.contains('port') || document.activeElement.closest('.inspector') !== null));
  assert.deepEqual(page.errors, []);
});

test('the matrix connects and cuts by keys, and says where it is', async () => {
  const page = await open(browser, mock.url);
  await mode(page, 'Matrix');
  await page.locator('.cell input[tabindex="0"]').focus();
  for (const key of ['ArrowDown', 'ArrowRight', 'ArrowRight', 'ArrowDown', 'ArrowLeft']) await page.keyboard.press(key);
  const cell = await until('the focus', () => page.evaluate(() => ({ ...document.activeElement.dataset, label: document.activeElement.ariaLabel })).then((at) => at.row === '2' && at.column === '1' && at));
  assert.equal(cell.label.replace(/[\u2066-\u2069]/g, ''), 'Launchpad Pro MK3: LPProMK3 DIN to Launchpad Pro MK3: LPProMK3 MIDI');
  await page.keyboard.press('Space');
  await has(page, '24:1', '24:0');
  await until('checked', () => page.evaluate(() => document.activeElement.checked));
  await page.keyboard.press('Space');
  await has(page, '24:1', '24:0', false);
  await page.keyboard.press('Control+End');
  await until('the last row', () => page.evaluate(() => document.activeElement.dataset.row === '11'));
  assert.equal(await page.locator('[role="grid"]').getAttribute('aria-rowcount'), '13');
  assert.deepEqual(page.errors, []);
});

test('a phone connects by lists', async () => {
  const page = await open(browser, mock.url, { viewport: PHONE, touch: true });
  await page.locator('[data-source="24:1"]').tap();
  await page.locator('label', { has: page.locator('[data-sink="133:0"]') }).tap();
  await has(page, '24:1', '133:0');
  await until('on', () => page.locator('[data-sink="133:0"]').isChecked());
  await page.locator('label', { has: page.locator('[data-sink="133:0"]') }).tap();
  await has(page, '24:1', '133:0', false);
  await page.locator('.sinks').getByRole('button', { name: 'Back' }).tap();
  await page.locator('[data-source="20:0"]').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  assert.deepEqual(page.errors, []);
});

test('a client that comes or goes is seen within 100 ms', async () => {
  const page = await open(browser, mock.url);
  await page.evaluate(() => {
    window.seen = {};
    new MutationObserver(() => {
      const here = Boolean(document.querySelector('.card[data-client="150"]'));
      if (here !== window.here) requestAnimationFrame(() => window.seen[here] ??= Date.now());
      window.here = here;
    }).observe(document.body, { subtree: true, childList: true });
  });
  const times = [];
  for (let turn = 0; turn < 6; turn++) {
    for (const comes of [true, false]) {
      const began = Date.now();
      if (comes) mock.appear(hostile(150, 'late guest'));
      else mock.vanish(150);
      const seen = await until('seen', () => page.evaluate((key) => window.seen[key], comes));
      times.push(seen - began);
      await page.evaluate(() => (window.seen = {}));
    }
  }
  times.sort((a, b) => a - b);
  console.log(`# coming and going is seen after ${times[0]} to ${times.at(-1)} ms, median ${times[6]}`);
  // The best of some: the machine may be busy with other things.
  assert.ok(times[2] <= (process.env.ASEQD_WEB_QUICK ? 1000 : 100) + DELAY, `${times}`);
});

test('what is selected, pulled or focused may go at any time', async () => {
  const page = await open(browser, mock.url);
  await port(page, 'out', '134:0').click();
  await page.locator('.inspector').waitFor();
  mock.vanish(134);
  await page.locator('.inspector').waitFor({ state: 'detached' });
  const box = await port(page, 'out', '20:0').boundingBox();
  await page.mouse.move(box.x + 50, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 500, box.y + 90, { steps: 3 });
  mock.vanish(20);
  await port(page, 'out', '20:0').waitFor({ state: 'detached' });
  await page.mouse.move(box.x + 550, box.y + 90, { steps: 3 });
  await page.mouse.up();
  await mode(page, 'Matrix');
  await page.locator('.cell input[tabindex="0"]').focus();
  for (const id of [...mock.clients.keys()]) mock.vanish(id);
  await page.getByText('No two ports to connect').waitFor();
  await mode(page, 'Graph');
  await page.getByText('Nothing is plugged in yet').waitFor();
  assert.deepEqual(page.errors, []);
});

test('hostile names are text, in every view', async () => {
  HOSTILE.forEach((name, at) => mock.clients.set(160 + at, hostile(160 + at, name)));
  mock.links.set('160:0>161:0', { from: '160:0', to: '161:0' });
  mock.patches.set(HOSTILE[0], []);
  const page = await open(browser, mock.url);
  for (const name of ['Graph', 'Matrix', 'List']) {
    await mode(page, name);
    await page.locator('.name', { hasText: '<img src=x' }).first().waitFor();
  }
  await mode(page, 'Graph');
  await port(page, 'out', '160:0').click();
  await page.locator('.inspector .link-row button').first().click();
  for (const view of ['Monitor', 'Keyboard', 'Rules', 'Patches']) {
    await page.locator('nav').getByRole('link', { name: view, exact: true }).click();
    await page.locator(`.view-${view.toLowerCase()} button`).first().waitFor();
  }
  await page.locator('.name', { hasText: '<img src=x' }).first().waitFor();
  assert.equal(await page.evaluate(() => window.broken), undefined);
  assert.equal(await page.locator('main img, main script, main b').count(), 0);
  // No control or mark of direction is left, and each name is isolated.
  const texts = await page.evaluate(() => [...document.querySelectorAll('.name')].map((element) => [element.textContent, getComputedStyle(element).unicodeBidi]));
  for (const [text, bidi] of texts) {
    assert.doesNotMatch(text, /[\u0000-\u001f\u202a-\u202e\u2066-\u2069]/);
    assert.match(bidi, /isolate/);
  }
  assert.deepEqual(page.errors, []);
});

test('the page connects again after the server has restarted, and shows what is there then', async () => {
  const page = await open(browser, mock.url);
  const { port: number } = mock;
  await mock.close();
  await page.locator('.status', { hasText: 'reconnecting' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Panic' }).isDisabled(), true);
  const world = await new Mock().listen(number);
  mock = world;
  world.vanish(20);
  world.clients.set(151, hostile(151, 'after the restart'));
  await page.locator('.status', { hasText: 'live' }).waitFor();
  await port(page, 'out', '151:0').waitFor();
  assert.equal(await port(page, 'out', '20:0').count(), 0);
  await drag(page, port(page, 'out', '24:1'), port(page, 'in', '28:0'));
  await has(page, '24:1', '28:0');
  assert.deepEqual(page.errors, []);
});

test('a lost delta is noticed: the page asks for a snapshot', async () => {
  const page = await open(browser, mock.url);
  for (const one of mock.pages) one.seq++;
  mock.appear(hostile(152, 'after the gap'));
  await port(page, 'out', '152:0').waitFor();
  assert.ok(mock.commands.some((command) => command.do === 'resync'));
});

test('a token is taken from the address, kept out of it, and asked for if it is wrong', async () => {
  mock.token = 'secret';
  const page = await open(browser, `${mock.url}#token=secret`);
  await port(page, 'out', '20:0').waitFor();
  assert.doesNotMatch(page.url(), /secret/);
  const context = await browser.newContext();
  const other = await context.newPage();
  await other.goto(mock.url);
  await other.getByLabel('Token').fill('secret');
  await other.getByRole('button', { name: 'Enter' }).click();
  await other.locator('.card').first().waitFor();
});

test('a server that only shows is not changed', async () => {
  mock.readOnly = true;
  const page = await open(browser, mock.url);
  await page.locator('.status', { hasText: 'read only' }).waitFor();
  await drag(page, port(page, 'out', '24:1'), port(page, 'in', '28:0'));
  await mode(page, 'Matrix');
  await page.locator('.cell input').first().click({ force: true });
  await mode(page, 'List');
  await page.locator('[data-source="20:0"]').click();
  assert.equal(await page.locator('[data-sink="28:0"]').isDisabled(), true);
  assert.deepEqual(mock.commands.filter((command) => command.do !== 'activity'), []);
});

test('the search shows the ports that fit, and what they are connected to', async () => {
  const page = await open(browser, mock.url);
  await page.keyboard.press('/');
  await page.keyboard.type('faders');
  await until('two cards', async () => (await page.locator('.card.in').count()) === 1);
  assert.deepEqual(await page.locator('.card.out').evaluateAll((cards) => cards.map((card) => card.dataset.client)), ['24', '28']);
  await page.keyboard.press('Escape');
  await port(page, 'out', '20:0').waitFor();
});

test('an alias is given and removed; the server says why not', async () => {
  const page = await open(browser, mock.url);
  await port(page, 'out', '134:0').click();
  await page.getByLabel('New alias').fill('stage left');
  await page.keyboard.press('Enter');
  await page.locator('.port .tag', { hasText: '@stage left' }).waitFor();
  await page.getByRole('button', { name: /Remove the alias/ }).click();
  await page.locator('.port .tag', { hasText: '@stage left' }).waitFor({ state: 'detached' });
  mock.refuse = ({ do: what }) => what === 'alias.set' && 'the file of rules cannot be written: permission denied';
  await page.getByLabel('New alias').fill('other');
  await page.keyboard.press('Enter');
  await page.locator('.toast.bad', { hasText: 'permission denied' }).waitFor();
});

test('a filter is made, sent as it is meant, and removed', async () => {
  const page = await open(browser, mock.url);
  await port(page, 'out', '20:0').click();
  await page.locator('.inspector .link-row button').first().click();
  for (const channel of ['1', '10']) await page.getByRole('button', { name: `Channel ${channel}`, exact: true }).click();
  await page.getByLabel('Transpose, semitones').fill('-12');
  await page.getByLabel('Scale').fill('0.8');
  await page.getByRole('button', { name: 'Controller', exact: true }).click();
  await page.getByRole('button', { name: 'Apply' }).click();
  await until('filter', () => mock.has('20:0', '130:0').filter);
  assert.deepEqual(mock.has('20:0', '130:0').filter, { channels: [1, 10], transpose: -12, velocity: { scale: 0.8 }, controllers: { 1: 11 } });
  await page.locator('.tag', { hasText: 'in force' }).waitFor();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await until('no filter', () => !mock.has('20:0', '130:0').filter);
  assert.deepEqual(page.errors, []);
});

test('two changes within one frame both count', async () => {
  const page = await open(browser, mock.url);
  await port(page, 'out', '20:0').click();
  await page.locator('.inspector .link-row button').first().click();
  await page.getByLabel('Scale').waitFor();
  await page.evaluate(() => {
    const fields = [...document.querySelectorAll('.filter label')];
    for (const [label, value] of [['Transpose', '5'], ['Scale', '0.5'], ['Add', '3']]) {
      const input = fields.find(({ textContent }) => textContent.startsWith(label)).querySelector('input');
      input.value = value;
      input.dispatchEvent(new Event('input', { bubbles: true }));
    }
  });
  await page.getByRole('button', { name: 'Apply' }).click();
  await until('filter', () => mock.has('20:0', '130:0').filter);
  assert.deepEqual(mock.has('20:0', '130:0').filter, { transpose: 5, velocity: { scale: 0.5, add: 3 } });
});

test('undo takes back what was done just now, before the server has answered', async () => {
  const page = await open(browser, mock.url);
  mock.delay = 300;
  await port(page, 'out', '24:1').focus();
  await page.keyboard.press('Enter');
  await port(page, 'in', '28:0').focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+z');
  await until('connected and cut', () => mock.commands.some((command) => command.do === 'disconnect'));
  const done = mock.commands.filter(({ do: what }) => /connect$/.test(what)).map(({ do: what, from, to }) => [what, from, to]);
  assert.deepEqual(done, [['connect', '24:1', '28:0'], ['disconnect', '24:1', '28:0']]);
});

test('a server that keeps the connection and does not answer is given up, and undo keeps its steps', async () => {
  const page = await open(browser, mock.url);
  await drag(page, port(page, 'out', '24:1'), port(page, 'in', '28:0'));
  await has(page, '24:1', '28:0');
  await page.evaluate(async () => ((await import('/js/net.js')).Connection.patience = 700));
  mock.silent = true;
  // The first one is asked, and the second one waits for it.
  for (let step = 0; step < 2; step++) await page.keyboard.press('Control+z');
  await page.locator('.toast', { hasText: 'the server does not answer' }).first().waitFor();
  await page.locator('.toast', { hasText: 'Nothing was undone' }).waitFor();
  await page.locator('.status', { hasText: 'reconnecting' }).waitFor();
  mock.connect('24:1', '28:0');
  mock.silent = false;
  await page.locator('.status', { hasText: 'live' }).waitFor();
  await has(page, '24:1', '28:0');
  await page.keyboard.press('Control+z');
  await has(page, '24:1', '28:0', false);
  assert.deepEqual(page.errors, []);
});

test('a page whose server says nothing yet shows its frame', async () => {
  mock.silent = true;
  const page = await (await browser.newContext()).newPage();
  await page.goto(mock.url);
  await page.locator('nav').getByRole('link', { name: 'Monitor' }).waitFor({ timeout: 10000 });
  assert.equal(await page.locator('main').getAttribute('aria-busy'), 'true');
  assert.equal(await page.locator('.card').count(), 0);
});
