// Worlds for the mock: a studio, a large one, and names that want to break out.

const port = (id, name, more) => ({ id, name, short: name, ...more });
const SYSTEM = { id: 0, name: 'System', kind: 'kernel', system: true, ports: [port(0, 'Timer', { sends: true }), port(1, 'Announce', { sends: true })] };
const KEYBOARD = { id: 129, name: 'aseqd web', kind: 'user', pid: 99, own: true, ports: [port(0, 'keyboard', { sends: true })] };
const both = { sends: true, receives: true };

export function studio() {
  return {
    clients: [
      SYSTEM,
      { id: 14, name: 'Midi Through', kind: 'kernel', ports: [port(0, 'Midi Through Port-0', both)] },
      { id: 20, name: 'nanoKEY2', kind: 'kernel', card: 1, usb: '0944:0115', ports: [{ id: 0, name: 'nanoKEY2 nanoKEY2 _ KEYB', short: 'KEYB', ...both, hardware: true, aliases: ['keys'] }] },
      { id: 24, name: 'Launchpad Pro MK3', kind: 'kernel', card: 2, usb: '1235:0123', ports: [port(0, 'LPProMK3 MIDI', { ...both, hardware: true }), port(1, 'LPProMK3 DIN', { ...both, hardware: true }), port(2, 'LPProMK3 DAW', { ...both, hardware: true })] },
      { id: 28, name: 'Elektron Digitone', kind: 'kernel', card: 3, usb: '1935:000c', ports: [port(0, 'Digitone MIDI 1', { ...both, hardware: true })] },
      { id: 130, name: 'FLUID Synth (1234)', kind: 'user', pid: 1234, ports: [port(0, 'Synth input port (1234:0)', { receives: true })] },
      { id: 131, name: 'ardour', kind: 'user', pid: 2210, ports: [port(0, 'MIDI Clock in', { receives: true }), port(1, 'MIDI control in', { receives: true, aliases: ['faders'] }), port(2, 'Piano', { receives: true }), port(3, 'Drums', { receives: true }), port(4, 'MIDI Clock out', { sends: true }), port(5, 'MMC out', { sends: true })] },
      { id: 132, name: 'aseqd play', kind: 'user', pid: 3100, ports: [port(0, 'output', { sends: true }), port(1, 'control', both)] },
      { id: 133, name: 'Surge XT', kind: 'user', pid: 3321, midi: 2, ports: [port(0, 'Surge XT', { receives: true, group: 1 })] },
      { id: 134, name: 'VMPK Output', kind: 'user', pid: 4711, ports: [port(0, 'VMPK Output', { sends: true })] },
      KEYBOARD,
    ],
    connections: [
      { from: '20:0', to: '130:0', rule: 'rules.toml:4', kept: true },
      { from: '20:0', to: '131:2' },
      { from: '24:0', to: '131:3', link: '140:1', filter: { channels: [10], transpose: -12 }, rule: 'rules.toml:9', kept: true },
      { from: '24:2', to: '131:1', rule: 'rules.toml:17' },
      { from: '132:0', to: '130:0' },
      { from: '132:0', to: '133:0' },
      { from: '131:4', to: '28:0' },
      { from: '134:0', to: '133:0', link: '140:2', filter: { mute: true } },
      { from: '129:0', to: '133:0' },
      { from: '28:0', to: '131:1' },
    ],
    queues: [{ id: 0, name: 'play', client: 132, running: true, bpm: 96 }],
    players: [{ port: '132:1', state: 'playing', name: 'prelude.mid', marker: 'Verse 2', bar: 17, beat: 3, time: 41.5, length: 187, song: 0, songs: 3, speed: 1 }],
    running: true,
    rules: '# Keeps the studio connected, whatever is plugged in first.\n\n[alias]\nkeys = { usb = "0944:0115", port = 0 }\n\n[[rule]]\nname = "keys to synth"\nfrom = "@keys"\nto = "FLUID Synth"\n\n# The pads play the drums of Ardour, an octave lower.\n[[rule]]\nfrom = "Launchpad:MIDI"\nto = "ardour:Drums"\nchannels = 10\ntranspose = -12\nvelocity = { scale = 0.8, min = 20 }\n\n[[rule]]\nfrom = "Launchpad:DAW"\nto = "ardour:\'MIDI control in\'"\nwhen = "always"\n\n[[rule]]\nfrom = ".hw"\nto = "Launchpad X"\nforbid = true\n',
    patches: [['studio', [['20:0', '130:0'], ['24:2', '131:1']]], ['live set', [['20:0', '133:0'], ['24:0', '131:3'], ['28:0', '131:1']]], ['rehearsal', [['20:0', '130:0']]]],
  };
}

