// Chromium for the tests: one browser, a page for each test, errors of the page that fail the test.

import { chromium } from 'playwright-core';

// Longest wait for anything that should happen, in ms: a machine under load is slow.
export const DEADLINE = 20000;
export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

export async function launch(args = []) {
  // Root's Chromium has no sandbox.
  const alone = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? 'chromium', args: [...alone, ...args] });
}

// Opens an address in a new page. `errors` of the result has what went wrong in it.
export async function open(browser, url, { viewport = DESKTOP, scheme = 'dark', touch = false, ...more } = {}) {
  const context = await browser.newContext({ viewport, colorScheme: scheme, hasTouch: touch, isMobile: touch, deviceScaleFactor: more.scale ?? 1, ...more });
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE);
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && !/WebSocket connection|ERR_CONNECTION|net::/.test(message.text()) && page.errors.push(message.text()));
  if (process.env.ASEQD_WEB_THROTTLE) {
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: Number(process.env.ASEQD_WEB_THROTTLE) });
  }
  await page.goto(url);
  await page.locator('main[aria-busy="false"]').waitFor();
  return page;
}

// Returns the part of a processor that a busy program gets here: 1 on an idle machine, less beside other work.
export function share() {
  const [began, before] = [process.hrtime.bigint(), process.cpuUsage()];
  while (process.hrtime.bigint() - began < 400_000_000n);
  const used = process.cpuUsage(before);
  return Math.min(1, ((used.user + used.system) * 1000) / Number(process.hrtime.bigint() - began));
}

// Waits until a function says yes.
export async function until(what, test, deadline = DEADLINE) {
  const end = Date.now() + deadline;
  for (;;) {
    const value = await test();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${deadline} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}
