// A listener by server-sent events that comes back where it was (HTML Living Standard §9.2).

export class Tail {
  /** Events, in the order in which they came: `{position, id}`. */
  events = [];
  #last = "0";
  #abort = new AbortController();
  #running;
  #ended;

  /**
   * @param {() => string} url
   * @param {() => Promise<unknown>} running resolves when the gateway runs and may be called
   */
  constructor(url, token, running) {
    this.#running = running;
    this.#ended = this.#follow(url, token);
  }

  async #follow(url, token) {
    while (!this.#abort.signal.aborted) {
      await this.#running();
      try {
        const answer = await fetch(url(), {
          headers: { authorization: `Bearer ${token}`, "last-event-id": this.#last },
          signal: this.#abort.signal,
        });
        if (!answer.ok) throw new Error(`a tail was answered ${answer.status}`);
        await this.#read(answer.body);
      } catch {
        // The gateway was killed: on to the next try.
        await new Promise((turn) => setTimeout(turn, 20));
      }
    }
  }

  async #read(stream) {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const fields = new Map(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
        if (!fields.has("data")) continue;
        this.#last = fields.get("id");
        this.events.push({ position: Number(this.#last), id: JSON.parse(fields.get("data")).id });
      }
    }
  }

  async close() {
    this.#abort.abort();
    await this.#ended;
  }
}
