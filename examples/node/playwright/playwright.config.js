import { defineConfig } from '@playwright/test';

// Root's Chromium has no sandbox. CHROMIUM names one that playwright has not installed.
const root = process.getuid?.() === 0;

export default defineConfig({
  use: {
    permissions: ['midi', 'midi-sysex'],
    launchOptions: { executablePath: process.env.CHROMIUM, args: root ? ['--no-sandbox'] : [] },
  },
});
