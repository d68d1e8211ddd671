'use strict';
// What the monitors and devices of a test have received.

/** Fewer events came than a test has waited for. */
class EventTimeout extends Error {
  name = 'EventTimeout';
}

/** How long a test waits unless it says so, in ms. */
const DEFAULT_TIMEOUT = 5000;
/** How many items a message shows. */
const SHOWN = 10;

/** Collects what comes, for `wait` and for `for await`. */
class Inbox {
  #what;
  #show;
  #items = [];
  #waiting = new Set();
  #error = null;
  #open = false;

  constructor(what, show) {
    this.#what = what;
    this.#show = show;
  }

  get items() {
    return [...this.#items];
  }

  clear() {
    this.#items.length = 0;
  }

  /** Called as the source opens; what has come before stays. */
  open() {
    this.#open = true;
    this.#error = null;
  }

  put(item) {
    this.#items.push(item);
    this.#changed();
  }

  /** Called as the source ends, with an error unless the test has closed it. */
  end(error) {
    this.#open = false;
    this.#error ??= error;
    this.#changed();
  }

  wait(count = 1, { timeout = DEFAULT_TIMEOUT } = {}) {
    if (!Number.isInteger(count) || count < 1) throw new RangeError(`count must be 1 or more, not ${count}`);
    return this.#take(count, timeout);
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      if (this.#items.length === 0 && !this.#open && !this.#error) return;
      const [item] = await this.#take(1, null);
      if (item === undefined) return;
      yield item;
    }
  }

  #changed() {
    for (const check of [...this.#waiting]) check();
  }

  /** Resolves with the next items. Without a timeout it resolves with none if the source is closed. */
  #take(count, timeout) {
    return new Promise((resolve, reject) => {
      let timer;
      const settle = (how, value) => {
        clearInterval(timer);
        this.#waiting.delete(check);
        how(value);
      };
      const came = () => {
        const shown = this.#items.slice(0, SHOWN).map(this.#show);
        const more = this.#items.length > SHOWN ? ` and ${this.#items.length - SHOWN} more` : '';
        return `there came ${shown.join(', ') || 'none'}${more}`;
      };
      const check = () => {
        if (this.#items.length >= count) return settle(resolve, this.#items.splice(0, count));
        if (this.#error) return settle(reject, this.#error);
        if (this.#open) return undefined;
        if (timeout === null) return settle(resolve, []);
        return settle(reject, new Error(`${this.#what} is closed; waited for ${count} event(s), and ${came()}`));
      };
      this.#waiting.add(check);
      // Also keeps Node alive while somebody waits: nothing else does.
      timer =
        timeout === null
          ? setInterval(() => {}, 2 ** 30)
          : setTimeout(
              () =>
                settle(
                  reject,
                  new EventTimeout(`${this.#what}: waited ${timeout} ms for ${count} event(s), and ${came()}`),
                ),
              timeout,
            );
      check();
    });
  }
}

module.exports = { EventTimeout, Inbox };
