'use strict';
// The same as register.mjs, for `require`, which cannot wait.

const { again } = require('./again.js');
const { startAndWait } = require('./start.js');

again(startAndWait);
