// What one port sends, another receives: a test of a program with @julusian/midi, which knows nothing of aseqd.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Input, Output } from '@julusian/midi';

/** Returns the number of the port whose name begins so. */
function portOf(midi, name) {
  const names = Array.from({ length: midi.getPortCount() }, (_, port) => midi.getPortName(port));
  const port = names.findIndex((found) => found.startsWith(name));
  assert.notEqual(port, -1, `a port ${name} among ${names.join(', ')}`);
  return port;
}

test('a virtual port hears what is sent to it', { timeout: 10_000 }, async () => {
  const [input, output] = [new Input(), new Output()];
  input.ignoreTypes(false, true, true);
  input.openVirtualPort('Loop');
  output.openPort(portOf(output, 'RtMidi Input Client:Loop'));
  for (const message of [[0x90, 60, 100], [0x80, 60, 0], [0xf0, 0x7e, 0x7f, 9, 1, 0xf7]]) {
    const heard = once(input, 'message');
    output.sendMessage(message);
    assert.deepEqual((await heard)[1], message);
  }
  output.closePort();
  input.closePort();
});
