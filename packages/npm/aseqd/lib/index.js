'use strict';
// A sequencer as a test sees it.

const { output, SequencerError, stay } = require('./command.js');
const { EventTimeout, Inbox } = require('./inbox.js');
const { supported } = require('./program.js');

/** Returns the text by which the program finds a port. */
function portText(port) {
  const text = typeof port === 'object' && port !== null ? (port.address ?? port.port) : port;
  if (typeof text === 'number') return String(text);
  if (typeof text !== 'string' || text === '') {
    const plugged = port instanceof Device ? `${port.name} is not plugged in` : `${String(port)} names no port`;
    throw new TypeError(plugged);
  }
  return text;
}

/** Returns MIDI bytes in hexadecimal. */
function hexOf(bytes) {
  const list = Array.from(bytes);
  if (list.length === 0) throw new TypeError('a MIDI message has at least one byte');
  for (const byte of list) {
    if (!Number.isInteger(byte) || byte < 0 || byte > 255) throw new TypeError(`${byte} is no byte`);
  }
  return list.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** Returns the option of a command for a timeout in milliseconds. */
const timeoutOption = (timeout) => ['--timeout', `${Math.max(0, Math.round(timeout))}ms`];

/** Collects the events that ports send, from the moment at which `Sequencer.monitor` has resolved. */
class Monitor {
  #inbox = new Inbox('the monitor', (event) => JSON.stringify(event));
  #command;

  get address() {
    return this.#command.address;
  }

  get events() {
    return this.#inbox.items;
  }

  wait(count, options) {
    return this.#inbox.wait(count, options);
  }

  clear() {
    this.#inbox.clear();
  }

  async close() {
    await this.#command.stop({ reads: false });
  }

  [Symbol.asyncIterator]() {
    return this.#inbox[Symbol.asyncIterator]();
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.close();
  }

  static async start(ports) {
    const monitor = new Monitor();
    const words = ports.flatMap((port) => ['--port', portText(port)]);
    monitor.#inbox.open();
    monitor.#command = await stay(
      ['monitor', '--json', '--verbose', ...words],
      (line, address) => {
        const event = JSON.parse(line);
        // The test did not ask for the monitor's own connections.
        if (event.sender === address || event.receiver === address) return;
        monitor.#inbox.put(event);
      },
      (error) => monitor.#inbox.end(error),
    );
    return monitor;
  }
}

/** A fake MIDI device: a client with one port, which appears and disappears as a device that is plugged in and out. */
class Device {
  #inbox;
  #options;
  #command = null;
  #name;

  constructor(name, { input = true, output = true } = {}) {
    if (!input && !output) throw new TypeError('a device is an input, an output or both');
    this.#name = name;
    this.#options = [...(output ? [] : ['--input']), ...(input ? [] : ['--output'])];
    this.#inbox = new Inbox(name, hexOf);
  }

  get name() {
    return this.#name;
  }

  get address() {
    return this.#command?.address ?? null;
  }

  get plugged() {
    return this.#command !== null;
  }

  get messages() {
    return this.#inbox.items;
  }

  async plug() {
    if (this.#command) return this;
    this.#inbox.open();
    this.#command = await stay(
      ['port', '--verbose', ...this.#options, '--', this.#name],
      (line) => this.#inbox.put(Uint8Array.from(line.split(' '), (byte) => parseInt(byte, 16))),
      (error) => {
        this.#command = null;
        this.#inbox.end(error);
      },
    );
    return this;
  }

  async unplug() {
    await this.#command?.stop({ reads: true });
  }

  async send(...messages) {
    const lines = messages.map((message) => `${hexOf(message)}\n`);
    if (!this.#command) throw new SequencerError(`${this.#name} is not plugged in`);
    await this.#command.write(lines.join(''));
  }

  wait(count, options) {
    return this.#inbox.wait(count, options);
  }

  clear() {
    this.#inbox.clear();
  }

  [Symbol.asyncIterator]() {
    return this.#inbox[Symbol.asyncIterator]();
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.unplug();
  }
}

/** Lists and connects ports, sends, and makes monitors and fake devices. */
class Sequencer {
  #made = [];
  #connections = [];

  get available() {
    return supported;
  }

  async ls() {
    const text = await output(['ls', '--json']);
    return text
      .split('\n')
      .filter((line) => line)
      .map((line) => JSON.parse(line));
  }

  async connect(sender, dest) {
    const words = ['--', portText(sender), portText(dest)];
    await output(['connect', ...words]);
    this.#connections.push(words);
  }

  async disconnect(sender, dest) {
    const words = ['--', portText(sender), portText(dest)];
    await output(['disconnect', ...words]);
    this.#connections = this.#connections.filter((made) => made.join('\n') !== words.join('\n'));
  }

  async monitor(...ports) {
    const monitor = await Monitor.start(ports);
    this.#made.push(monitor);
    return monitor;
  }

  device(name, options) {
    const device = new Device(name, options);
    this.#made.push(device);
    return device;
  }

  async send(dest, ...messages) {
    await output(['send', '--', portText(dest), ...messages.map(hexOf)]);
  }

  async waitForPort(port, { timeout = 5000 } = {}) {
    const text = await output(['wait', '--verbose', ...timeoutOption(timeout), '--', portText(port)]);
    return text.trim();
  }

  async waitForConnection(port, { timeout = 5000 } = {}) {
    await output(['wait', '--connected', ...timeoutOption(timeout), '--', portText(port)]);
  }

  async advance(milliseconds) {
    if (!Number.isFinite(milliseconds) || milliseconds < 0) {
      throw new TypeError(`cannot advance by ${milliseconds} milliseconds`);
    }
    if (!process.env.ASEQD_CONTROL) {
      throw new SequencerError(
        `cannot advance by ${milliseconds} ms: time is real here. ` +
          'Start the tests under `aseqd run --time virtual`, or set ASEQD_TIME=virtual',
      );
    }
    await output(['ctl', 'advance', `${Math.round(milliseconds * 1000)}us`]);
  }

  async close() {
    const [connections, made] = [this.#connections, this.#made];
    this.#connections = [];
    this.#made = [];
    // The port or the connection may be gone.
    await Promise.all(connections.map((words) => output(['disconnect', ...words]).catch(() => {})));
    await Promise.all(made.map((one) => (one instanceof Device ? one.unplug() : one.close())));
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.close();
  }
}

/** The sequencer of this process. */
const sequencer = new Sequencer();

module.exports = { Device, EventTimeout, Monitor, Sequencer, SequencerError, sequencer };
