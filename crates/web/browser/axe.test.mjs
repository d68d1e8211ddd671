// axe-core finds nothing to object to, in any view, dark and light, on a desktop and on a phone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { DESKTOP, PHONE, launch, open, until } from './browser.mjs';
import { Mock } from './mock.mjs';
import { note } from './wire.mjs';

const axe = readFileSync(new URL('./node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
let browser;
let mock;
before(async () => {
  browser = await launch();
  mock = await new Mock().listen();
});
after(async () => {
  await browser.close();
  await mock.close();
});

const go = async (page, name) => {
  await page.locator('nav').getByRole('link', { name, exact: true }).click();
  await page.locator(`nav [aria-current="page"]`, { hasText: name }).waitFor();
};
const mode = async (page, name) => {
  await go(page, 'Patch');
  await page.locator('.patch-bar button', { hasText: name }).click();
  await page.locator('.patch-bar button[aria-pressed="true"]', { hasText: name }).waitFor();
};
const STATES = {
  graph: (page) => mode(page, 'Graph'),
  'graph with a port': async (page) => page.locator('.port[data-side="out"][data-port="20:0"]').click(),
  'graph with a connection': async (page) => page.locator('.inspector .link-row button').first().click(),
  matrix: (page) => mode(page, 'Matrix'),
  list: async (page) => {
    await mode(page, 'List');
    await page.locator('[data-source="20:0"]').click();
    await page.locator('[data-sink]').first().waitFor();
  },
  settings: (page) => page.getByRole('button', { name: 'Settings' }).click(),
  monitor: async (page) => {
    await go(page, 'Monitor');
    await until('a monitor', () => [...mock.pages].some((one) => one.monitors.size));
    mock.events([note('20:0', 0, 60, 100), note('24:0', 3, 64, 80)]);
    await page.locator('.events td.kind').first().waitFor();
  },
  keyboard: async (page) => {
    await go(page, 'Keyboard');
    await page.locator('.key').first().waitFor();
  },
  rules: async (page) => {
    await go(page, 'Rules');
    await page.getByLabel('Text of the rules').fill('[[rule]]\nnonsense\n');
    await page.locator('.problems .bad').waitFor();
  },
  patches: async (page) => {
    await go(page, 'Patches');
    await page.locator('.saved').first().waitFor();
  },
  takes: async (page) => {
    await go(page, 'Takes');
    await page.locator('.take').first().click();
    await page.locator('.take-view .roll').waitFor();
  },
  'an error': async (page) => {
    mock.refuse = ({ do: what }) => what === 'panic' && 'cannot: permission denied';
    await page.getByRole('button', { name: 'Panic' }).click();
    await page.locator('.toast.bad').waitFor();
    mock.refuse = undefined;
  },
};

for (const [size, viewport] of [['a desktop', DESKTOP], ['a phone', PHONE]]) {
  for (const scheme of ['dark', 'light']) {
    test(`no violations on ${size}, ${scheme}`, async () => {
      // The rules are run from outside of the page: its policy forbids other scripts in it.
      const page = await open(browser, mock.url, { viewport, scheme, bypassCSP: true, reducedMotion: 'reduce' });
      await page.addScriptTag({ content: axe });
      const found = [];
      for (const [name, reach] of Object.entries(STATES)) {
        await reach(page);
        const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
        for (const { id, help, nodes } of violations) found.push(`${name}: ${id}: ${help}: ${nodes.map((node) => `${node.target} ${node.any?.[0]?.message ?? ''}`).slice(0, 3).join('\n    ')}`);
      }
      assert.deepEqual(found, []);
      await page.context().close();
    });
  }
}
