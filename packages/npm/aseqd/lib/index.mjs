// The module for `import`. It is the same one as for `require`, so there is one sequencer only.

import aseqd from './index.js';

export const { Device, EventTimeout, Monitor, Sequencer, SequencerError, sequencer } = aseqd;
