// The module of the package, in a sequencer of its own.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { afterEach, test } from 'node:test';
import { EventTimeout, Sequencer, SequencerError, sequencer } from 'aseqd';

afterEach(() => sequencer.close());

const listed = (messages) => messages.map((message) => [...message]);
const MISSING = 'a port that does not exist';

test('import and require give the same sequencer', () => {
  assert.equal(createRequire(import.meta.url)('aseqd').sequencer, sequencer);
  assert.equal(sequencer.available, true);
});

test('ls lists ports with names and connections', async () => {
  const [timer, announce, through] = await sequencer.ls();
  assert.deepEqual([timer.port, announce.port, through.port], ['0:0', '0:1', '14:0']);
  assert.equal(through.client_name, 'Midi Through');
  await sequencer.connect('Midi Through', through);
  assert.deepEqual((await sequencer.ls())[2].to.map((to) => to.receiver), ['14:0']);
  await sequencer.disconnect(14, '14:0');
  assert.deepEqual((await sequencer.ls())[2].to, []);
});

test('devices hear each other, and monitors both', async () => {
  const keyboard = await sequencer.device('Keyboard', { output: false }).plug();
  const synth = await sequencer.device('Synth', { input: false }).plug();
  await sequencer.connect(keyboard, synth);
  const monitor = await sequencer.monitor(keyboard);
  const sysex = [0xf0, ...Array(1000).fill(1), 0xf7];
  await keyboard.send([0x90, 60, 100], Uint8Array.of(0xb2, 7, 1), sysex);
  assert.deepEqual(listed(await synth.wait(3)), [[0x90, 60, 100], [0xb2, 7, 1], sysex]);
  const [note, controller] = await monitor.wait(2);
  assert.deepEqual([note.type, note.channel, note.note, note.velocity], ['NOTEON', 0, 60, 100]);
  assert.deepEqual([controller.channel, controller.param, controller.value], [2, 7, 1]);
  assert.equal(note.source, keyboard.address);
});

test('a device can be plugged out and in again', async () => {
  const announcements = await sequencer.monitor('0:1');
  const device = sequencer.device('Device');
  assert.deepEqual([device.plugged, device.address], [false, null]);
  const found = sequencer.waitForPort('Device');
  await device.plug();
  assert.equal(await found, device.address);
  await device.unplug();
  assert.deepEqual((await sequencer.ls()).filter((port) => port.client_name === 'Device'), []);
  const types = [];
  for await (const event of announcements) {
    if (types.push(event.type) && event.type === 'PORT_EXIT') break;
  }
  assert.ok(types.includes('PORT_START'), types.join());
  await assert.rejects(device.send([0xf8]), /Device is not plugged in/);
  await assert.rejects(sequencer.connect(device, '14:0'), /Device is not plugged in/);
  await device.plug();
  assert.equal(device.plugged, true);
});

test('what was sent before a device is plugged out arrives', async () => {
  const keyboard = await sequencer.device('Keyboard').plug();
  const monitor = await sequencer.monitor(keyboard);
  for (let note = 0; note < 100; note++) keyboard.send([0x90, note, 1]);
  await keyboard.unplug();
  assert.equal((await monitor.wait(100))[99].note, 99);
});

test('send needs no connection', async () => {
  const synth = await sequencer.device('Synth').plug();
  await sequencer.send(synth, [0x90, 60, 100], [0xf8]);
  await sequencer.send('Synth', [0xc0, 5]);
  assert.deepEqual(listed(await synth.wait(3)), [[0x90, 60, 100], [0xf8], [0xc0, 5]]);
  const monitor = await sequencer.monitor();
  await sequencer.send(monitor, [0xe0, 0, 64]);
  assert.equal((await monitor.wait())[0].value, 0);
});

test('waiting ends in time, and takes nothing', async () => {
  const synth = await sequencer.device('Synth').plug();
  await sequencer.send(synth, [0x90, 60, 100]);
  await assert.rejects(synth.wait(2, { timeout: 100 }), (error) => {
    assert.ok(error instanceof EventTimeout);
    assert.equal(error.message, 'Synth: waited 100 ms for 2 event(s), and there came 90 3c 64');
    return true;
  });
  assert.deepEqual(listed(synth.messages), [[0x90, 60, 100]]);
  synth.clear();
  assert.deepEqual(synth.messages, []);
  await assert.rejects(sequencer.waitForPort(MISSING, { timeout: 50 }), SequencerError);
  await assert.rejects(sequencer.waitForConnection(synth, { timeout: 50 }), /was not connected/);
  const waiting = synth.wait();
  await synth.unplug();
  await assert.rejects(waiting, /Synth is closed/);
});

test('for await ends with the device', async () => {
  const synth = await sequencer.device('Synth').plug();
  await sequencer.send(synth, [0xf8], [0xfa]);
  setTimeout(() => synth.unplug(), 100);
  const heard = [];
  for await (const message of synth) heard.push(...message);
  assert.deepEqual(heard, [0xf8, 0xfa]);
});

test('close undoes what was made, and nothing else', async () => {
  const other = new Sequencer();
  const kept = await other.device('Kept').plug();
  await sequencer.device('Device').plug();
  await sequencer.monitor();
  await sequencer.connect('14:0', kept);
  await sequencer.close();
  const ports = await sequencer.ls();
  assert.deepEqual(ports.map((port) => port.client_name), ['System', 'System', 'Midi Through', 'Kept']);
  assert.deepEqual(ports[3].from, []);
  await other.close();
});

test('what is wrong is said', async () => {
  await assert.rejects(sequencer.connect(MISSING, '14:0'), /^SequencerError: there is no port .*; there are 0:0/);
  await assert.rejects(sequencer.send('14:0', [0x90, 60]), /not complete/);
  await assert.rejects(sequencer.send('14:0', [300]), TypeError);
  await assert.rejects(sequencer.connect(undefined, '14:0'), TypeError);
  assert.throws(() => sequencer.device('Device', { input: false, output: false }), TypeError);
  await assert.rejects(sequencer.advance(1000), /time is real here/);
  await assert.rejects(sequencer.advance(-1), TypeError);
});

// A name is no option of the program.
test('names may begin with a hyphen', async () => {
  const device = await sequencer.device('--help').plug();
  assert.equal(await sequencer.waitForPort('--help'), device.address);
});

test('what a test leaves open does not keep Node running', () => {
  const script = `
    import { sequencer } from 'aseqd';
    await sequencer.device('Left').plug();
    await sequencer.monitor();`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: import.meta.dirname, timeout: 20_000 });
});

test('without a sequencer, errors say what to do', async (t) => {
  t.after(() => delete process.env.ASEQD_DEVICE);
  process.env.ASEQD_DEVICE = '/dev/null/seq';
  await assert.rejects(sequencer.ls(), SequencerError);
  await assert.rejects(sequencer.device('Device').plug(), SequencerError);
});