// 50 clients with 5 ports each that send, 50 that receive, and 8 connections for each port that sends.
export function large() {
  const clients = [SYSTEM, KEYBOARD];
  const connections = [];
  for (let at = 0; at < 50; at++) {
    clients.push({ id: 30 + at, name: `Controller ${at + 1}`, kind: at % 3 ? 'user' : 'kernel', card: at % 3 ? undefined : at, ports: Array.from({ length: 5 }, (_, id) => port(id, `out ${id + 1}`, { sends: true })) });
    clients.push({ id: 140 + at, name: `Synthesizer ${at + 1}`, kind: 'user', ports: Array.from({ length: 5 }, (_, id) => port(id, `in ${id + 1}`, { receives: true })) });
    for (let id = 0; id < 5; id++) {
      for (let turn = 0; turn < 8; turn++) connections.push({ from: `${30 + at}:${id}`, to: `${140 + ((at * 3 + id * 11 + turn * 7) % 50)}:${(id + turn) % 5}` });
    }
  }
  const seen = new Set();
  return { clients, connections: connections.filter(({ from, to }) => !seen.has(`${from}>${to}`) && seen.add(`${from}>${to}`)) };
}

export const HOSTILE = ['<img src=x onerror="window.broken=1">', '\u202Egnp.exe\u202C \u2069\u2066 right to left \u05E9\u05DC\u05D5\u05DD', '\u0001\u0002\n\r\t"\'`${window.broken=1}\\\uFFFD&lt;b&gt;</script><script>window.broken=1</script>'.slice(0, 63)];
export const hostile = (id, name) => ({ id, name, kind: 'user', pid: id, ports: [{ id: 0, name, short: name, sends: true, receives: true }] });

function song(seconds, tracks, seed) {
  let state = seed;
  const random = () => ((state = (state * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff);
  const notes = [];
  const scale = [0, 2, 4, 7, 9, 12, 14, 16];
  for (let time = 0; time < seconds; time += 0.25) {
    const root = 48 + [0, 5, 7, 3][Math.floor(time / 4) % 4];
    tracks.forEach((name, track) => {
      if (name === 'drums') notes.push([time, 0.1, track, 9, [36, 42, 38, 42][Math.round(time * 4) % 4], 70 + Math.round(random() * 50)]);
      else if (name === 'bass' && Math.round(time * 4) % 4 === 0) notes.push([time, 0.9, track, 1, root - 12, 100]);
      else if (name !== 'bass' && random() < 0.7) notes.push([time, 0.2 + random() * 0.8, track, 0, root + scale[Math.floor(random() * 8)] + 12, 50 + Math.round(random() * 70)]);
    });
  }
  return notes;
}
const take = (name, seconds, tracks, seed, modified) => ({ name, bytes: seconds * 333, modified, take: () => ({ name, seconds, tracks, notes: song(seconds, tracks, seed), tempo: [[0, 96]], more: 0 }) });
export const TAKES = [take('evening-take-3.mid', 48, ['piano', 'bass', 'drums'], 5, 1790000000), take('sketch.mid', 16, ['piano'], 9, 1789000000), take('long-jam.mid', 600, ['piano', 'bass', 'drums'], 2, 1788000000)];
