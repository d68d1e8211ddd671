/// <reference lib="esnext.disposable" />

/** A port that `Sequencer.ls` lists: the fields of `aseqd ls --json`. */
export interface Port {
  /** `CLIENT:PORT` */
  port: string;
  port_name: string;
  port_type: string[];
  capabilities: string[];
  client: number;
  client_name: string;
  client_type: 'user' | 'kernel';
  card: number | null;
  pid: number | null;
  to: Connection[];
  from: Connection[];
}

/** A connection of two ports. */
export interface Connection {
  sender: string;
  receiver: string;
  exclusive: boolean;
  stamp: { queue: number; time: 'real' | 'tick' } | null;
}

/** An event that a monitor prints: the fields of `aseqd monitor --json`. */
export interface SequencerEvent {
  /** For example `NOTEON`, `CONTROLLER`, `SYSEX`, `PORT_START` */
  type: string;
  type_number: number;
  flags: number;
  tag: number;
  queue: number;
  source: string;
  dest: string;
  tick?: number;
  sec?: number;
  nsec?: number;
  /** 0 to 15 */
  channel?: number;
  note?: number;
  velocity?: number;
  pressure?: number;
  param?: number;
  value?: number;
  /** In hexadecimal */
  data?: string;
  [field: string]: unknown;
}

/** The bytes of one or more MIDI messages. */
export type MidiBytes = Iterable<number>;

/**
 * What names a port: its address (`'128:0'`, or `'128'` for the client's first port), its client's name or the start of
 * it, `'client:port'`, what `ls` returns, or a device or monitor of the test.
 */
export type PortLike = string | number | { port: string } | Device | Monitor;

export interface WaitOptions {
  /** In milliseconds; 5000 unless it is given */
  timeout?: number;
}

/** Fewer events came than a test has waited for. The message lists those that came. */
export class EventTimeout extends Error {}

/** The sequencer, or the program aseqd, has refused something. */
export class SequencerError extends Error {}

/** Collects the events that ports send, from the moment at which `Sequencer.monitor` has resolved. */
export class Monitor implements AsyncIterable<SequencerEvent>, AsyncDisposable {
  private constructor();
  /** The address of the monitor's own port. */
  readonly address: string;
  /** The events that have come and were not taken. */
  readonly events: SequencerEvent[];
  /**
   * Waits until `count` events (1 unless it is given) have come, and takes them. Rejects with `EventTimeout` if fewer
   * come; those that came are not taken.
   */
  wait(count?: number, options?: WaitOptions): Promise<SequencerEvent[]>;
  /** Forgets the events that have come. */
  clear(): void;
  /** Ends the monitor. A `for await` over it ends after the events that have come. */
  close(): Promise<void>;
  [Symbol.asyncIterator](): AsyncIterableIterator<SequencerEvent>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface DeviceOptions {
  /** Whether programs can receive from the device, as from a keyboard; true unless it is given */
  input?: boolean;
  /** Whether programs can send to the device, as to a synthesizer; true unless it is given */
  output?: boolean;
}

/** A fake MIDI device: a client with one port, which appears and disappears as a device that is plugged in and out. */
export class Device implements AsyncIterable<Uint8Array>, AsyncDisposable {
  private constructor();
  /** The name of the client and of its port. */
  readonly name: string;
  /** The address of the port, or null if the device is not plugged in. */
  readonly address: string | null;
  readonly plugged: boolean;
  /** The messages that have come and were not taken. */
  readonly messages: Uint8Array[];
  /** Makes the port, and resolves with this device once other programs can see it. */
  plug(): Promise<this>;
  /** Removes the port, and its connections with it. The device can be plugged in again, and gets another address. */
  unplug(): Promise<void>;
  /** Sends MIDI messages to whatever is connected to the device. */
  send(...messages: MidiBytes[]): Promise<void>;
  /**
   * Waits until `count` messages (1 unless it is given) have come, and takes them. Rejects with `EventTimeout` if fewer
   * come; those that came are not taken.
   */
  wait(count?: number, options?: WaitOptions): Promise<Uint8Array[]>;
  /** Forgets the messages that have come. */
  clear(): void;
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Lists and connects ports, sends, and makes monitors and fake devices. */
export class Sequencer implements AsyncDisposable {
  /** Whether this system can have an ALSA sequencer: only Linux can. To skip tests on the others. */
  readonly available: boolean;
  /** Lists all ports, with their connections. */
  ls(): Promise<Port[]>;
  /** Connects two ports. `close` disconnects them. */
  connect(sender: PortLike, dest: PortLike): Promise<void>;
  /** Disconnects two ports, whoever has connected them. */
  disconnect(sender: PortLike, dest: PortLike): Promise<void>;
  /**
   * Collects the events that these ports send. Without ports, it collects what is sent to the monitor's own port. The
   * port `'0:1'` announces clients, ports and connections that come and go.
   */
  monitor(...ports: PortLike[]): Promise<Monitor>;
  /** Returns a fake device, which is not plugged in yet. */
  device(name: string, options?: DeviceOptions): Device;
  /** Sends MIDI messages to a port, without a connection. */
  send(dest: PortLike, ...messages: MidiBytes[]): Promise<void>;
  /** Waits until a port exists, for example of a program that was started, and resolves with its address. */
  waitForPort(port: PortLike, options?: WaitOptions): Promise<string>;
  /** Waits until a port exists and is connected to another one, in either direction. */
  waitForConnection(port: PortLike, options?: WaitOptions): Promise<void>;
  /**
   * Lets time pass in a run with a clock of its own, `aseqd run --time virtual` or `--time step`. Resolves when everything
   * has happened that is due up to then. Rejects where time is real.
   */
  advance(milliseconds: number): Promise<void>;
  /** Ends the monitors, unplugs the devices and removes the connections that were made. For `afterEach`. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The sequencer of this process. */
export const sequencer: Sequencer;
