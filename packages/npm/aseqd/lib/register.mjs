// Starts this Node program again under `aseqd run`. Imported by the program's main process:
// `node --import aseqd/register --test`, or the configuration of vitest, jest or playwright.

import { again } from './again.js';
import { start } from './start.js';

// The program's own modules are not loaded here. The child keeps this process alive.
if (again(start)) await new Promise(() => {});
