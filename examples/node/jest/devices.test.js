const { sequencer } = require('aseqd');

afterEach(() => sequencer.close());

test('a device hears what another one sends', async () => {
  const keyboard = await sequencer.device('Keyboard').plug();
  const synth = await sequencer.device('Synth').plug();
  await sequencer.connect(keyboard, synth);
  await keyboard.send([0x90, 60, 100]);
  expect((await synth.wait()).map((message) => [...message])).toEqual([[0x90, 60, 100]]);
});
