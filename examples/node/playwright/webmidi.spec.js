// A page with Web MIDI in Chromium, between a fake keyboard and a fake synthesizer.

import { expect, test } from '@playwright/test';
import { sequencer } from 'aseqd';

// The page: it plays what it hears an octave higher.
const PAGE = `<!doctype html><p>waiting</p><script type="module">
  const access = await navigator.requestMIDIAccess();
  const show = () => document.querySelector('p').textContent = [...access.inputs.values()].map((port) => port.name);
  const hear = () => {
    for (const input of access.inputs.values()) input.onmidimessage = ({ data: [status, note, velocity] }) => {
      for (const output of access.outputs.values()) {
        if (output.name === 'Synth') output.send([status, note + 12, velocity]);
      }
    };
    show();
  };
  access.onstatechange = hear;
  hear();
</script>`;

test.afterEach(() => sequencer.close());

test('a keyboard is heard, an octave higher, and may be plugged out', async ({ page }) => {
  const synth = await sequencer.device('Synth', { input: false }).plug();
  const keyboard = await sequencer.device('Keyboard', { output: false }).plug();
  // Web MIDI needs a secure context.
  await page.route('https://app.test/', (route) => route.fulfill({ contentType: 'text/html', body: PAGE }));
  await page.goto('https://app.test/');
  await expect(page.locator('p')).toContainText('Keyboard');
  await sequencer.waitForConnection(keyboard);

  await keyboard.send([0x90, 60, 100]);
  expect(await synth.wait()).toEqual([Uint8Array.of(0x90, 72, 100)]);

  await keyboard.unplug();
  await expect(page.locator('p')).not.toContainText('Keyboard');
});
