// The connection to the server: commands and their answers, reconnection, and the rate that the server allows.

const PROTOCOL = 1;
// Times between two attempts, in ms: a server that restarts is found again soon, one that is gone costs nothing.
const FIRST_WAIT = 80;
const LONGEST_WAIT = 2000;

// Beside the page, which a proxy may have below a path of its own.
const address = new URL('ws', location.href).href.replace(/^http/, 'ws');
// The first one is opened before anything else is done: the page is drawn meanwhile.
let early = new WebSocket(address);

export class Connection {
  // Longest time without an answer while something is asked, in ms. A server that is stopped, or behind a network that is gone,
  // keeps its connection for hours; one that is busy answers something sooner.
  static patience = 15000;

  constructor({ token, onMessage, onEvents, onPhase }) {
    Object.assign(this, { token, onMessage, onEvents, onPhase });
    this.next = 1;
    this.waiting = new Map();
    this.wait = FIRST_WAIT;
    this.rate = 200;
    this.budget = 200;
    this.refilled = performance.now();
    this.backlog = [];
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const socket = early ?? new WebSocket(address);
    early = undefined;
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.expect();
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', protocol: PROTOCOL, token: this.token || undefined }));
    socket.onmessage = ({ data }) => {
      // One that was given up may still say something, when its server goes on.
      if (socket !== this.socket) return undefined;
      if (typeof data !== 'string') return this.onEvents(data);
      const message = JSON.parse(data);
      if (message.type === 'answer') return this.answered(message);
      if (message.type === 'hello') {
        this.ready = true;
        this.heard();
        this.wait = FIRST_WAIT;
        this.rate = message.limits?.rate ?? this.rate;
        this.budget = this.rate;
        this.onPhase('open');
      }
      this.onMessage(message);
    };
    socket.onclose = ({ code, reason }) => {
      if (socket === this.socket) this.lost('the connection to the server was lost', code, reason);
    };
  }

  // Fails what was asked, and connects again.
  lost(sentence, code, reason) {
    this.socket = undefined;
    this.ready = false;
    this.backlog = [];
    this.heard();
    for (const { reject } of this.waiting.values()) reject(new Error(sentence));
    this.waiting.clear();
    if (code === 4001 || code === 4002) return this.onPhase('refused', { code, reason });
    this.onPhase('closed', { code, reason });
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 1.5, LONGEST_WAIT);
    return undefined;
  }

  // Gives the connection up unless an answer comes in time.
  expect() {
    this.alarm ??= setTimeout(() => {
      const { socket } = this;
      this.lost('the server does not answer', 0, '');
      socket.close();
    }, Connection.patience);
  }

  heard() {
    clearTimeout(this.alarm);
    this.alarm = undefined;
  }

  // Tries at once: the page is seen again, or the network is there.
  hurry() {
    if (this.timer) {
      this.wait = FIRST_WAIT;
      this.open();
    }
  }

  retry(token) {
    this.token = token;
    this.open();
  }

  // Sends a command. The promise has the answer's value, or the error with the server's sentence.
  ask(what, fields = {}) {
    if (!this.ready) return Promise.reject(new Error('not connected to the server'));
    const id = this.next++;
    const text = JSON.stringify({ id, do: what, ...fields });
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.backlog.push(text);
      this.expect();
      this.flush();
    });
  }

  // Sends what waits, no faster than the server allows.
  flush() {
    const now = performance.now();
    this.budget = Math.min(this.rate, this.budget + ((now - this.refilled) / 1000) * this.rate * 0.9);
    this.refilled = now;
    while (this.backlog.length && this.budget >= 1 && this.ready) {
      this.socket.send(this.backlog.shift());
      this.budget -= 1;
    }
    if (this.backlog.length && !this.later) {
      this.later = setTimeout(() => {
        this.later = undefined;
        this.flush();
      }, 20);
    }
  }

  answered({ id, ok, value, error }) {
    const waiting = this.waiting.get(id);
    if (!waiting) return;
    this.waiting.delete(id);
    this.heard();
    if (this.waiting.size) this.expect();
    if (ok) waiting.resolve(value ?? {});
    else waiting.reject(new Error(error || 'the server refused'));
  }
}
