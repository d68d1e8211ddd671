// Takes pictures of all views, at both sizes: node pictures.mjs FOLDER [--all]. With --all, light ones too, and no docs names.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { band } from './band.mjs';
import { DESKTOP, PHONE, launch, open } from './browser.mjs';
import { Mock } from './mock.mjs';

const [folder, all] = process.argv.slice(2);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// Writes a PNG with at most 256 colours, if pngquant is there.
function write(name, png) {
  const small = spawnSync('pngquant', ['--quality', '50-92', '--strip', '-'], { input: png, maxBuffer: 1 << 26 });
  const bytes = small.status === 0 ? small.stdout : png;
  writeFileSync(join(folder, `web-${name}.png`), bytes);
  console.log(`${String(bytes.length).padStart(7)}  web-${name}.png`);
}

const VIEWS = {
  graph: async (page) => {
    await choose(page, 'Graph');
    await page.mouse.move(2, 700);
  },
  cable: async (page) => {
    await choose(page, 'Graph');
    await page.locator('.card.out [data-port="20:0"]').click();
    await page.locator('.inspector .link-row button').first().click();
  },
  matrix: (page) => choose(page, 'Matrix'),
  list: async (page) => {
    await choose(page, 'List');
    await page.locator('[data-source="20:0"]').click();
    await wait(300);
  },
  monitor: async (page) => {
    await view(page, 'Monitor');
    await wait(9000);
  },
  keyboard: async (page) => {
    await view(page, 'Keyboard');
    await page.locator('.key').first().waitFor();
    for (const key of ['KeyA', 'KeyD', 'KeyG']) await page.keyboard.down(key);
  },
  rules: (page) => view(page, 'Rules'),
  patches: (page) => view(page, 'Patches'),
  takes: async (page) => {
    await view(page, 'Takes');
    await page.locator('.take').first().click();
  },
};
const choose = async (page, mode) => {
  await view(page, 'Patch');
  await page.locator('.patch-bar button', { hasText: mode }).click();
};
const view = (page, name) => page.locator('nav').getByRole('link', { name, exact: true }).click();

const mock = await new Mock().listen();
const stop = band(mock, 24);
const browser = await launch();
for (const [size, viewport] of [['', DESKTOP], ['-phone', PHONE]]) {
  for (const scheme of all ? ['dark', 'light'] : ['dark']) {
    for (const [name, go] of Object.entries(VIEWS)) {
      const page = await open(browser, mock.url, { viewport, scheme, touch: Boolean(size), scale: size ? 2 : 1 });
      await go(page);
      await wait(700);
      write(`${name}${size}${scheme === 'light' ? '-light' : ''}`, await page.screenshot());
      if (page.errors.length) console.error(name, page.errors);
      await page.context().close();
    }
  }
}
if (!all) {
  const page = await open(browser, mock.url, { scheme: 'light' });
  await VIEWS.graph(page);
  await wait(700);
  write('graph-light', await page.screenshot());
}
stop();
await browser.close();
await mock.close();
